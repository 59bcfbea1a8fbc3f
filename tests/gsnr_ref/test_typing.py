"""What ``mypy --strict`` says to a user, who marks the lines that must not pass."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
USER = """\
from fractions import Fraction
import numpy as np
from numpy.typing import NDArray
import gsnr_ref
from gsnr_ref import closed_form, related
from toy_models import MLP, FinitePopulation

Array = NDArray[np.float64]
moments = gsnr_ref.GradientMoments.from_samples(np.ones((4, 2)))

# A number goes on as a float, or as a Fraction.
def prediction(moments: gsnr_ref.GradientMoments) -> float:
    return gsnr_ref.predicted_osgr(moments, 10)

def whole_model(moments: gsnr_ref.GradientMoments) -> float:
    return gsnr_ref.effective_gsnr(moments) + related.simple_noise_scale(moments)

def others(moments: gsnr_ref.GradientMoments) -> list[float]:
    r: float = gsnr_ref.debiased_osgr(moments)
    return [r, gsnr_ref.collapsed_osgr(moments, 3), gsnr_ref.holdout_osgr(moments, 3)]

def exactly(moments: gsnr_ref.GradientMoments) -> Fraction:
    value = gsnr_ref.predicted_osgr(moments, 10)
    assert isinstance(value, Fraction)
    return value

def closed() -> float:
    return closed_form.location_model(Fraction(1), 0, 1, n=3).osgr(Fraction(1, 2))

def converted() -> float:
    return related.osgr_from_noise_scale(Fraction(1, 2), 3)

def sides(x: Array, y: Array) -> float:
    model, population = MLP((2, 1)), FinitePopulation(x, y)
    params = model.init(0)
    exact = gsnr_ref.enumerated_osgr(model, params, population, 2, Fraction(1, 10))
    measured = gsnr_ref.measured_osgr(model, params, population, 2, 0.1, n_trials=10)
    return exact.value - measured.value

# Arrays are arrays, or a dict of them.
def ratios(moments: gsnr_ref.GradientMoments) -> NDArray[np.float64]:
    return gsnr_ref.gsnr(moments)

def layer(moments: gsnr_ref.GradientMoments) -> float:
    named = gsnr_ref.gsnr(moments)
    assert isinstance(named, dict)
    weights = gsnr_ref.osgr_weights(moments, 3)["layer1.weight"]
    return float(weights.sum() + sum(r.sum() for r in named.values()))

def row(moments: gsnr_ref.GradientMoments) -> dict[str, float]:
    return dict(gsnr_ref.gsnr_summary(moments).as_row())

def intervals(samples: Array, moments: gsnr_ref.GradientMoments) -> float:
    low, high = gsnr_ref.gsnr_interval(moments, confidence=0.9)
    low, high = gsnr_ref.gsnr_interval(samples)
    bounds = gsnr_ref.osgr_interval({"a": samples}, 3, method="bootstrap")
    return bounds[0] + related.stiffness(samples, "sign")

# What is no attribute, no option, or no number.
gsnr_ref.gsnr(moments).no_such_attribute  # [union-attr]
gsnr_ref.osgr_weights(moments, 3).no_such_attribute  # [union-attr]
gsnr_ref.predicted_osgr(moments, 3).no_such_attribute  # [union-attr]
gsnr_ref.gsnr_interval(moments)[0].no_such_attribute  # [union-attr]
gsnr_ref.osgr_interval(np.ones((20, 2)), method="jacknife")  # [arg-type]
gsnr_ref.osgr_interval(np.ones((20, 2)), 3, 0.9)  # [call-arg]
related.stiffness(np.ones((20, 2)), kind="sin")  # [arg-type]
gsnr_ref.predicted_osgr(np.ones((20, 2)), 3)  # [arg-type]
gsnr_ref.predicted_osgr(moments, 0.5)  # [arg-type]
gsnr_ref.gsnr_summary(moments).median.no_such_attribute  # [attr-defined]
"""


def test_a_users_file_is_checked_as_it_says(tmp_path, pytestconfig):
    (tmp_path / "user.py").write_text(USER)
    cache = pytestconfig.cache.mkdir("mypy")  # NumPy's stubs take 10 s to read
    command = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={cache}"]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", *command, "--no-pretty", tmp_path / "user.py"],
        cwd=ROOT,  # where both packages are
        capture_output=True,
        text=True,
    )
    found = re.findall(r"user.py:(\d+): error: .*(\[[\w-]+\])$", result.stdout, re.MULTILINE)
    expected = re.findall(r"# (\[[\w-]+\])$", USER, re.MULTILINE)
    lines = [str(i) for i, line in enumerate(USER.splitlines(), 1) if re.search(r"# \[", line)]
    assert found == list(zip(lines, expected, strict=True)), result.stdout + result.stderr
