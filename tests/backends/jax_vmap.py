"""The recipe in JAX: vmap over grad of one sample's loss."""

import json
from functools import cache

import jax
import jax.numpy as jnp
import jax_vmap
import numpy as np

from tests.backends.common import batches_of, each, from_moments, shares_of

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # small arrays: compiling is the time

NAME, RECIPE, DTYPES = "JAX vmap(grad)", "jax_vmap.py", ("float64", "float32")
LAYOUT, LAYERS = "keras", {"affine", "activation", "convolution", "max_pool", "elman"}
LEAVES_OUT = {"quantities": ["enumerated_osgr"]}
CLAIMS = ("core", "deep", "sequence")
ACTIVATIONS = {
    "tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus, "identity": lambda z: z,
}  # fmt: skip


def version():
    return jax.__version__


def outputs(model, params, x):
    """Outputs of one sample; images are channel-last, kernels (kernel, kernel, n_in, n_out)."""
    for layer in model["layers"]:
        kind = layer["type"]
        if kind == "activation":
            x = ACTIVATIONS[layer["function"]](x)
        elif kind == "max_pool":
            high, wide, channels = x.shape
            x = x.reshape(high // 2, 2, wide // 2, 2, channels).max((1, 3)).ravel()
        else:
            weight, bias = (params.get(f"{layer['name']}.{part}") for part in ("weight", "bias"))
            bias = 0 if bias is None else bias
            if kind == "affine":
                x = x @ weight + bias
            elif kind == "convolution":
                numbers = ("NHWC", "HWIO", "NHWC")
                x = jax.lax.conv_general_dilated(
                    x[None], weight, (1, 1), "VALID", dimension_numbers=numbers
                )[0] + bias  # fmt: skip
            else:
                hidden = jnp.zeros(layer["n_hidden"], x.dtype)
                for t in range(layer["n_steps"]):
                    hidden = jnp.tanh(jnp.concatenate((x[t], hidden)) @ weight + bias)
                x = hidden
    return x


def one_loss(loss, z, y):
    """Loss of one sample from its outputs."""
    if loss["type"] == "squared_error":
        return loss["scale"] * ((z - y) ** 2).sum() / 2
    return -loss["scale"] * jax.nn.log_softmax(z)[y]


@cache
def loss_of(model):
    """Loss of one sample of a model, given as JSON: one function a model, compiled once."""
    model = json.loads(model)

    def loss(params, x, y):
        frozen, moving = params
        return one_loss(model["loss"], outputs(model, frozen | moving, x), y)

    return loss


def inputs(case, dtype):
    """The case's samples as batches of (x, y), or of (x, y, weights); all x; all y."""
    x, y = np.asarray(case.x_in("keras"), dtype), case.y
    y = y if y.dtype.kind == "i" else y.astype(dtype)
    parts = (x, y) if case.probabilities is None else (x, y, shares_of(case, dtype))
    # One batch where the case states none: each size of a batch is compiled anew.
    return [tuple(p[s] for p in parts) for s in batches_of(case, default=len(x))], x, y


def from_recipe(case, loss, tree, names, batches, x, y):
    """Every quantity but the enumerated OSGR; ``names(tree)`` gives a tree's leaves our names."""
    losses, gradients = jax_vmap.losses_and_gradients(loss, tree, x, y)
    moments = jax_vmap.gradient_moments(loss, tree, batches)

    def by_ddof(ddof):
        count, mean, squares = moments
        variance = each(lambda s: s / (count - ddof), names(squares))
        return names(mean), variance, names(jax_vmap.gsnr(moments, ddof))

    values = {"per_sample_gradients": names(gradients)}
    return values | from_moments(case, np.asarray(losses), by_ddof)


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR."""
    params = {k: jnp.asarray(v, dtype) for k, v in case.params_in("keras").items()}
    trained = case.model["trainable"]
    frozen = {k: v for k, v in params.items() if k not in trained}  # has a gradient that is not read
    tree = frozen, {k: params[k] for k in trained}
    loss = loss_of(json.dumps(case.model))
    return from_recipe(case, loss, tree, lambda tree: tree[1], *inputs(case, dtype))
