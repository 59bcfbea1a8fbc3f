"""Per-sample losses. Each maps outputs (n_samples, n_outputs) and y to (n_samples,)."""

from typing import Any

import autograd.numpy as anp
import numpy as np


def squared_error(outputs: Any, y: Any) -> Any:
    """½‖outputs − y‖², summed over outputs. With the ½, and never averaged over outputs.

    Parameters
    ----------
    outputs : ndarray, shape (n_samples, n_outputs)
    y : ndarray, shape (n_samples, n_outputs), or (n_samples,) where there is one output

    Returns
    -------
    ndarray, shape (n_samples,)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    The rival convention (``MSELoss`` and relatives) has no ½ and a mean over outputs. Written as
    a product and a division, so that it is exact on ``fractions.Fraction``.

    Examples
    --------
    >>> squared_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    array([2.])
    """
    y = np.asarray(y)
    if y.ndim == 1 and outputs.shape[1] == 1:
        y = y[:, None]
    if y.shape != outputs.shape:
        raise ValueError(f"y has shape {y.shape}; expected {outputs.shape} for squared error")
    residual = outputs - y
    return anp.sum(residual * residual, axis=1) / 2


def cross_entropy(outputs: Any, y: Any) -> Any:
    """−log softmax(outputs)[y], natural logarithm.

    Parameters
    ----------
    outputs : ndarray, shape (n_samples, n_classes)
        Logits; differences of 1e4 and more are harmless.
    y : ndarray of int, shape (n_samples,)
        Classes, 0 to n_classes − 1.

    Returns
    -------
    ndarray, shape (n_samples,)

    Raises
    ------
    ValueError
        If the shapes do not fit, or `y` is not an array of class numbers.

    Notes
    -----
    With m the largest logit, the loss is (m − outputs[y]) + log1p(Σ exp(outputs − m) without m's
    own term): a sum of two terms that are never negative. So neither the loss nor its gradient
    cancels, and a loss of 1e-30 has all its digits.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    array([0.69314718])
    >>> cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))
    array([20000.])
    """
    y = np.asarray(y)
    n_samples, n_classes = outputs.shape
    if y.shape != (n_samples,) or y.dtype.kind not in "iu":
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}; "
            f"expected integer classes of shape ({n_samples},) for cross-entropy"
        )
    if n_samples and not (y.min() >= 0 and y.max() < n_classes):
        raise ValueError(f"y holds classes {y.min()} to {y.max()}; expected 0 to {n_classes - 1}")
    classes = np.arange(n_classes)
    top = anp.argmax(outputs, axis=1)
    is_top, is_y = classes == top[:, None], classes == y[:, None]
    largest = outputs[np.arange(n_samples), top]
    others = anp.exp(outputs - largest[:, None]) * ~is_top
    # The derivative of the margin is +1 and −1 added up, so exactly 0 where the top class is y.
    margin = anp.sum(outputs * (is_top * 1.0 - is_y), axis=1)
    return margin + anp.log1p(anp.sum(others, axis=1))


LOSSES = {"squared": squared_error, "cross_entropy": cross_entropy}
