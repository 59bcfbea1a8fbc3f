"""Differences of numbers that are nearly equal: how far off they can be, and where."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import flat, map_structure
from gsnr_ref.golden.diagnosis.wrong_cancellation import _has_tails
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of, with_losses

ROUNDING = {"float64": 2.0**-53, "float32": 2.0**-24}


def can_make(id, case, value, quantity, dtype="float64"):
    """What the judge says of values that fail, as all do that are not exactly right."""
    report = report_of(case, value, quantity, tolerance=1e-20, dtype=dtype)
    assert not report.passed
    return judged(id, case, report)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("ddof", ["ddof0", "ddof1"])
def test_a_one_pass_variance_is_off_by_some_roundings_of_its_parts(dtype, ddof):
    case = golden.load("linear-snr-1e12")
    mean, variance = case.expected["mean"], case.expected[f"variance_{ddof}"]
    most = map_structure(
        lambda m, v: (2 * len(case.x) + 8) * ROUNDING[dtype] * (m * m + v), mean, variance
    )
    for share, can_be in ((0.98, True), (-0.98, True), (1.02, False), (-1.02, False)):
        off = map_structure(lambda v, e, s=share: v + s * e, variance, most)
        assert can_make("one-pass-variance", case, off, f"variance_{ddof}", dtype) == can_be
        gsnr = map_structure(lambda m, v: m * m / v, mean, off)
        assert can_make("one-pass-variance", case, gsnr, f"gsnr_{ddof}", dtype) == can_be
    name = next(iter(mean))
    one = variance | {name: variance[name] + 2 * most[name]}  # one array alone
    assert not can_make("one-pass-variance", case, one, f"variance_{ddof}", dtype)


def test_an_error_may_be_as_large_as_its_bound():
    u = 2.0**-53
    case = golden.load("location-two-samples")
    numbers = {"mean": 0.5, "variance_ddof0": 0.75}  # mean² and variance add up to 1
    numbers = {q: {"linear.weight": np.array([[v]])} for q, v in numbers.items()}
    case = replace(case, expected=case.expected | numbers)
    for n_units, can_be in ((12, True), (13, False)):  # 2 · 2 + 8
        got = {"linear.weight": np.array([[0.75 + n_units * u]])}
        assert can_make("one-pass-variance", case, got, "variance_ddof0") == can_be
    tails = with_losses([1.0, 2.0**-20])
    tails.model["loss"].update(type="cross_entropy")
    for n_units, can_be in ((8, True), (9, False)):
        got = np.array([1.0, 2.0**-20 + n_units * u])
        assert can_make("tails-lost", tails, got, "losses") == can_be


@pytest.mark.parametrize("ddof", ["ddof0", "ddof1"])
def test_a_variance_that_rounds_to_0_may_give_no_gsnr(ddof):
    case = golden.load("location-two-samples")
    for variance, can_be in ((1e-17, True), (1e-3, False)):
        numbers = {"mean": 0.5, f"variance_{ddof}": variance, f"gsnr_{ddof}": 0.25 / variance}
        numbers = {q: {"linear.weight": np.array([[v]])} for q, v in numbers.items()}
        given = replace(case, expected=case.expected | numbers)
        got = {"linear.weight": np.array([[np.nan]])}
        assert can_make("one-pass-variance", given, got, f"gsnr_{ddof}") == can_be


def test_a_variance_of_0_over_0_is_none_and_a_missing_array_is_no_rounding():
    case = golden.load("linear-zero-variance")
    nothing = map_structure(lambda v: v * np.nan, case.expected["gsnr_ddof0"])
    assert can_make("one-pass-variance", case, nothing, "gsnr_ddof0") == bool(
        (flat(case.expected["variance_ddof0"]) < 1e-16).all()
    )
    assert not can_make("one-pass-variance", case, {}, "variance_ddof0")


@pytest.mark.parametrize(
    ("id", "has"),
    [
        ("linear", False),
        ("mlp2-relu-squared-error", False),
        ("mlp2-identity-squared-error", False),
        ("conv-groups", False),
        ("softmax", True),
        ("mlp2-relu-cross-entropy", True),
        ("mlp2-tanh-squared-error", True),
        ("elman-squared-error", True),
    ],
)
def test_limits_are_where_something_saturates(id, has):
    case = golden.load(id)
    assert _has_tails(case) == has
    assert bool(golden.mistakes()["tails-lost"].wrong(case)) == has


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize(("scale", "largest"), [(1.0, 1.0), (1.0, 5.0), (1024.0, 1.0)])
def test_tails_are_off_by_roundings_of_the_largest_value(dtype, scale, largest):
    case = with_losses([largest, 1e-4, 0.5])
    case.model["loss"].update(type="cross_entropy", scale=scale)
    most = 8 * ROUNDING[dtype] * max(scale, largest)
    for share, can_be in ((0.95, True), (-0.95, True), (1.05, False), (-1.05, False)):
        got = np.array([largest, 1e-4 + share * most, 0.5])
        assert can_make("tails-lost", case, got, "losses", dtype) == can_be
    if scale == 1:  # half of the largest is in no tail
        got = np.array([largest, 1e-4, 0.5 + 0.5 * most])
        assert not can_make("tails-lost", case, got, "losses", dtype)
    case.model["loss"].update(type="squared_error")
    got = np.array([largest, 1e-4 + 0.5 * most, 0.5])
    assert not can_make("tails-lost", case, got, "losses", dtype)


def test_a_tail_is_below_a_thousandth_of_the_largest():
    for small, can_be in ((1e-3, True), (1.01e-3, False)):
        case = with_losses([1.0, small])
        case.model["loss"].update(type="cross_entropy")
        assert can_make("tails-lost", case, [1.0, small + 2.0**-52], "losses") == can_be
    assert not can_make("tails-lost", case, [1.0], "losses")  # of another shape


@pytest.mark.parametrize("scale", [1.0, 2.0**-20, 3.0])
@pytest.mark.parametrize("id", ["softmax-saturated", "mlp2-tanh-saturated"])
def test_small_values_keep_what_a_rounding_next_to_the_scale_leaves(id, scale):
    case = golden.load(id)
    case = replace(case, model=case.model | {"loss": case.model["loss"] | {"scale": scale}})
    wrong = golden.mistakes()["tails-lost"].wrong(case)
    n_small = 0
    for quantity in ("losses", "per_sample_gradients"):
        right, made = (
            v if quantity == "losses" else np.concatenate([np.ravel(v[k]) for k in sorted(v)])
            for v in (case.expected[quantity], wrong[quantity])
        )
        for want, have in zip(right, made, strict=True):
            if abs(want) >= 1e-6 * scale:
                assert have == want
                continue
            n_small += want != 0
            rounded = float(1 + Fraction(want / scale)) - 1  # exact, but for one rounding
            assert have == rounded * scale
    assert n_small


@pytest.mark.parametrize("dtype", ROUNDING)
def test_equation_22_is_off_by_whole_roundings_of_1(dtype):
    case, unit = golden.load("linear-snr-1e-12"), ROUNDING[dtype]
    n_terms = (
        case.params["linear.weight"].size + case.params.get("linear.bias", np.ones(0)).size + 8
    )
    right = case.expected["predicted_osgr"]
    grid = {n: np.rint(v / unit) * unit for n, v in right.items()}

    def off(n_units):
        return right | {"1": grid["1"] + n_units * unit}

    assert can_make("equation-22-cancels", case, off(n_terms - 1), "predicted_osgr", dtype)
    assert can_make("equation-22-cancels", case, off(1 - n_terms), "predicted_osgr", dtype)
    assert not can_make("equation-22-cancels", case, off(n_terms + 1), "predicted_osgr", dtype)
    assert not can_make("equation-22-cancels", case, off(-n_terms - 1), "predicted_osgr", dtype)
    assert not can_make("equation-22-cancels", case, off(1.5), "predicted_osgr", dtype)
    assert not can_make("equation-22-cancels", case, {}, "predicted_osgr", dtype)
    numbers, sure = {"predicted_osgr": {"1": 0.25}}, {"predicted_osgr": {"1": 0.0}}
    case = replace(case, expected=case.expected | numbers, condition=case.condition | sure)
    for n_units, can_be in ((n_terms, True), (n_terms + 1, False)):
        got = {"1": 0.25 + n_units * unit}
        assert can_make("equation-22-cancels", case, got, "predicted_osgr", dtype) == can_be


def test_equation_22_word_by_word():
    case = golden.load("linear-dead-input")
    wrong = golden.mistakes()["equation-22-cancels"].wrong(case)["predicted_osgr"]
    for n, value in wrong.items():
        total = 0.0
        for name, weights in case.expected["osgr_weights"][n].items():
            for w, r in zip(weights.flat, case.expected["gsnr_ddof0"][name].flat, strict=True):
                total += w / (r + 1 / int(n)) if w else 0.0
        assert value == pytest.approx(1 - total / int(n), rel=1e-12)
