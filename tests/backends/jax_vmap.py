"""JAX: vmap over grad of one sample's loss."""

import jax
import jax.numpy as jnp

from tests.backends.common import from_gradients

jax.config.update("jax_enable_x64", True)

NAME, LAYOUT, DTYPES = "JAX vmap(grad)", "keras", ("float64", "float32")
LEAVES_OUT = {"quantities": ["enumerated_osgr"]}
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


def loss_of(model, params, x, y):
    """Loss of one sample."""
    loss, z = model["loss"], outputs(model, params, x)
    if loss["type"] == "squared_error":
        return loss["scale"] * ((z - y) ** 2).sum() / 2
    return -loss["scale"] * jax.nn.log_softmax(z)[y]


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR."""
    params = {k: jnp.asarray(v, dtype) for k, v in case.params_in("keras").items()}
    x, y = jnp.asarray(case.x_in("keras"), dtype), jnp.asarray(case.y)
    y = y if jnp.issubdtype(y.dtype, jnp.integer) else y.astype(dtype)
    frozen = {k: v for k, v in params.items() if k not in case.model["trainable"]}
    moving = {k: v for k, v in params.items() if k not in frozen}

    def loss(theta, x_i, y_i):
        return loss_of(case.model, frozen | theta, x_i, y_i)

    both = jax.vmap(jax.value_and_grad(loss), (None, 0, 0))
    losses, gradients = both(moving, x, y)
    n = len(x)
    shares = jnp.full(n, 1 / n, dtype)
    if case.probabilities is not None:
        shares = jnp.asarray(case.probabilities, dtype)
    return from_gradients(case, losses, gradients, shares)
