"""The recipes of the docs, and their framework's plain gradient of the same batches.

As a training loop takes it: 784-100-10, tanh, float32, 1,024 samples in batches of 256.
"""

import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.work import Work

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.append(str(Path(__file__).parents[2] / "docs" / "recipes"))
warnings.simplefilter("ignore")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(1024, 784)).astype(np.float32), RNG.integers(0, 10, 1024)
SLICES = [slice(i, i + 256) for i in range(0, 1024, 256)]


def _both(call: Any) -> Any:
    """Warm-up and call. Each framework starts elsewhere, so results are not handed on."""

    def run() -> None:
        call()

    return run, run


def _torch() -> Any:
    import torch
    from torch import nn

    batches = [(torch.tensor(X[s]), torch.tensor(Y[s])) for s in SLICES]
    model = nn.Sequential(nn.Linear(784, 100), nn.Tanh(), nn.Linear(100, 10)).eval()
    return model, nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="sum"), batches


def torch_plain(work: Work) -> Any:
    import torch

    model, mean, _, batches = _torch()

    def plain() -> None:
        for x, y in batches:
            torch.autograd.grad(mean(model(x), y), list(model.parameters()))

    return _both(plain)


def _torch_recipe(module: str, summed: bool, function: str = "gradient_moments") -> Any:
    def build(work: Work) -> Any:
        recipe = getattr(importlib.import_module(module), function)
        model, mean_loss, summed_loss, batches = _torch()
        return _both(lambda: recipe(model, summed_loss if summed else mean_loss, batches))

    return build


torch_func = _torch_recipe("torch_func", summed=False)
torch_hooks = _torch_recipe("torch_hooks", summed=True)
opacus_gsnr = _torch_recipe("opacus_gsnr", summed=True)
backpack_gsnr = _torch_recipe("backpack_gsnr", summed=True)
batch_means = _torch_recipe("batch_means", summed=False, function="accumulated")


def _jax() -> Any:
    import jax
    import jax.numpy as jnp

    params = {
        "w1": jnp.asarray(RNG.normal(size=(784, 100)) / 28, jnp.float32),
        "w2": jnp.asarray(RNG.normal(size=(100, 10)) / 10, jnp.float32),
        "b1": jnp.zeros(100),
        "b2": jnp.zeros(10),
    }

    def loss(p: Any, x: Any, y: Any) -> Any:
        z = jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        return -jax.nn.log_softmax(z)[y]

    return jax, loss, params, [(jnp.asarray(X[s]), jnp.asarray(Y[s])) for s in SLICES]


def jax_plain(work: Work) -> Any:
    jax, loss, params, batches = _jax()
    gradient = jax.jit(jax.grad(lambda p, x, y: jax.vmap(loss, (None, 0, 0))(p, x, y).mean()))
    return _both(lambda: jax.block_until_ready([gradient(params, x, y) for x, y in batches]))


def jax_vmap(work: Work) -> Any:
    recipe = importlib.import_module("jax_vmap").gradient_moments
    jax, loss, params, batches = _jax()
    return _both(lambda: jax.block_until_ready(recipe(loss, params, batches)))


def _tensorflow() -> Any:
    import keras
    import tensorflow as tf

    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((784,)), dense(100, activation="tanh"), dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    return tf, model, loss, [(tf.constant(X[s]), tf.constant(Y[s])) for s in SLICES]


def tensorflow_plain(work: Work) -> Any:
    tf, model, loss, batches = _tensorflow()

    @tf.function
    def gradient(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y, model(x)))
        return tape.gradient(value, model.trainable_variables)

    return _both(lambda: [gradient(x, y) for x, y in batches])


def tensorflow_gsnr(work: Work) -> Any:
    recipe = importlib.import_module("tensorflow_gsnr").gradient_moments
    _, model, loss, batches = _tensorflow()
    return _both(lambda: recipe(model, loss, batches))
