"""Tests of the tests: with a wrong implementation planted, the suite must fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.planted import MISTAKES, READINGS, REUSE

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tests" / "gsnr_ref"
#: The first failure ends a run, so the quick and decisive tests begin.
FIRST = ("test_signal_to_noise", "osgr/test_predicted", "gradients/test_gradients")
ROOMS = ("inference", "osgr", "gradients")
SUITE = list(
    dict.fromkeys(
        [str(PACKAGE / f"{name}.py") for name in FIRST]
        + [str(path) for room in ROOMS for path in sorted((PACKAGE / room).glob("test_*.py"))]
    )
)
#: Of the mistakes that are read into the source: the tests of the digits.
DIGITS = [f"tests/gsnr_ref/moments/test_{m}.py" for m in ("sums", "products", "batch_means")]
REUSE_SUITE = ["tests/gsnr_ref/osgr/test_reused.py"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_suite_rejects(mistake):
    suite = SUITE
    if mistake in READINGS:
        suite = DIGITS
    elif mistake in {f.__name__ for f in REUSE}:
        suite = REUSE_SUITE
    environment = os.environ | {"PLANTED": mistake, "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-xq", "-n0", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "-p", "tests.meta.planted", *suite],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stdout[-2000:]  # 1: a test failed; 2 and up: no run
    found = r"assert|AssertionError|gsnr_ref\.contract\.InputError: \w+ breaks the contract"
    assert re.search(rf"^E +({found})", result.stdout, re.MULTILINE)
