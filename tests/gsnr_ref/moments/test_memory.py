"""Memory beyond the inputs: bounded, and the same for 10⁴ samples as for 10⁶."""

import tracemalloc
from itertools import repeat

import numpy as np

from gsnr_ref import gradient_moments
from toy_models import MLP


def peak_megabytes(n_batches, dtype):
    rng = np.random.default_rng(0)
    batch = rng.random((10_000, 784), dtype=dtype), rng.integers(0, 10, 10_000)
    model = MLP((784, 100, 10), loss="cross_entropy")
    params = {k: v.astype(dtype) for k, v in model.init(0).items()}
    tracemalloc.start()
    try:
        moments = gradient_moments(model, params, repeat(batch, n_batches))
        assert moments.count == 10_000 * n_batches
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_stream():
    one, many = peak_megabytes(1, np.float64), peak_megabytes(100, np.float64)
    hidden_layer = 10_000 * 100 * 8 / 2**20
    assert many < one + 2 * hidden_layer  # at most the last batch's, while the next one is taken
    assert many < 64


def test_float32_needs_no_more_memory():
    assert peak_megabytes(2, np.float32) < 64
