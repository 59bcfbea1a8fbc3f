"""Products of Hessians with vectors, of a mean loss or sample by sample.

Imports ``autodiff`` and ``contract``.

No Hessian is formed: a product costs one backward pass through the gradient. Exact numbers stay
exact where the model's arithmetic is rational.
"""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval

from gsnr_ref.autodiff import make_vjp, ones_like
from gsnr_ref.contract import (
    Array,
    InputError,
    Model,
    Params,
    RangeError,
    flat,
    is_exact,
    leaves,
)


def mean_gradient(
    model: Model, params: Params, x: Any, y: Any, weights: Array
) -> tuple[Params, Callable[[Params], Params]]:
    """Gradient of the weighted loss, and the function that multiplies its Hessian by a vector.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model, params = LinearRegression(1, bias=False), {"linear.weight": np.array([[2.0]])}
    >>> gradient, hessian_times = mean_gradient(
    ...     model, params, np.array([[3.0]]), np.ones(1), np.ones(1)
    ... )
    >>> gradient["linear.weight"], hessian_times(params)["linear.weight"]  # (2·3 − 1)·3 and 9·2
    (array([[15.]]), array([[18.]]))
    """
    moving = {name: params[name] for name in model.trainable}

    def gradient(theta: Any) -> Any:
        def loss(boxed: Any) -> Any:
            return model.loss(dict(params) | {name: boxed[name] for name in moving}, x, y)

        backward, _ = make_vjp(loss)(theta)
        return backward(weights)

    backward, value = make_vjp(gradient)(moving)  # vᵀ∂g/∂θ = Hv: the Hessian is symmetric
    in_order = {name: value[name] for name in moving}

    def hessian_times(vector: Params) -> Params:
        product = backward(vector)
        return {name: product[name] for name in moving}

    return in_order, hessian_times


def losses_apart(model: Model, params: Params, x: Any, y: Any, moves: Params) -> Any:
    """Loss of each sample at parameters of its own: L_i(θ + q_i), in one forward pass.

    An affine map with parameters moved by q gives inputs @ q more, so a tap can move each sample's.

    Parameters
    ----------
    moves : dict of ndarray, each of shape (n_samples, *parameter_shape)
        q_i, one entry for each of ``model.trainable``.

    Raises
    ------
    InputError
        If a trainable parameter has no affine map that passes through the tap.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model, params = LinearRegression(1, bias=False), {"linear.weight": np.array([[2.0]])}
    >>> moves = {"linear.weight": np.array([[[0.0]], [[1.0]]])}
    >>> losses_apart(model, params, np.ones((2, 1)), np.zeros(2), moves)  # ½·2² and ½·3²
    array([2. , 4.5])
    """
    seen = set()

    def tap(name: str, inputs: Any, outputs: Any) -> Any:
        for parameter in (f"{name}.{kind}" for kind in ("weight", "bias", "scale", "shift")):
            if parameter in model.trainable:
                seen.add(parameter)
                outputs = outputs + _moved_by(moves[parameter], inputs, parameter)
        return outputs

    losses = model.loss(params, x, y, tap)
    if missing := [name for name in model.trainable if name not in seen]:
        raise InputError(
            f"model passes no affine map through its tap for the parameters {missing}; "
            "expected one for each"
        )
    return losses


def _moved_by(moves: Any, inputs: Any, parameter: str) -> Any:
    """What a map gives more where each sample's weight, bias, scale or shift has moved."""
    positions = inputs.ndim == 3
    if not parameter.endswith(".weight"):
        moves = moves[:, None] if positions else moves
        return inputs * moves if parameter.endswith(".scale") else moves
    if positions:
        return anp.matmul(inputs, moves)
    return anp.matmul(inputs[:, None], moves)[:, 0]


def gradients_apart(model: Model, params: Params, x: Any, y: Any, moves: Params) -> Params:
    """Gradient of each sample's loss at parameters of its own: g_i(θ + q_i)."""

    def losses_at(q: Params) -> Any:
        return losses_apart(model, params, x, y, q)

    backward, losses = make_vjp(losses_at)(moves)
    return backward(ones_like(getval(losses)))


def own_hessians_times(model: Model, params: Params, x: Any, y: Any, vectors: Params) -> Params:
    """H_i v_i of every sample: its own Hessian times a vector of its own, in one backward pass.

    As a function of all moves, the summed loss has the samples' Hessians as its diagonal blocks.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model, params = LinearRegression(1, bias=False), {"linear.weight": np.array([[2.0]])}
    >>> vectors = {"linear.weight": np.array([[[1.0]], [[1.0]]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.zeros(2)
    >>> own_hessians_times(model, params, x, y, vectors)["linear.weight"].ravel()  # x²
    array([1., 9.])
    """
    still = {name: np.zeros_like(v) for name, v in vectors.items()}

    def gradients_at(q: Params) -> Params:
        return gradients_apart(model, params, x, y, q)

    backward, _ = make_vjp(gradients_at)(still)
    products = backward(vectors)
    return {name: products[name] for name in vectors}


def check_run(gradient: Params, carried: Array, learning_rate: Any) -> None:
    """Refuse a run whose gradient, or what it carries along, is no longer finite.

    Examples
    --------
    >>> check_run({"w": np.array([np.inf])}, np.zeros((1, 1)), 10.0)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.RangeError: the run with learning_rate 10.0 leaves the range of float64; ...
    """
    for values in (*leaves(gradient), carried):
        if not is_exact(values) and not np.isfinite(values).all():
            raise RangeError(
                f"the run with learning_rate {learning_rate} leaves the range of float64; "
                "expected a smaller learning_rate, or fewer steps"
            )


def as_named(rows: Array, like: Params) -> Params:
    """Vectors, (..., n_params), as named parts of the shapes of `like`, (..., *shape)."""
    ends = np.cumsum([part.size for part in like.values()])
    parts = np.split(rows, ends[:-1], axis=-1)
    return {
        name: part.reshape(*rows.shape[:-1], *like[name].shape)
        for name, part in zip(like, parts, strict=True)
    }


def times_each(hessian_times: Callable[[Params], Params], rows: Array, like: Params) -> Array:
    """Hv for each of many vectors, (n_vectors, n_params): H is formed where that is less work."""

    def product(row: Array) -> Array:
        return flat(hessian_times(as_named(row, like)))

    n_vectors, n_params = rows.shape
    if n_vectors <= n_params:
        return np.stack([product(row) for row in rows])
    units = np.eye(n_params, dtype=int).astype(rows.dtype)
    hessian = np.stack([product(unit) for unit in units])
    return np.asarray(rows @ hessian)
