"""Settings shared by all tests."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# One worker a core: a second thread of BLAS would wait for a core that another worker has.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("default")

# A job in the background of a script is born with Ctrl-C ignored, and so are its children: the
# tests of Ctrl-C are not about that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mnist_directory():
    """Folder with the MNIST files: GSNR_REF_DATA, or beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    for folder in (os.environ.get("GSNR_REF_DATA"), beside, beside / "mnist"):
        if folder and (Path(folder) / "mnist").is_dir():
            return Path(folder) / "mnist"
        if folder and list(Path(folder).glob("train-images-idx3-ubyte*")):
            return Path(folder)
    pytest.skip("no MNIST: set GSNR_REF_DATA to the folder with its four IDX files")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Under CI a skip is a failure: a test that did not run has not passed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report
