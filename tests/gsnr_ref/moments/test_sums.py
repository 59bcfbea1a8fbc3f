"""Moments keep the digits that exact arithmetic has: NumAcc, offsets, any chunking and order."""

from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gsnr_ref import GradientMoments
from tests.oracles.exact import correct_digits, exact_moments
from tests.strategies import cuts


def alternating(first, low, high, count=1001):
    """NIST's numerical-accuracy series: one value, then two in turn."""
    return np.array([first] + [low, high] * ((count - 1) // 2))


ULP = np.finfo(float).eps

NUMACC = {
    "NumAcc1": np.array([10000001.0, 10000003.0, 10000002.0]),
    "NumAcc2": alternating(1.2, 1.1, 1.3),
    "NumAcc3": alternating(1000000.2, 1000000.1, 1000000.3),
    "NumAcc4": alternating(10000000.2, 10000000.1, 10000000.3),
}


def merged(samples, pieces):
    return reduce(
        GradientMoments.merge, [GradientMoments.from_samples(samples[piece]) for piece in pieces]
    )


def check_digits(samples, moments):
    """At least the digits of numpy.var, less one, for the variance; of numpy.mean for the mean.

    Or the mean's error is of two roundings, one in units of the deviations and one of the mean:
    where it cancels to little, NumPy is sometimes luckier than float64 allows.
    """
    total, mean, m2 = exact_moments(samples)
    assert moments.count == len(samples)
    spread = np.sqrt(np.array(m2 / total, dtype=float))
    rounding = 2.0**-52 * (np.abs(np.array(mean, dtype=float)) + spread)
    pairs = [
        (moments.variance(), np.var(samples, axis=0), m2 / total, 0 * rounding),
        (moments.mean, np.mean(samples, axis=0), mean, rounding),
    ]
    for arrays in pairs:
        for our, numpy_, true, allowed in zip(*map(np.ravel, arrays), strict=True):
            near = abs(Fraction(float(our)) - true) <= allowed
            assert near or correct_digits(our, true) >= min(correct_digits(numpy_, true), 16) - 1


@pytest.mark.parametrize("name", NUMACC)
@pytest.mark.parametrize("size", [1, 2, 7, 100, 1001])
@pytest.mark.parametrize("backwards", [False, True])
def test_numacc_in_pieces(name, size, backwards):
    samples = NUMACC[name]
    pieces = [slice(i, i + size) for i in range(0, len(samples), size)]
    check_digits(samples, merged(samples, pieces[::-1] if backwards else pieces))


@pytest.mark.parametrize("name", NUMACC)
def test_numacc_merged_as_a_tree(name):
    pieces = [GradientMoments.from_samples(v[None]) for v in NUMACC[name]]
    while len(pieces) > 1:
        halves = zip(pieces[::2], pieces[1::2], strict=False)
        pieces = [a.merge(b) for a, b in halves] + pieces[len(pieces) // 2 * 2 :]
    check_digits(NUMACC[name], pieces[0])


@given(st.data())
def test_random_offsets_in_any_pieces_and_order(data):
    n = data.draw(st.integers(1, 60), label="n")
    offset = data.draw(st.floats(-1e8, 1e8), label="offset")
    seed = data.draw(st.integers(0, 2**32 - 1), label="seed")
    samples = offset + np.random.default_rng(seed).standard_normal((n, 2))
    check_digits(samples, merged(samples, data.draw(cuts(n))))


@given(st.floats(-1e300, 1e300), st.integers(1, 50))
@example(0.1, 3)
def test_equal_samples_have_no_variance_at_all(value, n):
    moments = merged(np.full(n, value), [slice(i, i + 7) for i in range(0, n, 7)])
    assert moments.mean == value
    assert moments.m2 == 0


@given(st.data())
def test_weights_match_rational_arithmetic(data):
    n = data.draw(st.integers(1, 30), label="n")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
    samples = rng.standard_normal(n) * 10.0 ** rng.integers(-6, 6, n)
    weights = np.where(rng.random(n) < 0.3, 0, 10.0 ** rng.uniform(-8, 3, n))
    weights[rng.integers(n)] = 1.0
    moments = GradientMoments.from_samples(samples, weights)
    total, mean, m2 = exact_moments(samples, weights)
    error = 1e-14 * float(max(abs(s) for s in samples))  # of the largest sample: signs may cancel
    assert moments.mean == pytest.approx(float(mean), rel=0, abs=error)
    assert moments.m2 == pytest.approx(float(m2), rel=1e-12, abs=1e-300)
    assert moments.count == pytest.approx(float(total), rel=1e-15)


def test_a_far_sample_of_weight_zero_or_nearly_does_not_matter():
    samples, weights = np.array([1e17, 1.0, 2.0, 3.0]), np.array([0.0, 1, 1, 1])
    assert GradientMoments.from_samples(samples, weights).m2 == 2.0
    weights[0] = 1e-50  # to shift by it would round away the others
    assert GradientMoments.from_samples(samples, weights).m2 == 2.0


def add_at_the_end(pieces):
    return reduce(GradientMoments.merge, pieces)


def add_at_the_start(pieces):
    return reduce(lambda total, piece: piece.merge(total), pieces)


def add_as_a_tree(pieces):
    while len(pieces) > 1:
        pieces = [a.merge(b) for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


@pytest.mark.parametrize("merge_all", [add_at_the_end, add_at_the_start, add_as_a_tree])
@pytest.mark.parametrize("size", [1, 2])
def test_merging_thousands_of_pieces_costs_no_digit(merge_all, size):
    samples = 3 + np.random.default_rng(0).standard_normal((4096, 4))
    pieces = [GradientMoments.from_samples(s) for s in samples.reshape(-1, size, 4)]
    moments = merge_all(pieces)
    _, mean, m2 = (np.asarray(e, dtype=float) for e in exact_moments(samples))
    assert np.allclose(moments.mean, mean, rtol=ULP, atol=0)
    assert np.allclose(moments.m2, m2, rtol=ULP, atol=0)
