"""Each related quantity against a plain loop over its definition, and the conversions as laws."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gsnr_ref as gr
from gsnr_ref import related
from tests.oracles.exact import fractions

seeds = st.integers(0, 2**32 - 1)


def draw(seed, m=None, d=None):
    rng = np.random.default_rng(seed)
    shape = m or rng.integers(2, 8), d or rng.integers(1, 5)
    return rng.normal(0.3, 1, shape) * (rng.random(shape) < 0.8)


@given(seeds)
def test_pairwise_quantities_match_loops(seed):
    g = draw(seed)
    cosines, products = [], []
    for a, b in combinations(g, 2):
        product = sum(x * y for x, y in zip(a, b, strict=True))
        norm = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
        products.append(product)
        cosines.append(product / norm if norm else 0.0)
    assert related.stiffness(g) == pytest.approx(np.mean(cosines), rel=1e-9, abs=1e-12)
    if min(map(abs, products)) > 1e-12 or 0.0 in products:
        assert related.stiffness(g, "sign") == pytest.approx(np.mean(np.sign(products)), abs=1e-12)
    assert related.gradient_confusion(g) == pytest.approx(
        max(0, *[-p for p in products]), abs=1e-12
    )


@given(seeds)
def test_sign_agreement_is_the_chance_of_equal_signs(seed):
    g = draw(seed)
    chances = []
    for column in g.T:
        signs = [v > 0 for v in column if v != 0]
        if signs:
            same = sum(a == b for a in signs for b in signs)
            chances.append(same / len(signs) ** 2)
    if chances:
        assert related.sign_agreement(g) == pytest.approx(np.mean(chances), rel=1e-12)
    else:
        assert np.isnan(related.sign_agreement(g))


@given(seeds, st.integers(1, 1000))
def test_every_quantity_is_the_same_osgr(seed, n):
    g = draw(seed)
    if not g.any():
        return
    moments = gr.GradientMoments.from_samples(g)
    osgr = gr.collapsed_osgr(moments, n)
    scale = related.simple_noise_scale(moments)
    assert related.osgr_from_noise_scale(scale, n) == pytest.approx(osgr, rel=1e-9)
    alpha = related.coherence(moments)
    assert alpha == pytest.approx(gr.collapsed_osgr(moments, 1), rel=1e-12)
    assert related.osgr_from_coherence(alpha, n) == pytest.approx(osgr, rel=1e-9)
    assert related.coherence_from_osgr(osgr, n) == pytest.approx(alpha, rel=1e-6)
    m, c = len(g), related.m_coherence(g)
    assert c == pytest.approx(1 / related.gradient_diversity(g), rel=1e-9)
    if c > 1e-6:
        by_coherence = (m / (m - 1)) * (1 - 1 / c)  # of gradients, by the unbiased ‖g̃‖²
        assert by_coherence == pytest.approx(gr.debiased_osgr(moments), rel=1e-7, abs=1e-7)


def test_conversions_are_exact_on_fractions():
    for r in (Fraction(1, 7), Fraction(1)):
        for n in (1, 5):
            assert related.osgr_from_noise_scale(related.noise_scale_from_osgr(r, n), n) == r
            assert related.osgr_from_coherence(related.coherence_from_osgr(r, n), n) == r
    assert related.noise_scale_from_osgr(0, 3) == np.inf
    assert related.osgr_from_noise_scale(np.inf, 3) == 0


def test_early_stopping_matches_its_formula_and_is_0_on_average_without_signal():
    g = np.random.default_rng(0).normal(size=(50, 20_000))
    g[:, 0] = 0.0
    value = related.evidence_criterion(gr.GradientMoments.from_samples(g))
    live = g[:, 1:]
    assert value == pytest.approx(1 - (50 * live.mean(0) ** 2 / live.var(0, ddof=1)).mean())
    # E n ḡ²/s² = (n−1)/(n−3) under no signal, with variance 2 to leading order
    assert abs(value - (1 - 49 / 47)) < 4 * (2.4 / 20_000) ** 0.5


def test_the_noise_scale_takes_its_ddof():
    """Samples 1 and 3: a variance of 1 over n, of 2 over n − 1."""
    moments = gr.GradientMoments.from_samples(fractions([[1], [3]]))
    values = [related.simple_noise_scale(moments, ddof) for ddof in (0, 1)]
    assert values == [Fraction(1, 4), Fraction(1, 2)]


def test_degenerate_values():
    zero = np.zeros((3, 2))
    moments = gr.GradientMoments.from_samples(zero)
    values = [
        related.simple_noise_scale(moments),
        related.coherence(moments),
        related.m_coherence(zero),
    ]
    values += [related.sign_agreement(zero), related.evidence_criterion(moments)]
    assert np.isnan(values).all()
    opposite = np.array([[1.0], [-1.0]])
    assert related.gradient_diversity(opposite) == np.inf
    assert related.simple_noise_scale(gr.GradientMoments.from_samples(opposite)) == np.inf


def test_summaries_count_infinite_and_dead_parameters():
    rng = np.random.default_rng(0)
    g = {
        "one.weight": rng.normal(1, 1, (50, 4, 3)),
        "one.bias": np.ones((50, 3)),
        "two.weight": np.zeros((50, 3, 1)),
    }
    moments = gr.GradientMoments.from_samples(g)
    summaries = gr.gsnr_summaries(moments, ddof=1)
    assert list(summaries) == ["one", "two", "model"]
    one, two, model = summaries.values()
    finite = gr.gsnr(moments, ddof=1)["one.weight"].ravel()
    assert one.n_params == 15
    assert one.mean == model.mean == pytest.approx(finite.mean())
    assert one.median == pytest.approx(np.median(finite))
    assert one.quantiles[0.05] == pytest.approx(np.quantile(finite, 0.05))
    assert (one.share_infinite, one.share_dead) == (3 / 15, 0)
    assert (two.share_infinite, two.share_dead) == (0, 1)
    assert np.isnan([two.mean, two.median, two.effective]).all()
    assert model.effective == pytest.approx(gr.effective_gsnr(moments, ddof=1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: related.stiffness(np.ones((1, 2))), "1 samples; expected 2 or more"),
        (lambda: related.stiffness(np.ones((2, 2)), "sine"), "kind is 'sine'"),
        (lambda: related.m_coherence(np.float64(1)), r"expected \(n_samples, ...\)"),
        (lambda: related.m_coherence([[np.nan]]), r"samples \(array\) holds 1 NaN"),
        (lambda: related.osgr_from_noise_scale(-1.0, 3), r"noise_scale is -1\.0"),
        (lambda: related.noise_scale_from_osgr(1.5, 3), r"osgr is 1\.5; expected 0 to 1"),
        (lambda: related.osgr_from_coherence(-0.1, 3), r"coherence is -0\.1"),
        (lambda: related.coherence_from_osgr(0.5, 0), "n is 0"),
        (lambda: gr.gsnr_summaries(gr.GradientMoments.from_samples([[1.0]])), "expected a mapping"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(gr.InputError, match=message):
        call()
