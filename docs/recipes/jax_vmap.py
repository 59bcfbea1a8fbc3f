"""GSNR in JAX: vmap over grad, for parameters in any tree (a dict, Flax's nested dicts, ...)."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnums=0)
def losses_and_gradients(loss, params, x, y):
    """Each sample's loss, and its gradient: the tree of the parameters, with an axis of samples.

    ``loss(params, x_i, y_i)`` is that of one sample.
    """
    return jax.vmap(jax.value_and_grad(loss), (None, 0, 0))(params, x, y)


@jax.jit  # of its own: fused with the gradients, g − mean would be rounded otherwise than g
def batch_moments(gradients, w):
    """(count, mean, Σ w (g − mean)²) of a batch; w is one weight a sample."""
    # from the first sample on, so that equal samples have a variance of exactly 0
    mean = jax.tree.map(lambda g: g[0] + jnp.tensordot(w, g - g[0], 1) / w.sum(), gradients)
    squares = jax.tree.map(lambda g, m: jnp.tensordot(w, (g - m) ** 2, 1), gradients, mean)
    return w.sum(), mean, squares


@jax.jit
def merge(one, other):
    """Moments of two batches together (Chan, Golub and LeVeque)."""
    (n, mean, squares), (k, mean_k, squares_k) = one, other
    gap = jax.tree.map(jnp.subtract, mean_k, mean)
    mean = jax.tree.map(lambda m, g: m + g * (k / (n + k)), mean, gap)
    squares = jax.tree.map(
        lambda s, t, g: s + t + g**2 * (n * k / (n + k)), squares, squares_k, gap
    )
    return n + k, mean, squares


def gradient_moments(loss, params, batches):
    """Moments over batches of (x, y), or of (x, y, weights)."""
    moments = None
    for x, y, *weights in batches:
        losses, gradients = losses_and_gradients(loss, params, x, y)
        batch = batch_moments(gradients, weights[0] if weights else jnp.ones_like(losses))
        moments = batch if moments is None else merge(moments, batch)
    return moments


def gsnr(moments, ddof=0):
    """Squared mean over variance: inf where all samples agree, nan where all gradients are 0."""
    count, mean, squares = moments
    return jax.tree.map(lambda m, s: m**2 / (s / (count - ddof)), mean, squares)
