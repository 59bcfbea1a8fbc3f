"""Contenders in JAX. The parameters are those of the toy models."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.work import Work, batches, data


def ready(work: Work) -> tuple[Any, Any, Any, Any]:
    """The loss of one sample, the parameters and the data."""
    jax.config.update("jax_enable_x64", work.dtype == "float64")
    _, params, x, y = data(work)
    tree = {k: jnp.asarray(v) for k, v in params.items()}

    def loss(p: Any, x_i: Any, y_i: Any) -> Any:
        hidden = jnp.tanh(x_i @ p["layer1.weight"] + p["layer1.bias"])
        z = hidden @ p["layer2.weight"] + p["layer2.bias"]
        return -jax.nn.log_softmax(z)[y_i]

    return loss, tree, jnp.asarray(x), jnp.asarray(y)


def mean_gradient(work: Work) -> Any:
    """The gradient of the mean loss, compiled."""
    loss, params, x, y = ready(work)
    gradient = jax.jit(jax.grad(lambda p, a, b: jax.vmap(loss, (None, 0, 0))(p, a, b).mean()))

    def call() -> Any:
        return [np.asarray(g) for g in jax.block_until_ready(gradient(params, x, y)).values()], None

    return call, call


def vmap_grad(work: Work) -> Any:
    """vmap(grad) on batches of 1,000, compiled with their mean and variance."""
    loss, params, x, y = ready(work)
    pieces = batches(work, x, y)

    @jax.jit
    def sums(p: Any, a: Any, b: Any) -> Any:
        gradients = jax.vmap(jax.grad(loss), (None, 0, 0))(p, a, b)
        return [(g.mean(0), g.var(0)) for g in gradients.values()]

    def call(some: Any = pieces) -> Any:
        count, mean, squares = 0, None, None
        for a, b in some:
            n = len(a)
            parts = sums(params, a, b)
            if count == 0:
                mean, squares = [m for m, _ in parts], [n * v for _, v in parts]
            else:
                factor = count * n / (count + n)
                both = list(zip(mean, squares, parts, strict=True))
                squares = [s + n * v + factor * (m - old) ** 2 for old, s, (m, v) in both]
                mean = [old + (m - old) * (n / (count + n)) for old, _, (m, _) in both]
            count += n
        jax.block_until_ready((mean, squares))
        return [np.asarray(m) for m in mean], [np.asarray(s) / count for s in squares]

    return lambda: call(pieces[:1]), call
