"""One real step of gradient descent, and what it does to losses.

Imports ``contract`` and ``loss_checks``: the measured side of the identity shares no code with the
predicted.
"""

from typing import Any

from autograd import make_vjp

from gsnr_ref.contract import Array, Model, Params
from gsnr_ref.loss_checks import check_losses_shape


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
