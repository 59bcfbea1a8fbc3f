"""Samples are taken a block at a time: little memory, and every digit."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import GradientMoments
from gsnr_ref.moments import sums as sums_module
from gsnr_ref.moments.sums import block_sums, two_pass_sums

SHAPES = [(500, 10_000), (50_000, 100), (5_000_000,), (5, 1_000_000), (500, 100, 100)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_from_samples_takes_at_most_twice_the_memory_of_its_input(shape, weighted):
    samples = np.random.default_rng(0).random(shape, dtype=np.float32)
    weights = np.arange(shape[0]) % 3 if weighted else None
    tracemalloc.start()
    try:
        GradientMoments.from_samples(samples, weights)
        # Beyond the input; the result itself is four float64 numbers a parameter.
        peak = tracemalloc.get_traced_memory()[1] - 32 * samples[0].size
    finally:
        tracemalloc.stop()
    assert peak <= 2 * (samples.nbytes + (weights.nbytes if weighted else 0))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(0, 7),
    st.integers(1, 20),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_blocks_of_any_size_give_the_digits_of_one(n, width, block, rows, weighted, seed):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(n, width)) + 10.0 ** rng.integers(-3, 8, width)
    weights = rng.integers(0, 3, n).astype(float) if weighted else np.ones(n)
    weights[rng.integers(n)] = 1
    used = weights > 0
    one = two_pass_sums(samples[used], weights[used])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums_module, "BLOCK", block)
        patch.setattr(sums_module, "_ROWS", rows)
        several = block_sums(samples, weights if weighted else None)
    # A term goes through at most log2(12) + 2 roundings: fewer than 32 samples are no group.
    assert np.allclose(several.mean, one.mean, rtol=2e-15, atol=0)
    assert np.allclose(several.m2, one.m2, rtol=1e-14, atol=0)
