"""Time the recipes against their framework's plain gradient, in one run.

    python tests/benchmarks/recipes_speed.py

784-100-10, tanh, float32, 1,024 samples in batches of 256, torch on one thread: the median time of
five rounds over that of the plain gradient of the mean loss, batch by batch, as a training loop
takes it. Needs the extras ``torch``, ``jax`` and ``tensorflow``, and BackPACK.
"""

import os
import statistics
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.append(str(Path(__file__).parents[2] / "docs" / "recipes"))

import numpy as np

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(1024, 784)).astype(np.float32), RNG.integers(0, 10, 1024)
SLICES = [slice(i, i + 256) for i in range(0, 1024, 256)]


def torch_calls():
    import backpack_gsnr
    import batch_means
    import opacus_gsnr
    import torch
    import torch_func
    import torch_hooks
    from torch import nn

    torch.set_num_threads(1)
    batches = [(torch.tensor(X[s]), torch.tensor(Y[s])) for s in SLICES]
    mean, summed = nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="sum")
    model = nn.Sequential(nn.Linear(784, 100), nn.Tanh(), nn.Linear(100, 10)).eval()

    def plain():
        for x, y in batches:
            torch.autograd.grad(mean(model(x), y), list(model.parameters()))

    calls = {
        "torch.func": lambda: torch_func.gradient_moments(model, mean, batches),
        "hooks": lambda: torch_hooks.gradient_moments(model, summed, batches),
        "Opacus": lambda: opacus_gsnr.gradient_moments(model, summed, batches),
        "batch means": lambda: batch_means.accumulated(model, mean, batches),
        "BackPACK": lambda: backpack_gsnr.gradient_moments(model, summed, batches),
    }
    return plain, calls


def jax_calls():
    import jax
    import jax.numpy as jnp
    import jax_vmap

    params = {
        "w1": jnp.asarray(RNG.normal(size=(784, 100)) / 28, jnp.float32),
        "w2": jnp.asarray(RNG.normal(size=(100, 10)) / 10, jnp.float32),
        "b1": jnp.zeros(100),
        "b2": jnp.zeros(10),
    }

    def loss(p, x, y):
        z = jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        return -jax.nn.log_softmax(z)[y]

    def mean_loss(p, x, y):
        return jax.vmap(loss, (None, 0, 0))(p, x, y).mean()

    gradient = jax.jit(jax.grad(mean_loss))
    batches = [(jnp.asarray(X[s]), jnp.asarray(Y[s])) for s in SLICES]

    def plain():
        jax.block_until_ready([gradient(params, x, y) for x, y in batches])

    def recipe():
        jax.block_until_ready(jax_vmap.gradient_moments(loss, params, batches))

    return plain, {"JAX": recipe}


def tensorflow_calls():
    import keras
    import tensorflow as tf
    import tensorflow_gsnr

    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((784,)), dense(100, activation="tanh"), dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    batches = [(tf.constant(X[s]), tf.constant(Y[s])) for s in SLICES]

    @tf.function
    def gradient(x, y):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y, model(x)))
        return tape.gradient(value, model.trainable_variables)

    def plain():
        for x, y in batches:
            gradient(x, y)

    return plain, {"TensorFlow": lambda: tensorflow_gsnr.gradient_moments(model, loss, batches)}


def seconds(function):
    """Time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(rounds=5):
    """Print a ratio for each recipe."""
    warnings.simplefilter("ignore")
    for build in (torch_calls, jax_calls, tensorflow_calls):
        plain, calls = build()
        for name, recipe in calls.items():
            plain(), recipe()
            pairs = [(seconds(recipe), seconds(plain)) for _ in range(rounds)]
            ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
            print(f"{name:12} {ratio:.1f}", flush=True)


if __name__ == "__main__":
    main()
