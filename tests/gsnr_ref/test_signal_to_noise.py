"""Laws of GSNR, as data: what may change it and what may not."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    gradient_moments,
    gsnr,
    osgr_weights,
    predicted_osgr,
)
from tests.oracles.exact import exact_moments
from toy_models import LinearRegression


@st.composite
def samples(draw):
    seed = draw(st.integers(0, 2**32 - 1), label="seed")
    n = draw(st.integers(2, 30), label="n")
    return np.random.default_rng(seed).normal(loc=0.5, size=(n, 3))


#: Each changes the per-sample gradients and leaves GSNR alone.
LAWS = {
    "samples permuted": lambda g: g[::-1],
    "samples duplicated": lambda g: np.repeat(g, 3, axis=0),
    "loss scaled": lambda g: -1e3 * g,
    "parameters scaled, each by its own factor": lambda g: g * [1e-3, 7.0, -1e5],
}


@pytest.mark.parametrize("law", LAWS)
@given(g=samples())
def test_gsnr_does_not_change_when(law, g):
    before, after = (gsnr(GradientMoments.from_samples(s)) for s in (g, LAWS[law](g)))
    assert np.allclose(before, after, rtol=1e-10, atol=1e-25)  # a mean near 0 cancels


@given(samples(), st.sampled_from([0, 1]))
def test_gsnr_is_the_exact_ratio(g, ddof):
    count, mean, m2 = exact_moments(g)
    exact = (mean * mean / (m2 / (count - ddof))).astype(float)
    ratios = gsnr(GradientMoments.from_samples(g), ddof)
    # The mean's absolute error is about u times the samples: relative, it grows as GSNR falls.
    assert (np.abs(ratios - exact) <= 1e-13 * (exact + np.sqrt(exact))).all()


def test_gsnr_of_fractions_is_a_fraction_in_the_shape_of_the_parameters():
    third = Fraction(1, 3)
    g = np.array([[[third, third, 0]], [[2 * third, third, 0]]], dtype=object)
    ratio = gsnr(GradientMoments.from_samples(g))
    assert ratio.shape == (1, 3)
    assert ratio[0, 0] == 9  # (1/2)² over (1/6)²
    assert isinstance(ratio[0, 0], Fraction)
    assert ratio[0, 1] == np.inf
    assert np.isnan(ratio[0, 2])


def test_degenerate_values_are_what_the_docstring_says():
    g = np.array([[2.0, 0.0, 1.0], [2.0, 0.0, -1.0]])
    ratios = gsnr(GradientMoments.from_samples(g))
    assert ratios[0] == np.inf
    assert np.isnan(ratios[1])
    assert ratios[2] == 0


@given(st.integers(1, 40), st.floats(0.1, 10), st.integers(0, 2**32 - 1))
def test_reparametrizing_a_model_leaves_its_gsnr(n, factor, seed):
    """x → x·c and w → w/c: the same function, another unit for the parameter."""
    rng = np.random.default_rng(seed)
    assume(n > 2)
    x, y, w = rng.normal(size=(n, 2)), rng.normal(size=(n, 1)), rng.normal(size=(2, 1))
    model = LinearRegression(2, bias=False)
    one = gsnr(gradient_moments(model, {"linear.weight": w}, x, y))["linear.weight"]
    two = gsnr(gradient_moments(model, {"linear.weight": w / factor}, x * factor, y))
    assert np.allclose(one, two["linear.weight"], rtol=1e-7, atol=1e-12)


@given(samples(), st.integers(1, 10_000))
def test_weights_are_shares_and_osgr_is_their_mean(g, n):
    moments = GradientMoments.from_samples(g)
    weights = osgr_weights(moments, n)
    assert weights.sum() == pytest.approx(1, rel=1e-14)
    one_parameter = [predicted_osgr(GradientMoments.from_samples(g[:, j]), n) for j in range(3)]
    assert predicted_osgr(moments, n) == pytest.approx(float(weights @ one_parameter), rel=1e-12)
