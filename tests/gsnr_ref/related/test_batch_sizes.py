"""‖g̃‖² and tr Σ from two batch sizes: over every draw of a population, in fractions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from gsnr_ref import GradientMoments, InputError
from gsnr_ref.related import two_batch_signal_and_noise
from tests.oracles.exact import fractions

POPULATION = fractions([[1, 0], [3, -1], [-2, 5]])  # gradients of three samples
PROBABILITIES = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]


def draws(n):
    """Every sequence of n draws, with its probability."""
    for chosen in product(range(3), repeat=n):
        chance = Fraction(1)
        for i in chosen:
            chance *= PROBABILITIES[i]
        yield chance, POPULATION[list(chosen)]


def squared(vector):
    return sum(v * v for v in vector)


@pytest.mark.parametrize("sizes", [(1, 2), (1, 4), (3, 4), (4, 2)])
def test_both_are_unbiased_even_where_batches_share_samples(sizes):
    mean = sum(p * g for p, g in zip(PROBABILITIES, POPULATION, strict=True))
    power = sum(p * squared(g) for p, g in zip(PROBABILITIES, POPULATION, strict=True))
    expected = np.zeros(2, dtype=object)
    lowest = [0, 0]
    for chance, g in draws(max(sizes)):
        norms = tuple(squared(g[:size].sum(axis=0) / Fraction(size)) for size in sizes)
        estimate = two_batch_signal_and_noise(norms, sizes)
        expected += chance * np.array(estimate, dtype=object)
        lowest = [min(pair) for pair in zip(lowest, estimate, strict=True)]
    assert tuple(expected) == (squared(mean), power - squared(mean))
    assert max(lowest) < 0  # each can be negative, and is not clamped


def test_the_means_of_workers_give_what_from_batch_means_gives():
    rng = np.random.default_rng(0)
    means = fractions(rng.integers(-9, 9, (5, 3)))  # 5 workers, 4 samples each
    moments = GradientMoments.from_batch_means(means, 4)
    small = sum(squared(m) for m in means) / Fraction(5)
    estimate = two_batch_signal_and_noise((small, squared(moments.mean)), (4, 20))
    variance = moments.variance(ddof=1).sum()
    assert estimate.noise == variance
    assert estimate.signal == squared(moments.mean) - variance / 20
    assert estimate.noise_scale == estimate.noise / estimate.signal


def test_a_signal_of_zero():
    assert two_batch_signal_and_noise((2.0, 1.0), (1, 2)).noise_scale == np.inf
    assert np.isnan(two_batch_signal_and_noise((0.0, 0.0), (1, 2)).noise_scale)


@pytest.mark.parametrize(
    ("norms", "sizes", "message"),
    [
        ((1.0, 1.0), (2, 2), r"batch_sizes is \(2, 2\); expected two different"),
        ((1.0, 1.0), (0, 2), "batch_sizes is 0"),
        ((-1.0, 1.0), (1, 2), "squared_norms"),
        ((1.0, np.nan), (1, 2), "squared_norms"),
    ],
)
def test_bad_input_is_named(norms, sizes, message):
    with pytest.raises(InputError, match=message):
        two_batch_signal_and_noise(norms, sizes)
