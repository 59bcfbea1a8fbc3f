"""Tests of the tests: with a wrong implementation planted, the suite must fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.planted import INFERENCE, MISTAKES, OF_GRADIENTS, READINGS, REUSE

ROOT = Path(__file__).parents[2]
#: The first failure ends a run, so each mistake meets the tests of its room; quick ones begin.
FILES = ("test_signal_to_noise", "osgr/test_predicted", "osgr/test_enumerated")
SUITE = [f"tests/gsnr_ref/{name}.py" for name in FILES]
GRADIENTS_SUITE = ["tests/gsnr_ref/gradients"]
INFERENCE_SUITE = ["tests/gsnr_ref/inference"]
#: Of the mistakes that are read into the source of a module: the tests of its digits.
DIGITS = {"sums": "sums", "products": "products", "mergeable": "batch_means"}
REUSE_SUITE = ["tests/gsnr_ref/osgr/test_reused.py"]


@pytest.mark.simulation  # not because of draws: each is a run of pytest
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_suite_rejects(mistake):
    suite = SUITE
    if mistake in READINGS:
        module = READINGS[mistake][0].rpartition(".")[2]
        suite = [f"tests/gsnr_ref/moments/test_{DIGITS[module]}.py"]
    elif mistake in {f.__name__ for f in REUSE}:
        suite = REUSE_SUITE
    elif mistake in {f.__name__ for f in INFERENCE}:
        suite = INFERENCE_SUITE
    elif mistake in {f.__name__ for f in OF_GRADIENTS}:
        suite = GRADIENTS_SUITE
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
