"""Sums of products that are never formed equal those of the products, in fractions."""

from functools import reduce

import numpy as np
import pytest

from gsnr_ref.moments import products
from gsnr_ref.moments.products import TOLERANCE, position_sums, product_sums
from tests.oracles.exact import exact_moments, fractions


def exact_products(inputs, deltas, weights=None):
    """Mean and m2 of inputs[i, s] · deltas[i, c] over i, rounded once."""
    exact = fractions(inputs)[:, :, None] * fractions(deltas)[:, None, :]
    return [part.astype(float) for part in exact_moments(exact, weights)[1:]]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spread", [0.03, 1e-3, 2e-5, 1e-8])
def test_centred_factors_are_accurate_and_spare_the_second_pass(monkeypatch, spread, weighted):
    rng = np.random.default_rng(0)
    inputs = rng.uniform(1, 2, 6) * (1 + spread * rng.standard_normal((1200, 6)))
    deltas = rng.uniform(-2, -1, 4) * (1 + spread * rng.standard_normal((1200, 4)))
    weights = rng.integers(1, 4, 1200).astype(float) if weighted else None
    monkeypatch.delattr(products, "two_pass_sums")
    sums = product_sums(inputs, deltas, weights)
    mean, m2 = exact_products(inputs, deltas, weights)
    assert np.allclose(sums.mean, mean, rtol=1e-13, atol=0)
    assert np.allclose(sums.m2, m2, rtol=TOLERANCE, atol=0)


def test_factors_whose_deviations_cancel_take_the_second_pass():
    """Products of 26-bit factors are exact, so two passes over them keep every digit."""
    inputs = 1 + np.arange(1, 501)[:, None] * 2.0**-20
    deltas = np.round(2.0**26 / inputs) * 2.0**-26  # a·d is 1, but for the rounding
    sums = product_sums(inputs, deltas)
    assert np.allclose(sums.m2, exact_products(inputs, deltas)[1], rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exact_zeros_are_no_underflow_and_need_no_care(monkeypatch, dtype):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((50, 3)).astype(dtype)
    deltas = rng.standard_normal((50, 2)).astype(dtype)
    inputs[:, 1] = 0  # a dead input: its sums of squares are 0, and exactly so
    monkeypatch.delattr(products, "_four_products")
    sums = product_sums(inputs, deltas)
    assert np.allclose(sums.m2, exact_products(inputs, deltas)[1], rtol=TOLERANCE, atol=0)
    assert (sums.m2[1] == 0).all()


@pytest.mark.parametrize("block", [1, 499, 1000, 1_000_000])
def test_products_formed_in_blocks_of_any_size_have_the_same_digits(monkeypatch, block):
    inputs = 1 + np.arange(1, 501)[:, None] * np.array([2.0**-20, 2.0**-21, 2.0**-22])
    deltas = np.round(2.0**26 / inputs) * 2.0**-26
    expected = product_sums(inputs, deltas)
    monkeypatch.setattr(products, "BLOCK", block)  # 1: fewer than there are samples
    assert np.array_equal(product_sums(inputs, deltas), expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("block", [1, 200, 10**6])
def test_gradients_summed_over_positions_are_those_of_fractions(monkeypatch, block, weighted):
    rng = np.random.default_rng(2)
    inputs, deltas = rng.standard_normal((5, 3, 20)), rng.standard_normal((5, 3, 2))
    weights = np.array([1.0, 2.0, 1.0, 3.0, 1.0]) if weighted else None
    monkeypatch.setattr(products, "BLOCK", block)
    sums = position_sums(inputs, deltas, weights)
    gradients = np.einsum("ips,ipc->isc", fractions(inputs), fractions(deltas))
    _, mean, m2 = exact_moments(gradients, weights)
    # Each product of float64 numbers is rounded, as are their sums: 6 units of the terms.
    assert np.allclose(sums.mean, mean.astype(float), rtol=0, atol=6 * 2.0**-53 * 30)
    assert np.allclose(sums.m2, m2.astype(float), rtol=1e-13, atol=0)


@pytest.mark.parametrize("size", [100, 500])
def test_pieces_far_from_zero_merge_as_if_they_were_one(size):
    """The mean of a piece is known to more digits than float64 has, or merging would blur m2."""
    rng = np.random.default_rng(1)
    inputs = rng.uniform(1, 2, 3) + 1e-8 * (rng.standard_normal((1000, 3)) + 1)
    deltas = rng.uniform(1, 2, 2) + 1e-8 * rng.standard_normal((1000, 2))
    inputs[500:] += 3e-8
    pieces = [
        product_sums(inputs[i : i + size], deltas[i : i + size]) for i in range(0, 1000, size)
    ]
    total, _ = reduce(
        lambda one, piece: (one[0].merge(one[1], piece, size), one[1] + size),
        pieces[1:],
        (pieces[0], size),
    )
    assert np.allclose(total.m2, exact_products(inputs, deltas)[1], rtol=TOLERANCE, atol=0)
