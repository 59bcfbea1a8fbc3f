"""Moments from means over batches: laws over every draw of a population, in fractions."""

from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest

from gsnr_ref import GradientMoments, InputError, debiased_osgr
from tests.oracles.exact import exact_moments, fractions

POPULATION = fractions([[1, 0], [3, -1], [-2, 5]])  # gradients of three samples
PROBABILITIES = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
MEAN = sum(p * g for p, g in zip(PROBABILITIES, POPULATION, strict=True))
VARIANCE = sum(p * (g - MEAN) ** 2 for p, g in zip(PROBABILITIES, POPULATION, strict=True))


def draws(n):
    """Every sequence of n draws, with its probability."""
    for chosen in product(range(3), repeat=n):
        chance = Fraction(1)
        for i in chosen:
            chance *= PROBABILITIES[i]
        yield chance, POPULATION[list(chosen)]


def means_of(samples, sizes):
    ends = np.cumsum(sizes)
    pieces = [samples[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    return np.array([piece.sum(axis=0) / Fraction(len(piece)) for piece in pieces])


def expectations(n, moments_of):
    """Expected mean, variance and debiased ‖g̃‖², over every draw of n samples."""
    mean = variance = signal = 0
    for chance, samples in draws(n):
        moments = moments_of(samples)
        assert moments.count == n
        rho2 = moments.variance(ddof=1)
        mean += chance * moments.mean
        variance += chance * rho2
        signal += chance * ((moments.mean**2).sum() - rho2.sum() / moments.count)
    return mean.tolist(), variance.tolist(), signal


UNBIASED = MEAN.tolist(), VARIANCE.tolist(), (MEAN**2).sum()


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (2, 2, 2), (1, 3), (3, 1, 2)])
def test_mean_variance_and_signal_are_unbiased_whatever_the_sizes(sizes):
    def moments_of(samples):
        return GradientMoments.from_batch_means(means_of(samples, sizes), sizes)

    assert expectations(sum(sizes), moments_of) == UNBIASED


def test_they_stay_unbiased_when_merged_with_batches_and_with_samples():
    def moments_of(samples):
        one = GradientMoments.from_batch_means(means_of(samples[:2], (1, 1)), 1)
        two = GradientMoments.from_batch_means(means_of(samples[2:5], (1, 2)), [1, 2])
        return one.merge(two).merge(GradientMoments.from_samples(samples[5:]))

    assert expectations(6, moments_of) == UNBIASED


def test_over_every_cut_of_a_given_set_m2_is_that_of_the_set():
    samples = fractions([[1], [4], [-2], [7], [0]])
    cuts = [
        GradientMoments.from_batch_means(means_of(samples[list(order)], (3, 2)), (3, 2))
        for order in permutations(range(5))
    ]
    m2 = sum(cut.m2 for cut in cuts) / Fraction(len(cuts))
    assert m2 == exact_moments(samples)[2]


def test_batches_of_one_sample_are_samples():
    samples = {"layer": {"weight": np.random.default_rng(0).standard_normal((6, 2, 3))}}
    one, other = GradientMoments.from_batch_means(samples, 1), GradientMoments.from_samples(samples)
    assert one.count == other.count
    assert (one.m2["layer"]["weight"] == other.m2["layer"]["weight"]).all()


def test_debiased_osgr_reads_the_number_of_samples():
    """R̂ = (‖ḡ‖² − tr ρ²/N)/‖ḡ‖²: its numerator is the signal that is unbiased above."""
    means = np.random.default_rng(0).standard_normal((8, 3)) + 1
    moments = GradientMoments.from_batch_means(means, 5)
    signal = (moments.mean**2).sum()
    numerator = signal - moments.variance(ddof=1).sum() / 40
    assert debiased_osgr(moments) == pytest.approx(numerator / signal, rel=1e-14)


MEANS = np.ones((3, 2))


@pytest.mark.parametrize(
    ("means", "sizes", "message"),
    [
        (MEANS[:1], 4, "means has 1 batches; expected 2 or more"),
        (MEANS, [4, 4], r"batch_size has shape \(2,\); expected \(\) or \(3,\)"),
        (MEANS, 0, "batch_size is"),
        (MEANS, [4, 4, 2.5], "batch_size is"),
        (MEANS * np.nan, 4, "means .* NaN"),
        ([MEANS, MEANS], 4, "means is a list of arrays"),
    ],
)
def test_bad_input_is_named(means, sizes, message):
    with pytest.raises(InputError, match=message):
        GradientMoments.from_batch_means(means, sizes)
