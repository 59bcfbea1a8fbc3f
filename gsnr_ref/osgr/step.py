"""One real step of gradient descent, and what it does to losses.

Imports ``contract`` only: the measured side of the identity shares no code with the predicted.
"""

from typing import Any

from autograd import make_vjp

from gsnr_ref.contract import Array, Model, Params


def step(
    model: Model, params: Params, x: Any, y: Any, weights: Array, learning_rate: Any
) -> Params:
    """Parameters after θ ← θ − λ g_D, with g_D the gradient of the weighted mean loss.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray
    x, y : ndarray, one entry a sample
    weights : ndarray, shape (n_samples,)
        Of the samples in the mean loss; 1/n each for a training set of n.
    learning_rate : float or Fraction

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import LinearRegression
    >>> params = {"linear.weight": np.array([[2.0]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.array([1.0, 1.0])
    >>> step(LinearRegression(1, bias=False), params, x, y, np.array([0.5, 0.5]), 0.1)
    {'linear.weight': array([[1.2]])}
    """
    frozen = {name: value for name, value in params.items() if name not in model.trainable}
    moving = {name: params[name] for name in model.trainable}

    def loss(boxed: Any) -> Any:
        return model.loss(frozen | {name: boxed[name] for name in moving}, x, y)

    backward, _ = make_vjp(loss)(moving)
    gradient = backward(weights)  # Σ_i weights_i dL_i/dθ
    return frozen | {name: moving[name] - learning_rate * gradient[name] for name in moving}


def mean_decrease(
    model: Model, before: Params, after: Params, x: Any, y: Any, weights: Array
) -> Any:
    """ΔL: the decrease of the weighted mean loss from parameters `before` to `after`.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import LinearRegression
    >>> before, after = ({"linear.weight": np.array([[w]])} for w in (2.0, 1.0))
    >>> x, y = np.array([[1.0], [2.0]]), np.array([0.0, 0.0])
    >>> float(mean_decrease(LinearRegression(1), before, after, x, y, np.array([0.5, 0.5])))
    3.75
    """
    return (weights * (model.loss(before, x, y) - model.loss(after, x, y))).sum()
