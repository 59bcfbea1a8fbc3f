"""Small learning rates: the decreases are computed in float64, and say where they drown."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import PrecisionWarning, enumerated_osgr, measured_osgr
from toy_models import FinitePopulation, LinearRegression

MODEL = LinearRegression(2)


def problem(seed, dtype=float):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(3, 2)) + np.array([3, 0]), rng.normal(size=3)  # with a mean gradient
    x, y = (a.astype(np.float32).astype(float) for a in (x, y))
    params = {"linear.weight": np.array([[3.0], [0.5]]), "linear.bias": np.array([1.0])}
    if dtype is Fraction:
        x, y = (np.vectorize(Fraction, otypes=[object])(a) for a in (x, y))
        params = {k: np.vectorize(Fraction, otypes=[object])(v) for k, v in params.items()}
        return params, FinitePopulation(x, y, np.array([Fraction(k, 4) for k in (1, 1, 2)]))
    params = {k: v.astype(dtype) for k, v in params.items()}
    return params, FinitePopulation(x.astype(dtype), y.astype(dtype), np.array([0.25, 0.25, 0.5]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(-18, -2))
def test_enumeration_is_right_to_one_percent_or_warns(seed, exponent):
    rate = 10.0**exponent
    exact = enumerated_osgr(MODEL, *problem(seed, Fraction), 2, Fraction(rate))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = enumerated_osgr(MODEL, *problem(seed), 2, rate)
        except ArithmeticError:  # no step changes a parameter: told already
            return
    warned = any(w.category is PrecisionWarning for w in caught)
    assert warned or abs(found.value - exact.value) <= max(0.01 * abs(exact.value), 1e-4)
    assert not warned or exponent < -10  # and where it need not, it does not


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(-9, -2))
def test_float32_gives_what_the_same_numbers_in_float64_give(seed, exponent):
    rate = 10.0**exponent
    one, other = (
        measured_osgr(MODEL, *problem(seed, dtype), 4, rate, n_trials=20)
        for dtype in (np.float32, np.float64)
    )
    assert one.training_decreases.tolist() == other.training_decreases.tolist()
    assert one.test_decreases.tolist() == other.test_decreases.tolist()
    one, other = (
        enumerated_osgr(MODEL, *problem(seed, dtype), 2, rate) for dtype in (np.float32, float)
    )
    assert one == other


def test_a_measurement_that_drowns_warns_and_another_does_not():
    for rate in (1e-8, 1e-4):
        measured_osgr(MODEL, *problem(1), 4, rate, n_trials=50)
    with pytest.warns(PrecisionWarning, match="learning_rate 1e-15"):
        measured_osgr(MODEL, *problem(1), 4, 1e-15, n_trials=50)


def test_float64_steps_at_the_scale_of_one_rounding_warn():
    with pytest.warns(PrecisionWarning, match="learning_rate 1e-16"):
        enumerated_osgr(MODEL, *problem(1), 2, 1e-16)
