"""The constant by which a quantity is off, its name, and where it is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import map_structure
from gsnr_ref.golden.diagnosis import by_parameter, constant_factor
from tests.gsnr_ref.golden.diagnosis.made_up import report_of, with_losses

N, C = 7, 5


def case_of(scale=1.0, n=N, c=C):
    """Losses of n samples with c outputs; no two constants are the same."""
    case = with_losses(np.arange(1.0, n + 1))
    loss = case.model["loss"] | {"scale": scale}
    return replace(case, y=np.zeros((n, c)), model=case.model | {"loss": loss})


def said_of(factor, **sizes):
    case = case_of(**sizes)
    return constant_factor(case, report_of(case, case.expected["losses"] * factor))


@pytest.mark.parametrize(
    ("number", "name", "scale"),
    [
        (49, "B² = 49", 1),
        (7, "B = 7", 1),
        (7 / 6, "n/(n − 1) = 1.16667", 1),
        (2, "2", 1),
        (4, "4", 1),
        (5, "C = 5", 1),
        (25, "C² = 25", 1),
        (2.5, "C/2 = 2.5", 1),
        (6.25, "C²/4 = 6.25", 1),
        (1 / np.log(2), "1/ln 2 = 1.4427", 1),
        (1 / np.log(2) ** 2, "1/(ln 2)² = 2.08137", 1),
        (1000, "the scale of the loss = 1000", 1000),
        (1e6, "the squared scale of the loss = 1e+06", 1000),
        (1000, "one over the scale of the loss = 1000", 0.001),
    ],
)
def test_a_constant_has_its_name_either_way(number, name, scale):
    assert said_of(number, scale=scale) == f"too large by exactly {name}"
    assert said_of(1 / number, scale=scale) == f"too small by exactly {name}"


def test_a_factor_without_a_name_is_given():
    assert said_of(3.5) == "too large by a constant factor, 3.5"
    assert said_of(1 / 3.5) == "too small by a constant factor, 3.5"
    assert said_of(2 * (1 + 0.9e-5)) == "too large by exactly 2"
    assert said_of(2 * (1 + 1.1e-5)) == "too large by a constant factor, 2.00002"


def test_a_constant_that_is_1_or_less_is_no_name():
    """One sample, one output, a scale of 1: what is off by nothing has no factor."""
    assert said_of(0.5, n=2, c=1) == "too small by exactly B = 2"
    assert said_of(4, n=1, c=1) == "too large by exactly 4"
    assert said_of(1.25, n=5, c=1) == "too large by exactly n/(n − 1) = 1.25"
    assert said_of(1 + 0.9e-5) == ""
    assert said_of(1 + 1.2e-5) == "too large by a constant factor, 1.00001"


def test_what_is_off_by_no_factor_has_none():
    spread = np.ones(N)
    spread[0] = 1 + 0.9e-5
    assert said_of(3.5 * spread) == "too large by a constant factor, 3.5"
    spread[0] = 1 + 1.1e-5
    assert said_of(3.5 * spread) == ""
    spread[0] = np.nan
    assert said_of(3.5 * spread) == ""
    assert said_of(-2.0) == said_of(0.0) == said_of(np.nan) == said_of(np.inf) == ""
    case = case_of()
    assert constant_factor(case, report_of(case, np.ones(3))) == ""  # of another shape


def test_where_0_or_infinity_is_expected_there_is_no_ratio():
    case = with_losses([0.0, 2.0, np.inf, 3.0])
    report = report_of(case, np.array([5.0, 7.0, 1.0, 10.5]))
    assert constant_factor(case, report) == "too large by a constant factor, 3.5"
    case = with_losses([0.0, 0.0])
    assert constant_factor(case, report_of(case, np.ones(2))) == ""


CASE = golden.load("mlp3-tanh-squared-error")


def test_many_arrays_are_told_apart_eight_at_most():
    names = list(CASE.expected["osgr_weights"]["1"])
    weights = {
        n: {name: w * (2 + k) for k, (name, w) in enumerate(tree.items())}
        for n, tree in CASE.expected["osgr_weights"].items()
    }
    report = report_of(CASE, weights, "osgr_weights")
    told = [f"all of n={n} {k}, × {2 + i}" for n in "18" for i, k in enumerate(names)]
    assert len(report.wrong) == 3 * len(names) == 18
    assert by_parameter(CASE, report) == "; ".join(told[:8]) + "; and 10 more"
    weights = CASE.expected["osgr_weights"] | {"1": weights["1"]}
    text = by_parameter(CASE, report_of(CASE, weights, "osgr_weights"))
    right = ", ".join([f"n={n} {k}" for n in ("8", "1000") for k in names][:8])
    assert text == "; ".join(told[:6]) + f"; right: {right}"


def of_the_mean(change):
    mean = {name: v + 0.0 for name, v in CASE.expected["mean"].items()}
    change(mean)
    return by_parameter(CASE, report_of(CASE, mean, "mean"))


def test_one_wrong_value_has_no_factor_and_two_have():
    def one(mean):
        mean["layer1.bias"][0] *= 3

    def two(mean):
        mean["layer1.bias"][:2] *= 3

    size = CASE.params["layer1.bias"].size
    assert of_the_mean(one).startswith(f"1 of {size} of layer1.bias; right: ")
    many = "all" if size == 2 else f"2 of {size}"
    assert of_the_mean(two).startswith(f"{many} of layer1.bias, × 3; right: ")


def test_that_everything_is_wrong_in_no_way_of_its_own_tells_nothing():
    rng = np.random.default_rng(0)
    spoilt = map_structure(lambda v: v * rng.uniform(2, 3, v.shape), CASE.expected["mean"])
    assert by_parameter(CASE, report_of(CASE, spoilt, "mean")) == ""
    name = "layer1.bias"
    some = spoilt | {name: np.where(np.arange(len(spoilt[name])) == 0, 1, 2) * spoilt[name]}
    some[name][0] = CASE.expected["mean"][name][0]
    told = by_parameter(CASE, report_of(CASE, some, "mean"))
    assert f"of {len(spoilt[name])} of {name}" in told
    one = golden.load("linear-no-bias")
    doubled = 2 * one.expected["mean"]["linear.weight"]  # one array: its name tells nothing
    assert by_parameter(one, report_of(one, {"linear.weight": doubled}, "mean")) == ""
    two = golden.load("linear")
    mean = two.expected["mean"] | {"linear.weight": 2 * two.expected["mean"]["linear.weight"]}
    told = by_parameter(two, report_of(two, mean, "mean"))
    assert told == "all of linear.weight, × 2; right: linear.bias"
