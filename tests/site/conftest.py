"""The documentation, built once, from clean and with warnings as errors, unless it is there."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.browser import browser
from tests.site.pages import Site

__all__ = ["browser", "built"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The built site: of GSNR_REF_SITE, or built here."""
    if folder := os.environ.get("GSNR_REF_SITE"):
        return Site(Path(folder))
    pytest.importorskip("sphinx", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    start = time.monotonic()
    words = ["-W", "--keep-going", "-q", "-b", "html", "docs", str(folder)]
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return Site(folder, seconds=time.monotonic() - start)
