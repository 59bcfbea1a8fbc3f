"""Elementwise activations whose values and derivatives keep their digits in the tails."""

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.scipy.special import erfc

#: tanh, with `_sech_squared` for its derivative.
tanh = primitive(np.tanh)


@primitive  # type: ignore[untyped-decorator]
def _sech_squared(z: Any, tanh_z: Any) -> Any:
    """1 − tanh² z where that does not cancel, and elsewhere a form that does not overflow."""
    result = np.asarray(tanh_z * tanh_z)
    np.subtract(1, result, out=result)
    saturated = np.flatnonzero(result < 1 / 16)
    decay = np.exp(-2 * np.abs(np.ravel(z)[saturated]))
    result.ravel()[saturated] = 4 * decay / (1 + decay) ** 2
    return result


defvjp(tanh, lambda ans, z: lambda g: g * _sech_squared(z, ans))
defvjp(_sech_squared, lambda ans, z, tanh_z: lambda g: -2 * g * ans * tanh(z), None)


@primitive  # type: ignore[untyped-decorator]
def relu(z: Any) -> Any:
    """max(z, 0), with derivative 0 at z = 0, as PyTorch, JAX and TensorFlow have it."""
    return np.maximum(z, 0)


defvjp(relu, lambda ans, z: lambda g: g * (z > 0))


def softplus(z: Any) -> Any:
    """log(1 + exp z)."""
    return anp.logaddexp(0.0, z)


@primitive  # type: ignore[untyped-decorator]
def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(−z)), of exp(−|z|) <= 1, which keeps the digits of both tails."""
    decay = np.exp(-np.abs(z))
    return np.maximum(decay, z >= 0) / (1 + decay)


defvjp(sigmoid, lambda ans, z: lambda g: g * (ans * sigmoid(-z)))  # σ(−z) = 1 − σ(z)


def identity(z: Any) -> Any:
    """z."""
    return z


def silu(z: Any) -> Any:
    """z · sigmoid(z)."""
    return z * sigmoid(z)


def gelu(z: Any) -> Any:
    """z · Φ(z), exact: with erfc, which keeps its digits for very negative z."""
    return z * erfc(-z / np.sqrt(2)) / 2


def leaky_relu(z: Any) -> Any:
    """max(z, 0) + min(z, 0)/100, with derivative 1/100 at z = 0."""
    return anp.where(z > 0, z, z / 100)


ACTIVATIONS = {
    "tanh": tanh,
    "relu": relu,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "identity": identity,
    "silu": silu,
    "gelu": gelu,
    "leaky_relu": leaky_relu,
}
