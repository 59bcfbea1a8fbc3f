"""The recipe in Flax: linen modules, whose parameters are a nested tree."""

import json
from functools import cache, partial
from importlib.metadata import version as installed

import flax_trees
from flax import linen as nn
from flax.traverse_util import unflatten_dict
from jax import numpy as jnp

from tests.backends.common import BASIC_ACTIVATIONS
from tests.backends.jax_vmap import ACTIVATIONS, from_recipe, inputs, one_loss

NAME, RECIPE, DTYPES = "Flax linen", "flax_trees.py", ("float64",)
LAYOUT = "keras"
LAYERS = {
    "affine", "convolution", "max_pool", *BASIC_ACTIVATIONS, "class_weights",
    "label_smoothing", "ignore_index",
}  # fmt: skip
LEAVES_OUT = {"quantities": ["enumerated_osgr"]}
CLAIMS = ("core", "deep", "large")


def version():
    return installed("flax")


class Network(nn.Module):
    """A model of the golden cases."""

    layers: tuple

    @nn.compact
    def __call__(self, x):
        for layer in map(json.loads, self.layers):
            kind = layer["type"]
            if kind == "activation":
                x = ACTIVATIONS[layer["function"]](x)
            elif kind == "max_pool":
                x = nn.max_pool(x, (2, 2), (2, 2))
            elif kind == "affine":
                x = x.reshape(len(x), -1)
                x = nn.Dense(
                    layer["n_out"], layer["bias"], name=layer["name"], param_dtype=x.dtype
                )(x)
            else:
                shape = (layer["kernel"], layer["kernel"])
                x = nn.Conv(
                    layer["n_out"], shape, padding="VALID", use_bias=layer["bias"],
                    name=layer["name"], param_dtype=x.dtype,
                )(x)  # fmt: skip
        return x


def theirs(name):
    """Our name of a parameter as a path in Flax's tree."""
    return name.replace(".weight", "/kernel").replace(".", "/")


@cache
def network(layers, loss):
    """The recipe's loss of a model: one function a model, compiled once."""
    return flax_trees.linen_loss(Network(layers), partial(one_loss, json.loads(loss)))


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR, through Flax's nested tree."""
    params = {theirs(k): jnp.asarray(v, dtype) for k, v in case.params_in("keras").items()}
    loss = network(tuple(map(json.dumps, case.model["layers"])), json.dumps(case.model["loss"]))

    def names(tree):
        leaves = flax_trees.by_name(tree)
        return {k: leaves[f"params/{theirs(k)}"] for k in case.model["trainable"]}

    variables = {"params": unflatten_dict(params, sep="/")}
    return from_recipe(case, loss, variables, names, *inputs(case, dtype))
