"""GSNR in Flax: its nested trees go through the JAX recipe as they are."""

from flax import nnx
from flax.traverse_util import flatten_dict
from jax_vmap import gradient_moments, gsnr


def linen_loss(model, loss):
    """``loss_of_one(variables, x_i, y_i)`` of a linen model; ``loss(outputs, y)`` of one sample.

    Make it once: JAX compiles each function anew. Other collections than "params", such as batch
    statistics, belong into the model's call as constants, not into ``variables``.
    """

    def loss_of_one(variables, x_i, y_i):
        return loss(model.apply(variables, x_i[None])[0], y_i)

    return loss_of_one


def nnx_loss(model, loss):
    """The same of an nnx model, and its parameters as a tree: `split` takes them out."""
    graph, params, others = nnx.split(model, nnx.Param, ...)

    def loss_of_one(params, x_i, y_i):
        return loss(nnx.merge(graph, params, others)(x_i[None])[0], y_i)

    return loss_of_one, params


def by_name(tree):
    """The leaves of a tree by their path: "params/Dense_0/kernel", or "linear/kernel"."""
    return flatten_dict(nnx.to_pure_dict(tree) if isinstance(tree, nnx.State) else tree, sep="/")


if __name__ == "__main__":
    import jax
    import jax.numpy as jnp
    from flax import linen

    model = linen.Sequential([linen.Dense(50), linen.tanh, linen.Dense(3)])
    x, y = jax.random.normal(jax.random.key(0), (1000, 20)), jnp.arange(1000) % 3
    variables = model.init(jax.random.key(1), x[:1])
    loss_of_one = linen_loss(model, lambda z, y: -jax.nn.log_softmax(z)[y])
    batches = ((x[i : i + 100], y[i : i + 100]) for i in range(0, 1000, 100))
    ratios = gsnr(gradient_moments(loss_of_one, variables, batches), ddof=1)
    for name, ratio in by_name(ratios).items():
        print(f"{name:22} median GSNR {jnp.median(ratio):.2e}")
