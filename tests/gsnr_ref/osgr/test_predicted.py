from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    InputError,
    RangeError,
    collapsed_osgr,
    effective_gsnr,
    osgr_weights,
    predicted_osgr,
)
from tests.oracles.exact import exact_moments, fractions


def exact_equations_21_and_22(samples, n, ddof=0):
    """W, and 1 − (1/n) Σ W/(r + 1/n), in rational arithmetic, literally."""
    count, mean, m2 = exact_moments(samples)
    variance = m2 / (count - ddof)
    squares = mean * mean + variance / n
    weights = squares / squares.sum()
    ratios = mean * mean / variance
    return weights, 1 - sum(weights / (ratios + Fraction(1, n))) / n


def exact_equation_22(samples, n):
    return exact_equations_21_and_22(samples, n)[1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 5000), st.floats(-6, 6))
def test_equation_22_and_the_collapsed_form_match_rational_arithmetic(seed, n, log_signal):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(6, 4)) * 10.0 ** rng.uniform(-3, 3, 4) + 10.0**log_signal
    moments, exact = GradientMoments.from_samples(g), float(exact_equation_22(g, n))
    for value in (predicted_osgr(moments, n), collapsed_osgr(moments, n)):
        assert value == pytest.approx(exact, rel=1e-12)
    r = effective_gsnr(moments)
    assert 1 / (1 + 1 / (n * r)) == pytest.approx(exact, rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_fractions_give_equal_fractions(seed, n):
    g = fractions(np.random.default_rng(seed).integers(-9, 10, (4, 3)) * 2 + 1)
    g[0] += 1  # no parameter without variance
    moments = GradientMoments.from_samples(g)
    value = predicted_osgr(moments, n)
    assert type(value) is Fraction
    assert value == collapsed_osgr(moments, n) == exact_equation_22(g, n)


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_every_variance_is_over_the_samples_less_ddof(ddof):
    """Equations 21 and 22, the collapsed form and the whole model's GSNR, as fractions."""
    g = fractions([[1, 5, -2], [3, 6, 1], [8, 5, 2]])
    moments = GradientMoments.from_samples(g)
    weights, value = exact_equations_21_and_22(g, 4, ddof)
    assert (osgr_weights(moments, 4, ddof) == weights).all()
    assert predicted_osgr(moments, 4, ddof) == value
    assert collapsed_osgr(moments, 4, ddof) == value
    assert 1 / (1 + 1 / (4 * effective_gsnr(moments, ddof))) == value


def test_one_parameter_law_and_its_half():
    g = np.array([[1.0], [3.0]])  # GSNR 4
    moments = GradientMoments.from_samples(g)
    assert predicted_osgr(moments, 3) == pytest.approx(1 / (1 + 1 / 12))
    quarter = GradientMoments.from_samples(
        np.array([[1.0], [5.0]]) - 1
    )  # mean 2, variance 4: r = 1
    assert predicted_osgr(quarter, 1) == 0.5


def test_a_small_osgr_keeps_its_digits():
    g = np.array([[1.0 + 1e-9], [-1.0 + 1e-9]])  # r = 1e-18: 1 − (1 − R) would leave R = 0
    exact = exact_equation_22(g, 3)
    assert predicted_osgr(GradientMoments.from_samples(g), 3) == pytest.approx(
        float(exact), rel=1e-6
    )


@pytest.mark.parametrize("exact", [False, True])
def test_degenerate_parameters(exact):
    g = np.array([[2.0, 0.0, 1.0], [2.0, 0.0, -1.0]])  # r = inf, dead, r = 0
    moments = GradientMoments.from_samples(fractions(g) if exact else g)
    assert [float(w) for w in osgr_weights(moments, 1)] == [0.8, 0.0, 0.2]
    assert float(predicted_osgr(moments, 1)) == float(collapsed_osgr(moments, 1)) == 0.8
    assert float(effective_gsnr(moments)) == 4.0
    certain = GradientMoments.from_samples(fractions(g[:, :1]) if exact else g[:, :1])
    assert predicted_osgr(certain, 7) == collapsed_osgr(certain, 7) == 1
    assert effective_gsnr(certain) == np.inf
    dead = GradientMoments.from_samples(fractions(g[:, 1:2]) if exact else g[:, 1:2])
    for value in (predicted_osgr(dead, 7), collapsed_osgr(dead, 7), effective_gsnr(dead)):
        assert np.isnan(float(value))
    assert np.isnan(float(osgr_weights(dead, 7)[0]))


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "ten"])
def test_n_must_be_a_size(n):
    moments = GradientMoments.from_samples([1.0, 2.0])
    for function in (predicted_osgr, osgr_weights, collapsed_osgr):
        with pytest.raises(InputError, match=f"n is {n!r}; expected a whole number, 1 or more"):
            function(moments, n)


def test_underflow_is_said():
    moments = GradientMoments.from_samples([1e-200, 1e-200])
    for call in (predicted_osgr, osgr_weights, collapsed_osgr):
        with pytest.raises(RangeError, match="underflow"):
            call(moments, 3)
