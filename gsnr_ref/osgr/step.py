"""One real step of gradient descent, and what it does to losses.

Imports ``contract`` and ``loss_checks``: the measured side of the identity shares no code with the
predicted.
"""

import warnings
from typing import Any

import numpy as np
from autograd import make_vjp

from gsnr_ref.contract import Array, Model, Params, PrecisionWarning, flat
from gsnr_ref.loss_checks import check_losses_shape

#: Part of a ratio that rounding may change unsaid; 1e-4 at least.
_TOLERANCE = 0.01
_EPS = np.finfo(np.float64).eps


def in_float64(array: Any) -> Array:
    """Raise float16 and float32 to float64: a small step is lost in their rounding.

    Examples
    --------
    >>> in_float64(np.ones(1, np.float32)).dtype, in_float64(np.ones(1, int)).dtype
    (dtype('float64'), dtype('int64'))
    """
    values: Array = np.asarray(array)
    return values.astype(np.float64) if values.dtype in (np.float16, np.float32) else values


def step(
    model: Model,
    params: Params,
    x: Any,
    y: Any,
    weights: Array,
    learning_rate: Any,
    preconditioner: Params | None = None,
) -> tuple[Params, Array]:
    """Parameters after θ ← θ − λ g_D, with g_D the gradient of the weighted mean loss.

    Also returns the per-sample losses before the step.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray
    x, y : ndarray, one entry a sample
    weights : ndarray, shape (n_samples,)
        Of the samples in the mean loss; 1/n each for a training set of n.
    learning_rate : float or Fraction
    preconditioner : dict of ndarray, optional
        Factors p of the step θ ← θ − λ p∘g_D, one for each trainable parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import LinearRegression
    >>> params = {"linear.weight": np.array([[2.0]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.array([1.0, 1.0])
    >>> step(LinearRegression(1, bias=False), params, x, y, np.array([0.5, 0.5]), 0.1)
    ({'linear.weight': array([[1.2]])}, array([ 0.5, 12.5]))
    """
    frozen = {name: value for name, value in params.items() if name not in model.trainable}
    moving = {name: params[name] for name in model.trainable}

    def loss(boxed: Any) -> Any:
        return model.loss(frozen | {name: boxed[name] for name in moving}, x, y)

    backward, losses = make_vjp(loss)(moving)
    check_losses_shape(losses, len(x))
    gradient = backward(weights)  # Σ_i weights_i dL_i/dθ
    if preconditioner is not None:
        gradient = {name: preconditioner[name] * gradient[name] for name in moving}
    after = {name: moving[name] - learning_rate * gradient[name] for name in moving}
    return frozen | after, losses


def mean_decrease(before: Array, after: Array, weights: Array) -> Any:
    """ΔL: the decrease of the weighted mean loss, from per-sample losses before and after.

    Examples
    --------
    >>> import numpy as np
    >>> float(mean_decrease(np.array([2.0, 3.0]), np.array([1.0, 1.0]), np.array([0.5, 0.5])))
    1.5
    """
    return (weights * (before - after)).sum()


def rounding(
    before: Array, after: Array, weights: Array, params: Params, stepped: Params, learning_rate: Any
) -> float:
    """What rounding may change in a `mean_decrease`, estimated: ε(Σw|L| + |θ|·|g|).

    A loss is known to an ε of itself, and where a parameter rounds, the loss moves by g times an ε
    of the parameter. For g stands the step's own gradient, |θ′ − θ|/λ, or what may have been lost.

    Examples
    --------
    >>> losses, params = np.array([2.0]), {"w": np.array([1.0])}
    >>> rounding(losses, losses, np.ones(1), params, {"w": np.array([0.5])}, 0.5) < 1e-14
    True
    """
    losses = (weights * (np.abs(before) + np.abs(after))).sum()
    theta, moved = np.abs(flat(params)), np.abs(flat(stepped) - flat(params))
    return float(_EPS * (losses + theta @ (moved + _EPS * theta) / learning_rate))


def warn_of_rounding(decreases: Any, lost: Any, standard_error: float, learning_rate: Any) -> None:
    """Warn where rounding may change OSGR by more than 1 % of it, and its standard error.

    Parameters
    ----------
    decreases, lost : pair of float
        Mean training and test decrease, and the `rounding` of each.
    standard_error : float
        Of their ratio.
    learning_rate : float

    Examples
    --------
    >>> warn_of_rounding((1.0, 0.5), (1e-9, 1e-9), standard_error=0.0, learning_rate=0.1)
    """
    training, test = decreases
    ratio = abs(test / training)
    error = (lost[1] + ratio * lost[0]) / abs(training)
    if error > max(_TOLERANCE * max(ratio, _TOLERANCE), standard_error):
        warnings.warn(
            f"with learning_rate {learning_rate} rounding may change the OSGR by {error:.1g}: the "
            "decreases are near the last digit of the losses; expected a larger learning_rate",
            PrecisionWarning,
            stacklevel=4,
        )
