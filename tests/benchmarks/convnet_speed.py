"""Time `gradient_moments` of a ConvNet against torch, in one run.

    python tests/benchmarks/convnet_speed.py

1-6-16 channels, 5 × 5, dense 256-120-10, float32, n = 1,000, two threads. Reports the ratio to
torch's vmap(grad) with mean and variance, and to its plain mean gradient: medians of alternating
runs; and the peak memory of `gradient_moments` at two sizes. Needs the extra ``torch``.
"""

import statistics
import time
import tracemalloc

import numpy as np
import torch
import torch.nn.functional as F

from gsnr_ref import gradient_moments
from toy_models import ConvNet


def outputs(p, x):
    """The same network in torch."""
    h = F.max_pool2d(torch.relu(F.conv2d(x, p["conv1.weight"], p["conv1.bias"])), 2)
    h = F.max_pool2d(torch.relu(F.conv2d(h, p["conv2.weight"], p["conv2.bias"])), 2).flatten(1)
    h = torch.relu(F.linear(h, p["dense1.weight"], p["dense1.bias"]))
    return F.linear(h, p["dense2.weight"], p["dense2.bias"])


def to_torch(name, value):
    """Our layout to torch's; the order of the flattened pixels does not matter for the time."""
    if name.endswith("bias"):
        return torch.tensor(value)
    if name.startswith("dense"):
        return torch.tensor(np.ascontiguousarray(value.T))
    cube = value.reshape(5, 5, -1, value.shape[1]).transpose(3, 2, 0, 1)
    return torch.tensor(np.ascontiguousarray(cube))


def seconds(function):
    """Time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(rounds=11):
    """Print the ratios."""
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    model = ConvNet((28, 28, 1), (6, 16), (120,), 10)
    params = {k: v.astype(np.float32) for k, v in model.init(0).items()}
    x, y = rng.random((4000, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 4000)
    theirs = {k: to_torch(k, v) for k, v in params.items()}
    tx, ty = torch.tensor(x[:1000].transpose(0, 3, 1, 2).copy()), torch.tensor(y[:1000])

    def ours():
        return gradient_moments(model, params, x[:1000], y[:1000])

    def plain():
        p = {k: v.clone().requires_grad_() for k, v in theirs.items()}
        return torch.autograd.grad(F.cross_entropy(outputs(p, tx), ty), list(p.values()))

    def loss(p, x_i, y_i):
        return F.cross_entropy(outputs(p, x_i[None]), y_i[None])

    per_sample = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))

    def vmapped():
        return {k: (g.mean(0), g.var(0)) for k, g in per_sample(theirs, tx, ty).items()}

    for function in (ours, plain, vmapped):
        function()
    times = [(seconds(ours), seconds(plain), seconds(vmapped)) for _ in range(rounds)]
    ms = [1e3 * statistics.median(column) for column in zip(*times, strict=True)]
    print(f"moments {ms[0]:.0f} ms, torch mean gradient {ms[1]:.0f} ms, vmap(grad) {ms[2]:.0f} ms")
    print(f"moments / mean gradient: {statistics.median(a / b for a, b, _ in times):.2f}")
    print(f"moments / vmap(grad): {statistics.median(a / c for a, _, c in times):.2f}")
    for n in (1000, 4000):
        tracemalloc.start()
        gradient_moments(model, params, x[:n], y[:n])
        print(f"n = {n}: peak {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB")
        tracemalloc.stop()


if __name__ == "__main__":
    main()
