"""Time `gradient_moments` against a plain mean gradient, hand-written in NumPy, in one run.

    python tests/benchmarks/moments_speed.py

MLP 784-100-10, tanh, cross-entropy, n = 10,000, float64. Reports the ratio of the two times, each
the median of alternating runs, and the peak memory beyond the inputs.
"""

import statistics
import time
import tracemalloc

import numpy as np

from gsnr_ref import gradient_moments
from toy_models import MLP


def mean_gradient(params, x, y):
    """Plain mean gradient: one forward and one backward pass over all samples."""
    hidden = np.tanh(x @ params["layer1.weight"] + params["layer1.bias"])
    logits = hidden @ params["layer2.weight"] + params["layer2.bias"]
    logits -= logits.max(axis=1, keepdims=True)
    deltas = np.exp(logits)
    deltas /= deltas.sum(axis=1, keepdims=True)
    deltas[np.arange(len(y)), y] -= 1
    deltas /= len(y)
    hidden_deltas = deltas @ params["layer2.weight"].T * (1 - hidden * hidden)
    return {
        "layer1.weight": x.T @ hidden_deltas,
        "layer1.bias": hidden_deltas.sum(axis=0),
        "layer2.weight": hidden.T @ deltas,
        "layer2.bias": deltas.sum(axis=0),
    }


def data(n, sparse, rng):
    """Uniform pixels; `sparse` sets four fifths of them, and whole columns, to zero, as MNIST."""
    x = rng.random((n, 784))
    if sparse:
        x *= rng.random((n, 784)) < 0.2
        x[:, ::10] = 0.0
    return x, rng.integers(0, 10, n)


def seconds(function):
    """Time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(rounds=21):
    """Print a line for each kind of data."""
    model = MLP((784, 100, 10), loss="cross_entropy")
    params = model.init(0)
    for sparse in (False, True):
        x, y = data(10_000, sparse, np.random.default_rng(0))
        moments, plain = gradient_moments(model, params, x, y), mean_gradient(params, x, y)
        assert all(np.allclose(moments.mean[k], plain[k], rtol=1e-9, atol=1e-14) for k in plain)
        times = [
            (
                seconds(lambda: gradient_moments(model, params, x, y)),  # noqa: B023
                seconds(lambda: mean_gradient(params, x, y)),  # noqa: B023
            )
            for _ in range(rounds)
        ]
        moments_time, plain_time = (statistics.median(t) for t in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        tracemalloc.start()
        gradient_moments(model, params, x, y)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(
            f"{'sparse' if sparse else 'dense '} moments {1e3 * moments_time:.1f} ms, "
            f"mean gradient {1e3 * plain_time:.1f} ms, ratio {ratio:.2f}, peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    main()
