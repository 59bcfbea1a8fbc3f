"""Gradient descent, and what is read along the way. Imports ``contract``."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from autograd import make_vjp

from gsnr_ref.contract import Array, Model, Params

_CHUNK = 100  # samples whose activations stay in cache


def mean_gradient(model: Model, params: Params, x: Array, y: Array) -> Params:
    """Gradient of the mean loss over all samples: g_D."""
    moving = {name: params[name] for name in model.trainable}
    frozen = {name: value for name, value in params.items() if name not in moving}
    total: Params = {}
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)

        def chunk_losses(boxed: Any, rows: slice = rows) -> Any:
            theta = frozen | {name: boxed[name] for name in moving}
            return model.loss(theta, x[rows], y[rows])

        backward, values = make_vjp(chunk_losses)(moving)
        piece = backward(np.full(values.shape, 1 / len(x), values.dtype))
        total = {k: total[k] + piece[k] for k in piece} if total else piece
    return total


def losses(model: Model, params: Params, x: Array, y: Array) -> Array:
    """Loss of each sample, in float64."""
    starts = range(0, len(x), _CHUNK)
    pieces = [model.loss(params, x[s : s + _CHUNK], y[s : s + _CHUNK]) for s in starts]
    return np.concatenate(pieces).astype(np.float64)


def moved(params: Params, direction: Params, learning_rate: float) -> Params:
    """θ − λ·direction; frozen parameters stay."""
    return params | {
        name: (params[name] - learning_rate * d).astype(params[name].dtype)
        for name, d in direction.items()
    }


def descend(
    model: Model, params: Params, x: Array, y: Array, learning_rate: float, steps: Iterable[int]
) -> Iterator[tuple[int, Params]]:
    """Gradient descent on the mean loss; the parameters after each of these numbers of steps."""
    done = 0
    for wanted in sorted(set(steps)):
        while done < wanted:
            params = moved(params, mean_gradient(model, params, x, y), learning_rate)
            done += 1
        yield wanted, params


def log_spaced(last: int, per_decade: int = 6) -> list[int]:
    """0, and whole numbers up to `last`, evenly spaced on a logarithmic axis.

    Examples
    --------
    >>> log_spaced(10, per_decade=3)
    [0, 1, 2, 5, 10]
    """
    n = int(np.ceil(per_decade * np.log10(last))) + 1
    return sorted({0, *(round(v) for v in np.geomspace(1, last, n))})


def as_float32(params: Params) -> Params:
    """The same parameters in half the memory."""
    return {name: value.astype(np.float32) for name, value in params.items()}
