"""What a user's type checker sees: mypy --strict on small files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PASSES = """
from functools import reduce

import numpy as np
from gsnr_ref import GradientMoments, Model, gradient_moments, per_sample_gradients
from numpy.typing import NDArray

def of_array(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return GradientMoments.from_samples(samples).mean.ravel()

def of_dict(samples: dict[str, NDArray[np.float64]]) -> list[str]:
    return list(GradientMoments.from_samples(samples).variance(ddof=1).keys())

def of_model(model: Model, params: dict[str, NDArray[np.float64]], x: object, y: object) -> float:
    moments = gradient_moments(model, params, x, y, method="loop")
    shape: tuple[int, ...] = moments.mean["w"].shape
    per_sample_gradients(model, params, x, y, "tapped")
    signal, noise = moments.signal_and_noise()
    return signal / noise * len(shape) * moments.count

def of_pieces(pieces: list[GradientMoments]) -> GradientMoments:
    return reduce(GradientMoments.merge, pieces)

def of_batches(means: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    return GradientMoments.from_batch_means(means, 32).variance(ddof=1)
"""

START = """
import numpy as np
from gsnr_ref import GradientMoments, Model, gradient_moments, per_sample_gradients
def use(model: Model, array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
"""
FAILS = {
    "gradient_moments(model, {}, array, array, method='tappd')": "arg-type",
    "per_sample_gradients(model, {}, array, array, 'tappd')": "arg-type",
    "GradientMoments.from_samples(array).mean.no_such_attribute": "attr-defined",
    "GradientMoments.from_samples({'w': array}).m2.no_such_attribute": "attr-defined",
    "GradientMoments.from_samples(array).count.no_such_attribute": "union-attr",
    "gradient_moments(model, {}, array, array).mean['w'].no_such_attribute": "attr-defined",
}


def mypy(folder, text):
    file = folder / "user.py"
    file.write_text(text)
    options = ["--strict", "--follow-imports=silent", "--cache-dir", str(folder / "cache")]
    command = [sys.executable, "-m", "mypy", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


def test_right_use_passes(folder):
    assert mypy(folder, PASSES) == "Success: no issues found in 1 source file\n"


def test_wrong_use_is_an_error(folder):
    lines = mypy(folder, START + "".join(f"    {line}\n" for line in FAILS)).splitlines()
    start = START.count("\n") + 1
    found = [re.fullmatch(r".*user\.py:(\d+): error: .*\[(.*)\]", line) for line in lines]
    errors = {int(match[1]): match[2] for match in found if match}
    assert errors == {start + i: code for i, code in enumerate(FAILS.values())}, lines
