"""Bias and coverage of the estimators, over seeded draws from populations that are known."""

import math
import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, optimize

from gsnr_ref import (
    CoverageWarning,
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


def test_in_the_papers_estimate_a_parameter_that_one_set_leaves_at_0_over_0_counts_as_0():
    """Equation 25 by hand, n = 2: of two parameters the second moves in the second set only.

    W = (4 + 4, 1)/9 from both sets. First set: r = (4/2, 0/0), taken as (2, 0); second set: r =
    (4/2, 1/2). So 1 − ½(8/9/(5/2) + 1/9/(1/2)) and 1 − ½(8/9/(5/2) + 1/9/1).
    """
    sets = [[[1.0, 0.0], [3.0, 0.0]], [[1.0, 0.5], [3.0, 1.5]]]
    first = 1 - (Fraction(8, 9) / Fraction(5, 2) + Fraction(1, 9) * 2) / 2
    second = 1 - (Fraction(8, 9) / Fraction(5, 2) + Fraction(1, 9) / (2 + Fraction(1, 2))) / 2
    value = plug_in_osgr([GradientMoments.from_samples(s) for s in sets])
    assert value == pytest.approx(float(first + second) / 2, rel=1e-14)


def test_the_papers_estimate_of_one_set_is_the_plug_in():
    moments = GradientMoments.from_samples(np.random.default_rng(0).normal(0.2, 1, (50, 30)))
    ratios = gsnr(moments, ddof=1)
    weights = moments.mean**2 / (moments.mean**2).sum()
    assert plug_in_osgr([moments]) == pytest.approx(1 - (weights / (ratios + 1 / 50)).sum() / 50)


def test_degenerate_samples():
    moments = GradientMoments.from_samples(np.array([[2.0, 0.0]] * 12))
    assert debiased_gsnr(moments)[0] == np.inf
    assert np.isnan(debiased_gsnr(moments)[1])
    assert debiased_osgr(moments) == 1
    assert np.isnan(debiased_osgr(GradientMoments.from_samples(np.zeros((12, 2)))))
    assert np.isnan(plug_in_osgr([GradientMoments.from_samples(np.zeros((12, 2)))]))


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_a_sample_that_does_not_vary_bounds_nothing(value):
    """A parameter that lives in a few samples looks so until one of them is drawn."""
    g = np.full((12, 2), value)
    for interval in (gsnr_interval, robust_gsnr_interval):
        low, high = interval(g)
        assert low.tolist() == [0, 0]
        assert high.tolist() == [np.inf, np.inf]
    for method in ("jackknife", "bootstrap"):
        assert osgr_interval(g, method=method) == (-np.inf, 1.0)


@pytest.mark.parametrize("power", [-100, -20, 20, 100])
def test_no_interval_depends_on_the_unit_of_the_gradients(power):
    g = np.random.default_rng(0).normal(1, 1, (30, 3))
    for interval in (gsnr_interval, robust_gsnr_interval):
        np.testing.assert_array_equal(interval(2.0**power * g), interval(g))
    for method in ("jackknife", "bootstrap"):
        assert osgr_interval(2.0**power * g, method=method) == osgr_interval(g, method=method)


def test_one_sample_that_alone_varies_bounds_nothing_from_above():
    g = np.zeros((12, 1))
    g[3] = 1.0
    with pytest.warns(CoverageWarning, match="1 of 1 parameters"):
        low, high = robust_gsnr_interval(g)
    assert (low[0], high[0]) == (0, np.inf)
    assert osgr_interval(g) == (-np.inf, 1.0)


@pytest.mark.parametrize("n", [2, 5, 50, 3000])
def test_the_interval_inverts_the_distribution_of_the_noncentral_t(n):
    """Another route: P(F ≤ f) = P(|Z + δ| ≤ √f·χ/√ν), integrated over χ."""
    from scipy import integrate, stats

    def below(f, delta):
        def chance(s):
            edges = stats.norm.cdf(f**0.5 * s - delta) - stats.norm.cdf(-(f**0.5) * s - delta)
            return edges * stats.chi.pdf(s * (n - 1) ** 0.5, n - 1) * (n - 1) ** 0.5

        around = [1.0, min(delta / f**0.5, 9.0)]
        return integrate.quad(chance, 0, 10, points=around, epsabs=1e-10, limit=500)[0]

    moments = GradientMoments(n, np.array([0.3, 1.0, 4.0, 30.0]), np.full(4, n - 1.0))
    low, high = gsnr_interval(moments, confidence=0.9)
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


def without_each(g):
    """Moments of the samples without the first, without the second, ..."""
    return [GradientMoments.from_samples(np.delete(g, i, axis=0)) for i in range(len(g))]


def tukey_variance(values):
    """The jackknife's variance, from the m values without one sample: Tukey's, by a loop."""
    mean = math.fsum(values) / len(values)
    return (len(values) - 1) / len(values) * math.fsum((v - mean) ** 2 for v in values)


def confidence_within(quantile, degrees):
    """P(|t| < quantile) of Student's t: the integral of its density."""
    scale = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    density = lambda t: scale * (1 + t * t / degrees) ** (-(degrees + 1) / 2)  # noqa: E731
    return 2 * integrate.quad(density, 0, quantile, epsabs=1e-13)[0]


def widened(estimate, values, variance, confidence):
    """The interval and its degrees of freedom, by loops, from the m values without one sample."""
    m = len(values)
    mean = math.fsum(values) / m
    moves = [mean - v for v in values]
    squares, cubes, fourths = (math.fsum(v**k for v in moves) / m for k in (2, 3, 4))
    degrees = min(max(2 * m / (fourths / squares**2 - 1), 1), m - 1)
    quantile = optimize.brentq(lambda q: confidence_within(q, degrees) - confidence, 0.1, 100)
    skewness = cubes / squares**1.5
    beyond = max(abs(skewness) - 2 * math.sqrt(6 / m), 0)
    outwards = (2 * quantile**2 + 1) / 6 / math.sqrt(m) * beyond
    low, high = (outwards, 0) if skewness < 0 else (0, outwards)
    error = math.sqrt(variance)
    return estimate - (quantile + low) * error, estimate + (quantile + high) * error, degrees


def skewed(seed, shape):
    """Exponential, with one sample that stands out."""
    g = np.random.default_rng(seed).exponential(1, shape) + 0.5
    g[0] *= 6
    return g


OSGR_SAMPLES = {  # samples, and whether less than half of the jackknife's variance would remain
    "signal": (np.random.default_rng(0).exponential(1, (30, 4)), False),
    "skewed": (skewed(0, (30, 4)), False),
    "little signal": (np.random.default_rng(1).normal(0.3, 1, (12, 6)), False),
    "no signal": (np.random.default_rng(3).normal(0.0, 1, (12, 200)), True),
}


@pytest.mark.parametrize("n", [None, 7])
@pytest.mark.parametrize("name", OSGR_SAMPLES)
def test_the_osgr_interval_is_a_jackknife_less_its_quadratic_part_with_student_s_t(name, n):
    """Each sample really left out, each pair of samples in a loop, and t by its integral.

    log Q = −log(m(1 − R)), with R the debiased OSGR for training sets of m.
    """
    g, halved = OSGR_SAMPLES[name]
    m = len(g)
    log_q = lambda moments: -math.log(m * (1 - debiased_osgr(moments, m)))  # noqa: E731
    moments = GradientMoments.from_samples(g)
    jackknife = tukey_variance([log_q(rest) for rest in without_each(g)])
    centred = g - g.mean(axis=0)
    products = [float(a @ b) for a, b in combinations(centred, 2)]
    mean = math.fsum(products) / len(products)
    spread = math.fsum((p - mean) ** 2 for p in products) / len(products)
    denominator = float((moments.mean**2).sum())  # ‖g̃‖² + tr Σ/m, unbiased
    noise = float(moments.variance(1).sum())
    share = max(1 - 4 * spread / noise**2, 0)  # spread estimates tr Σ²
    remaining = 1 - share * 2 * spread / (m * denominator) ** 2 / jackknife
    assert (remaining < 0.5) == halved
    variance = max(remaining, 0.5) * jackknife
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        low, high = osgr_interval(g, n, confidence=0.9)
    ends = [math.log(1 / (1 / r - 1) / (n or m) + 1 / m) for r in (low, high)]
    values = [log_q(rest) for rest in without_each(g)]
    *expected, degrees = widened(log_q(moments), values, variance, 0.9)
    assert ends == pytest.approx(expected, abs=1e-9)
    assert [w.category for w in caught] == [CoverageWarning] * (degrees < 5)
    assert (degrees < 5) == (name == "skewed")


@pytest.mark.parametrize("outlier", [False, True])
def test_the_robust_interval_is_a_jackknife_with_student_s_t(outlier):
    g = np.random.default_rng(0).normal(0.5, 1, (25, 1))
    g[0] = 20 if outlier else g[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        low, high = robust_gsnr_interval(g, confidence=0.8)
    z = lambda moments: math.asinh(math.sqrt(gsnr(moments, ddof=1)[0] / 2))  # noqa: E731
    values = [z(rest) for rest in without_each(g)]
    unbiased = 25 * z(GradientMoments.from_samples(g)) - 24 * math.fsum(values) / 25
    *expected, degrees = widened(unbiased, values, tukey_variance(values), 0.8)
    ends = [math.asinh(math.sqrt(r[0] / 2)) for r in (low, high)]
    below, above = expected
    assert (below < 0) == outlier  # whose t may have either sign: from 0 on
    assert ends == pytest.approx([max(below, 0), above], abs=1e-9)
    assert [w.category for w in caught] == [CoverageWarning] * (degrees < 5)
    assert (degrees < 5) == outlier


def test_the_warning_counts_parameters_that_vary():
    """It comes where more than a third of them show a heavy tail."""
    rng = np.random.default_rng(0)
    g = {"a": rng.normal(1, 1, (200, 4)), "b": rng.normal(1, 1, (200, 2)), "c": np.zeros((200, 9))}
    g["b"][0] = 60
    robust_gsnr_interval(g)  # 2 of 6
    g["a"][0, 0] = 60
    with pytest.warns(CoverageWarning, match="3 of 6 parameters that vary rests on a few samples"):
        robust_gsnr_interval(g)


def test_the_bootstrap_agrees_with_the_jackknife():
    g = np.random.default_rng(0).exponential(1, (200, 10)) - 0.5
    jackknife = osgr_interval(g, n=20)
    bootstrap = osgr_interval(g, n=20, method="bootstrap", n_resamples=999)
    width = jackknife[1] - jackknife[0]
    assert np.allclose(jackknife, bootstrap, rtol=0, atol=0.35 * width)  # two approximations
    assert bootstrap == osgr_interval(g, n=20, method="bootstrap", n_resamples=999)


def test_the_gaussian_interval_takes_samples_or_their_moments():
    g = {"a": np.random.default_rng(0).normal(1, 1, (20, 2, 3)), "b": np.ones((20, 1))}
    for one, two in zip(
        gsnr_interval(g), gsnr_interval(GradientMoments.from_samples(g)), strict=True
    ):
        assert np.array_equal(one["a"], two["a"])
        assert np.array_equal(one["b"], two["b"], equal_nan=True)


def test_exact_moments_have_their_degenerate_values():
    moments = GradientMoments.from_samples(fractions([[2, 0, 1]] * 3 + [[2, 0, 3]]))
    assert list(debiased_gsnr(moments)[[0, 2]]) == [np.inf, 0.5]  # (9/4)/1·(1/3) − 1/4
    assert math.isnan(debiased_gsnr(moments)[1])
    low, high = gsnr_interval(moments)
    assert [*low[:2], *high[:2]] == [0, 0, np.inf, np.inf]
    assert high[2] > 2.25


def test_structures_are_kept():
    g = {"a": np.random.default_rng(0).normal(1, 1, (20, 2, 3)), "b": np.ones((20, 1))}
    low, high = gsnr_interval(GradientMoments.from_samples(g))
    assert low["a"].shape == high["a"].shape == (2, 3)
    low, high = robust_gsnr_interval(g)
    assert (low["a"] <= high["a"]).all()
    assert (low["b"].item(), high["b"].item()) == (0, np.inf)


def moments_of(n):
    return GradientMoments.from_samples(np.random.default_rng(0).normal(size=(n, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: debiased_gsnr(moments_of(3)), "count 3; expected 4 or more"),
        (lambda: gsnr_interval(moments_of(1)), "count 1; expected 2 or more"),
        (lambda: gsnr_interval(np.ones((1, 2))), "samples has 1 samples; expected 2 or more"),
        (lambda: osgr_interval(moments_of(50)), "samples is GradientMoments; .* do not hold them"),
        (lambda: robust_gsnr_interval(moments_of(50)), "samples is GradientMoments"),
        (
            lambda: gsnr_interval(moments_of(5), confidence=95),
            "confidence is 95; expected between 0 and 1",
        ),
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
