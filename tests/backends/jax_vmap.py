"""The recipe in JAX: vmap over grad of one sample's loss."""

import json
from functools import cache
from unittest.mock import patch

import jax
import jax.numpy as jnp
import jax_vmap
import numpy as np

from tests.backends.common import BASIC_ACTIVATIONS, batches_of, each, from_moments, shares_of

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # small arrays: compiling is the time

# So is this: older emitters compile in half the time. Their tanh in float32 is less exact than that
# of the default ones, and float32 keeps these.
OLDER = {"compiler_options": {"xla_cpu_use_fusion_emitters": False}}
IN_FLOAT64 = {
    "losses_and_gradients": jax.jit(
        jax_vmap.losses_and_gradients.__wrapped__, static_argnums=0, **OLDER
    ),
    "batch_moments": jax.jit(jax_vmap.batch_moments.__wrapped__, **OLDER),
}
EVERYTHING = {
    "affine", "convolution", "max_pool", "padding", "stride", "groups", "elman", "residual",
    "layer_norm", "group_norm", "rms_norm", "batch_norm", *BASIC_ACTIVATIONS, "gelu", "silu",
    "leaky_relu", "class_weights", "label_smoothing", "ignore_index", "embedding", "tokens",
    "position_embedding", "transposed", "attention", "lstm", "gru",
}  # fmt: skip
NAME, RECIPE, DTYPES = "JAX vmap(grad)", "jax_vmap.py", ("float64", "float32")
LAYOUT = "keras"
LAYERS = EVERYTHING
LEAVES_OUT = {"quantities": ["enumerated_osgr"]}
CLAIMS = ("core", "deep", "sequence", "attention", "large")
ACTIVATIONS = {
    "tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "silu": jax.nn.silu,
    "softplus": jax.nn.softplus, "identity": lambda z: z, "leaky_relu": jax.nn.leaky_relu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
}  # fmt: skip


def version():
    return jax.__version__


def convolution(layer, p, x):
    pad, stride = (layer.get("padding", 0),) * 2, (layer.get("stride", 1),) * 2
    return jax.lax.conv_general_dilated(
        x[None], p["weight"], stride, (pad, pad), dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=layer.get("groups", 1),
    )[0] + p.get("bias", 0)  # fmt: skip


def max_pool(layer, p, x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2, 2, 1), (2, 2, 1), "VALID")


def scanned(step, layer, states, x):
    """Hidden states of all time steps, or of the last; `step` gives the hidden state first."""
    zeros = jnp.zeros((states, layer["n_hidden"]), x.dtype)
    last, every = jax.lax.scan(lambda s, x_t: (new := step(s, x_t), new[0]), zeros, x)
    return every if layer.get("returns") == "all" else last[0]


def elman(layer, p, x):
    def step(states, x_t):
        both = jnp.concatenate((x_t, states[0]))
        return jnp.tanh(both @ p["weight"] + p["bias"])[None]

    return scanned(step, layer, 1, x)


def lstm(layer, p, x):
    def step(states, x_t):
        hidden, cell = states
        gates = jnp.concatenate((x_t, hidden)) @ p["weight"] + p.get("bias", 0)
        i, f, g, o = jnp.split(gates, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.stack((jax.nn.sigmoid(o) * jnp.tanh(cell), cell))

    return scanned(step, layer, 2, x)


def gru(layer, p, x):
    def step(states, x_t):
        (hidden,) = states
        a = x_t @ p["input.weight"] + p.get("input.bias", 0)
        b = hidden @ p["hidden.weight"] + p.get("hidden.bias", 0)
        (a_r, a_z, a_n), (b_r, b_z, b_n) = jnp.split(a, 3), jnp.split(b, 3)
        z = jax.nn.sigmoid(a_z + b_z)
        new = jnp.tanh(a_n + jax.nn.sigmoid(a_r + b_r) * b_n)
        return ((1 - z) * new + z * hidden)[None]

    return scanned(step, layer, 1, x)


def attention(layer, p, x):
    q, k, v = (t.reshape(len(x), layer["n_heads"], -1) for t in jnp.split(x, 3, axis=-1))
    scores = jnp.einsum("thc,uhc->htu", q, k) / q.shape[-1] ** 0.5
    if layer["causal"]:
        scores = jnp.where(jnp.tri(len(x), dtype=bool), scores, -jnp.inf)
    return jnp.einsum("htu,uhc->thc", jax.nn.softmax(scores), v).reshape(len(x), -1)


def normalized(layer, p, x, axes):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + layer["eps"])


def group_norm(layer, p, x):
    groups = x.reshape(-1, layer["n_groups"], layer["n_channels"] // layer["n_groups"])
    return normalized(layer, p, groups, (0, 2)).reshape(x.shape) * p["scale"] + p["shift"]


def batch_norm(layer, p, x):
    mean, variance = jnp.asarray(layer["mean"], x.dtype), jnp.asarray(layer["variance"], x.dtype)
    return p["scale"] * (x - mean) / jnp.sqrt(variance + layer["eps"]) + p["shift"]


def affine(layer, p, x):
    x = x if layer.get("n_positions", 1) > 1 else x.ravel()
    weight = p["weight"].T if layer.get("transposed") else p["weight"]
    return x @ weight + p.get("bias", 0)


FUNCTIONS = {
    "affine": affine,
    "activation": lambda layer, p, x: ACTIVATIONS[layer["function"]](x),
    "convolution": convolution,
    "max_pool": max_pool,
    "elman": elman,
    "lstm": lstm,
    "gru": gru,
    "embedding": lambda layer, p, x: p["weight"][x],
    "position_embedding": lambda layer, p, x: x + p["weight"],
    "attention": attention,
    "layer_norm": lambda layer, p, x: normalized(layer, p, x, -1) * p["scale"] + p["shift"],
    "rms_norm": lambda layer, p, x: (
        p["scale"] * x / jnp.sqrt((x**2).mean(-1, keepdims=True) + layer["eps"])
    ),
    "group_norm": group_norm,
    "batch_norm": batch_norm,
}


def outputs(layers, params, x):
    """Outputs of one sample; images are channel-last, kernels (kernel, kernel, n_in, n_out)."""
    for layer in layers:
        if layer["type"] == "residual":
            x = x + outputs(layer["layers"], params, x)
            continue
        prefix = f"{layer.get('name')}."
        p = {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
        x = FUNCTIONS[layer["type"]](layer, p, x)
    return x


def one_loss(loss, z, y):
    """Loss of one sample from its outputs."""
    if loss["type"] == "squared_error":
        return loss["scale"] * ((z.ravel() - y) ** 2).sum() / 2
    if loss["type"] == "token_cross_entropy":
        kept = y >= 0
        right = jnp.take_along_axis(jax.nn.log_softmax(z), jnp.maximum(y, 0)[:, None], 1)[:, 0]
        total = -loss["scale"] * jnp.where(kept, right, 0).sum()
        return total / kept.sum() if loss["tokens"] == "mean" else total
    smoothing, weights = loss.get("label_smoothing", 0.0), loss.get("class_weights")
    target = jax.nn.one_hot(y, len(z), dtype=z.dtype) * (1 - smoothing) + smoothing / len(z)
    weight = loss["scale"] * (1.0 if weights is None else jnp.asarray(weights, z.dtype)[y])
    weight = jnp.where(y == loss.get("ignore_index", -1), 0, weight)
    return -weight * (target * jax.nn.log_softmax(z)).sum()


@cache
def loss_of(model):
    """Loss of one sample of a model, given as JSON: one function a model, compiled once."""
    model = json.loads(model)

    def loss(params, x, y):
        frozen, moving = params
        return one_loss(model["loss"], outputs(model["layers"], frozen | moving, x), y)

    return loss


def inputs(case, dtype):
    """The case's samples as batches of (x, y), or of (x, y, weights); all x; all y."""
    x, y = (v if v.dtype.kind == "i" else v.astype(dtype) for v in (case.x_in("keras"), case.y))
    parts = (x, y) if case.probabilities is None else (x, y, shares_of(case, dtype))
    # One batch where the case states none: each size of a batch is compiled anew.
    return [tuple(p[s] for p in parts) for s in batches_of(case, default=len(x))], x, y


def from_recipe(case, loss, tree, names, batches, x, y):
    """Every quantity but the enumerated OSGR; ``names(tree)`` gives a tree's leaves our names."""
    dtype = jax.tree.leaves(tree)[0].dtype
    with patch.dict(vars(jax_vmap), IN_FLOAT64 if dtype == "float64" else {}):
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
    frozen = {
        k: v for k, v in params.items() if k not in trained
    }  # has a gradient that is not read
    tree = frozen, {k: params[k] for k in trained}
    loss = loss_of(json.dumps(case.model))
    return from_recipe(case, loss, tree, lambda tree: tree[1], *inputs(case, dtype))
