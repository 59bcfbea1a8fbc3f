"""Bias and coverage of the estimators, over seeded draws from populations that are known."""

import math
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import (
    GradientMoments,
    InputError,
    collapsed_osgr,
    debiased_gsnr,
    debiased_osgr,
    gsnr,
    gsnr_interval,
    osgr_interval,
    plug_in_osgr,
    robust_gsnr_interval,
)
from tests.oracles.exact import fractions

DRAWS = 10_000


def within(values, truth, n_errors=3):
    """Whether the mean of the values is within some standard errors of the truth."""
    return abs(np.mean(values) - truth) < n_errors * np.std(values, ddof=1) / math.sqrt(len(values))


@pytest.mark.parametrize("n", [6, 20, 200])
@pytest.mark.parametrize("r", [0.0, 0.1, 2.0])
def test_debiased_gsnr_is_unbiased_and_the_plug_in_is_biased_as_predicted(n, r):
    g = np.random.default_rng(n).normal(math.sqrt(r), 1, (n, DRAWS))
    moments = GradientMoments.from_samples(g)
    assert within(debiased_gsnr(moments), r)
    plug_in = gsnr(moments, ddof=1)
    assert within(plug_in, (r + 1 / n) * (n - 1) / (n - 3))
    assert not within(plug_in, r)


@pytest.mark.simulation
@pytest.mark.parametrize("r", [0.0, 0.01, 0.2])
def test_debiased_osgr_is_unbiased_and_the_plug_in_is_biased_as_predicted(r):
    """With 20,000 parameters a ratio of means has next to no bias of its own: 2/20,000 of R."""
    n, d = 30, 20_000
    rng = np.random.default_rng(0)
    debiased, plug_in = [], []
    for _ in range(DRAWS):  # of means and variances as Gaussian gradients have them
        mean = math.sqrt(r) + rng.standard_normal(d) / math.sqrt(n)
        moments = GradientMoments(n, mean, rng.chisquare(n - 1, d))
        debiased.append(debiased_osgr(moments))
        plug_in.append(collapsed_osgr(moments, n, ddof=1))
    truth = r / (r + 1 / n)
    assert within(debiased, truth)
    assert abs(np.mean(plug_in) - (r + 1 / n) / (r + 2 / n)) < 1e-3
    assert not within(plug_in, truth, 100)


def test_debiased_signal_is_unbiased_over_every_dataset():
    """Exactly, as fractions: Σ over all draws of (ḡ² − s²/m) is g̃², whatever the distribution."""
    from itertools import product

    values = [Fraction(0), Fraction(1), Fraction(5)]
    for m in (2, 3):
        mean = Fraction(0)
        for draw in product(values, repeat=m):
            moments = GradientMoments.from_samples(fractions([[v] for v in draw]))
            squares = moments.mean[0] ** 2
            if squares:
                mean += debiased_osgr(moments) * squares / 3**m
        assert mean == Fraction(6, 3) ** 2


def test_debiased_osgr_at_another_size():
    g = np.random.default_rng(0).normal(0.3, 1, (500, 40))
    moments = GradientMoments.from_samples(g)
    signal = ((moments.mean**2) - moments.variance(1) / 500).sum()
    noise = moments.variance(1).sum()
    assert debiased_osgr(moments, 7) == pytest.approx(signal / (signal + noise / 7), rel=1e-12)
    assert debiased_osgr(moments, 500) == pytest.approx(debiased_osgr(moments), rel=1e-12)


def test_the_papers_estimate_sees_signal_where_there_is_none():
    """With u = n r̂ ~ χ²₁: E u²/(1+u) for one set; 1 − E 1/(1+u) where W is independent of r̂."""
    half = math.sqrt(math.pi * math.e / 2) * math.erfc(math.sqrt(0.5))  # E 1/(1 + χ²₁)
    rng = np.random.default_rng(0)
    sets = [GradientMoments.from_samples(rng.normal(size=(300, 4000))) for _ in range(40)]
    assert plug_in_osgr(sets[:1]) == pytest.approx(half, abs=0.02)
    assert plug_in_osgr(sets) == pytest.approx(1 - half, abs=0.02)
    assert abs(debiased_osgr(sets[0])) < 0.1


def test_the_papers_estimate_of_one_set_is_the_plug_in():
    moments = GradientMoments.from_samples(np.random.default_rng(0).normal(0.2, 1, (50, 30)))
    ratios = gsnr(moments, ddof=1)
    weights = moments.mean**2 / (moments.mean**2).sum()
    assert plug_in_osgr([moments]) == pytest.approx(1 - (weights / (ratios + 1 / 50)).sum() / 50)


def test_degenerate_samples():
    moments = GradientMoments.from_samples(np.array([[2.0, 0.0]] * 12))
    assert debiased_gsnr(moments)[0] == np.inf
    assert np.isnan(debiased_gsnr(moments)[1])
    assert np.isnan(gsnr_interval(moments)).all()
    assert debiased_osgr(moments) == 1
    assert np.isnan(debiased_osgr(GradientMoments.from_samples(np.zeros((12, 2)))))
    assert osgr_interval(np.full((12, 2), 2.0)) == (1.0, 1.0)
    assert np.isnan(osgr_interval(np.zeros((12, 2)))).all()
    assert np.isnan(plug_in_osgr([GradientMoments.from_samples(np.zeros((12, 2)))]))


@pytest.mark.parametrize("n", [2, 5, 50])
def test_the_interval_inverts_the_distribution_of_the_noncentral_t(n):
    """Another route: P(F ≤ f) = P(|Z + δ| ≤ √f·χ/√ν), integrated over χ."""
    from scipy import integrate, stats

    def below(f, delta):
        def chance(s):
            edges = stats.norm.cdf(f**0.5 * s - delta) - stats.norm.cdf(-(f**0.5) * s - delta)
            return edges * stats.chi.pdf(s * (n - 1) ** 0.5, n - 1) * (n - 1) ** 0.5

        around = [1.0, min(delta / f**0.5, 9.0)]
        return integrate.quad(chance, 0, 10, points=around, epsabs=1e-10, limit=500)[0]

    moments = GradientMoments(n, np.array([0.3, 1.0, 4.0]), np.full(3, n - 1.0))
    low, high = gsnr_interval(moments, 0.9)
    for mean, ends in zip(moments.mean, np.stack([low, high], axis=1), strict=True):
        for end, level in zip(ends, (0.95, 0.05), strict=True):
            value = below(n * mean**2, math.sqrt(n * end))
            assert value == pytest.approx(level, abs=1e-6) or (end == 0 and value <= level)


@pytest.mark.simulation
@pytest.mark.parametrize("n", [5, 10, 30, 100, 1000])
@pytest.mark.parametrize("r", [0.0, 0.003, 0.1, 1.0, 10.0])
def test_the_gaussian_interval_covers_94_to_96_percent(n, r):
    rng = np.random.default_rng([n, int(1000 * r)])
    covered = 0
    for _ in range(4):
        g = rng.normal(math.sqrt(r), 1, (n, DRAWS // 4))
        low, high = gsnr_interval(GradientMoments.from_samples(g))
        covered += ((low <= r) & (r <= high)).sum()
    assert 0.94 <= covered / DRAWS <= 0.96


@pytest.mark.simulation
def test_the_robust_interval_holds_where_the_gaussian_one_does_not():
    g = np.random.default_rng(0).exponential(1, (400, DRAWS))
    low, high = robust_gsnr_interval(g)
    robust = ((low <= 1) & (high >= 1)).mean()
    low, high = gsnr_interval(GradientMoments.from_samples(g))
    gaussian = ((low <= 1) & (high >= 1)).mean()
    assert 0.93 <= robust <= 0.97
    assert gaussian > 0.98  # skewness makes ḡ/s vary less than the Gaussian interval thinks


POPULATIONS = {  # sample(rng, m), ‖g̃‖² and tr Σ, and the bounds of the coverage
    "exponential": (lambda rng, m: rng.exponential(1, (m, 20)) - 0.6, 3.2, 20.0, 0.93, 0.97),
    "heavy tails": (lambda rng, m: rng.standard_t(5, (m, 20)) + 0.3, 1.8, 100 / 3, 0.93, 0.97),
    "log-normal": (
        lambda rng, m: rng.lognormal(0, 0.5, (m, 20)) - 0.8,
        20 * (math.exp(0.125) - 0.8) ** 2,
        20 * (math.exp(0.25) - 1) * math.exp(0.25),
        0.93,
        0.97,
    ),
    "no signal": (lambda rng, m: rng.exponential(1, (m, 100)) - 1, 0.0, 100.0, 0.93, 0.97),
    # Where it covers more than it says, as its docstring tells:
    "sparse": (
        lambda rng, m: (rng.random((m, 1)) < 0.2) * rng.normal(1.5, 1, (m, 20)), 1.8, 11.2,
        0.93, 0.985,
    ),
    "one parameter": (lambda rng, m: rng.exponential(1, (m, 1)) - 0.5, 0.25, 1.0, 0.93, 0.985),
}  # fmt: skip


@pytest.mark.simulation
@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("m", [30, 100])
def test_the_osgr_interval_covers_what_its_docstring_says(name, m):
    sample, signal, noise, least, most = POPULATIONS[name]
    truth = signal / (signal + noise / m)
    rng = np.random.default_rng(m)
    covered = 0
    for _ in range(DRAWS):
        low, high = osgr_interval(sample(rng, m))
        covered += low <= truth <= high
    assert least <= covered / DRAWS <= most


def test_the_bootstrap_agrees_with_the_jackknife():
    g = np.random.default_rng(0).exponential(1, (200, 10)) - 0.5
    jackknife = osgr_interval(g, n=20)
    bootstrap = osgr_interval(g, n=20, method="bootstrap", n_resamples=999)
    width = jackknife[1] - jackknife[0]
    assert np.allclose(jackknife, bootstrap, rtol=0, atol=0.35 * width)  # two approximations
    assert bootstrap == osgr_interval(g, n=20, method="bootstrap", n_resamples=999)


def test_structures_are_kept():
    g = {"a": np.random.default_rng(0).normal(1, 1, (20, 2, 3)), "b": np.ones((20, 1))}
    low, high = gsnr_interval(GradientMoments.from_samples(g))
    assert low["a"].shape == high["a"].shape == (2, 3)
    low, high = robust_gsnr_interval(g)
    assert (low["a"] <= high["a"]).all()
    assert np.isnan(low["b"]).all()


def moments_of(n):
    return GradientMoments.from_samples(np.random.default_rng(0).normal(size=(n, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: debiased_gsnr(moments_of(3)), "count 3; expected 4 or more"),
        (lambda: gsnr_interval(moments_of(1)), "count 1; expected 2 or more"),
        (lambda: gsnr_interval(moments_of(5), 95), "confidence is 95; expected between 0 and 1"),
        (lambda: debiased_osgr(moments_of(1)), "count 1; expected 2 or more"),
        (lambda: debiased_osgr(GradientMoments(1.0, np.ones(2), np.ones(2))), "equally weighted"),
        (lambda: osgr_interval(np.ones((9, 2))), "9 samples; expected 10 or more"),
        (lambda: robust_gsnr_interval(np.ones((9, 2))), "9 samples; expected 10 or more"),
        (lambda: robust_gsnr_interval(np.float64(1.0)), r"expected \(n_samples, ...\)"),
        (lambda: osgr_interval(np.ones((12, 2)), method="magic"), "method is 'magic'"),
        (lambda: plug_in_osgr([]), "moments is empty"),
        (lambda: plug_in_osgr([moments_of(4), moments_of(5)]), r"counts \[4, 5\]"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
