"""The epsilon in a denominator: between which bounds it lies."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of

MISTAKE = golden.mistakes()["epsilon-in-denominator"]
NONE = (np.inf, 0.0)


def of(square, variance, got, condition=0.0, tolerance=1e-3, ddof="ddof0"):
    """A report of GSNR got where mean² and variance are these, in one parameter."""
    case = golden.load("linear-no-bias")
    square, variance, got = (np.array(v, float) for v in (square, variance, got))
    numbers = {"mean": np.sqrt(square), f"variance_{ddof}": variance}
    numbers[f"gsnr_{ddof}"] = np.full(len(square), 7.0)
    expected = case.expected | {q: {"linear.weight": v} for q, v in numbers.items()}
    k = case.condition | {f"gsnr_{ddof}": {"linear.weight": np.full(len(square), condition)}}
    case = replace(case, expected=expected, condition=k)
    return case, report_of(case, {"linear.weight": got}, f"gsnr_{ddof}", tolerance)


def bounds(*values, **options):
    case, report = of(*values, **options)
    return MISTAKE.constant(case, report, report.tolerance)


@pytest.mark.parametrize("ddof", ["ddof0", "ddof1"])
def test_epsilon_is_known_to_twice_what_a_gsnr_may_err(ddof):
    # 4/(1 + ε) = 2: ε is 1, where the total of 2 may be off by 2 · tolerance · (1 + condition).
    assert bounds([4], [1], [2], ddof=ddof) == pytest.approx((1 - 0.004, 1 + 0.004), rel=1e-12)
    assert bounds([4], [1], [2], condition=4.0, ddof=ddof) == pytest.approx((0.98, 1.02), rel=1e-12)


def test_every_parameter_narrows_the_bounds():
    low, high = bounds([4, 9], [1, 2], [2, 3], tolerance=0.01)
    assert (low, high) == pytest.approx((0.96, 1.04), rel=1e-12)  # the first: 2 · 0.02
    low, high = bounds([4, 9], [1, 1.96], [2, 3], tolerance=0.01)
    assert (low, high) == pytest.approx((1.04 - 0.06, 1.04), rel=1e-12)
    low, high = bounds([4, 0.0625], [1, 0.98], [2, 1 / 32], tolerance=0.01)  # the mean is below 1
    assert (low, high) == pytest.approx((1.02 - 0.04, 1.04), rel=1e-12)
    low, high = bounds([4, 9], [1, 2.5], [2, 3], tolerance=0.01)
    assert low > high  # 1, and 0.5


def test_epsilon_is_not_negative_and_may_be_endless():
    assert bounds([4], [1], [8])[0] == 0.0 and bounds([4], [1], [8])[1] < 0
    assert bounds([4], [1], [0.0]) == (np.inf, np.inf)
    assert bounds([0], [1], [0.0]) == (0.0, np.inf)  # tells nothing


def test_a_gsnr_below_0_or_of_a_zero_mean_is_made_by_none():
    assert bounds([4, 4], [1, 1], [2, -2]) == bounds([4, 4], [1, 1], [2, np.nan]) == NONE
    assert bounds([0.25, 4], [1, 1], [-0.1, 2]) == bounds([4, 0.25], [1, 1], [2, np.nan]) == NONE
    assert bounds([0, 4], [1, 1], [0.1, 2]) == bounds([0, 4], [1, 1], [-0.1, 2]) == NONE
    assert bounds([0, 4], [1, 1], [0.0, 2]) == bounds([4], [1], [2])


def test_one_epsilon_is_enough_without_any_room():
    case, report = of([4, 1], [1, 1], [2, 0.5], tolerance=0.0)
    assert MISTAKE.constant(case, report, 0.0) == (1.0, 1.0)
    assert judged("epsilon-in-denominator", case, report)
    case, report = of([4, 1], [1, 1], [2, 0.25], tolerance=0.0)
    assert not judged("epsilon-in-denominator", case, report)
    shapeless = report_of(case, {}, "gsnr_ddof0")
    assert not judged("epsilon-in-denominator", case, shapeless)
