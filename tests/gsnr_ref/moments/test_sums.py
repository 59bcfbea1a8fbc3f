"""Moments keep the digits that exact arithmetic has: NumAcc, offsets, any chunking and order."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gsnr_ref import GradientMoments
from gsnr_ref.moments import sums
from tests.oracles.exact import correct_digits, exact_moments, fractions
from tests.strategies import cuts


def alternating(first, low, high, count=1001):
    """NIST's numerical-accuracy series: one value, then two in turn."""
    return np.array([first] + [low, high] * ((count - 1) // 2))


NUMACC = {
    "NumAcc1": np.array([10000001.0, 10000003.0, 10000002.0]),
    "NumAcc2": alternating(1.2, 1.1, 1.3),
    "NumAcc3": alternating(1000000.2, 1000000.1, 1000000.3),
    "NumAcc4": alternating(10000000.2, 10000000.1, 10000000.3),
}


def merged(samples, pieces):
    moments = GradientMoments.from_samples(samples[:0])
    for piece in pieces:
        moments = moments.merge(GradientMoments.from_samples(samples[piece]))
    return moments


def check_digits(samples, moments):
    """At least the digits of numpy.var, less one, for the variance; of numpy.mean for the mean."""
    total, mean, m2 = exact_moments(samples)
    assert moments.count == len(samples)
    pairs = [
        (moments.variance(), np.var(samples, axis=0), m2 / total),
        (moments.mean, np.mean(samples, axis=0), mean),
    ]
    for ours, numpys, exact in pairs:
        cells = zip(np.ravel(ours), np.ravel(numpys), np.ravel(exact), strict=True)
        for our, numpy_, true in cells:
            assert correct_digits(our, true) >= min(correct_digits(numpy_, true), 16) - 1


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
    samples, weights = np.array([1e15, 1.0, 2.0, 3.0]), np.array([0.0, 1, 1, 1])
    assert GradientMoments.from_samples(samples, weights).m2 == 2.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spread", [0.03, 1e-3, 2e-5])
def test_centred_factors_are_accurate_and_spare_the_second_pass(monkeypatch, spread, weighted):
    rng = np.random.default_rng(0)
    inputs = rng.uniform(1, 2, 6) * (1 + spread * rng.standard_normal((1200, 6)))
    deltas = rng.uniform(-2, -1, 4) * (1 + spread * rng.standard_normal((1200, 4)))
    weights = rng.integers(1, 4, 1200).astype(float) if weighted else None
    second_passes = []
    monkeypatch.setattr(sums, "_two_pass_products", lambda *a: second_passes.append(a))
    products, _ = sums.product_sums(inputs, deltas, weights)
    assert second_passes == []
    exact = fractions(inputs)[:, :, None] * fractions(deltas)[:, None, :]
    _, mean, m2 = exact_moments(exact, weights)
    assert np.allclose(products.mean, mean.astype(float), rtol=1e-13, atol=0)
    assert np.allclose(products.m2, m2.astype(float), rtol=sums.TOLERANCE, atol=0)


def test_factors_whose_deviations_cancel_take_the_second_pass():
    rng = np.random.default_rng(0)
    inputs = 1 + 1e-4 * rng.standard_normal((500, 1))
    deltas = 1 / inputs + 1e-8 * rng.standard_normal((500, 1))  # a·d is nearly 1
    products, _ = sums.product_sums(inputs, deltas)
    exact = fractions(inputs[:, 0]) * fractions(deltas[:, 0])
    m2 = exact_moments(exact)[2]
    # A product near 1 rounds by 1e-16, of a deviation of 1e-8.
    assert abs(products.m2[0, 0] / float(m2) - 1) < 1e-7
