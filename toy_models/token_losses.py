"""Losses of sequences: cross-entropy at every token that is not masked, averaged or added up."""

import math
from typing import Any

import autograd.numpy as anp
import numpy as np

from .losses import cross_entropy


def token_sum(outputs: Any, y: Any) -> Any:
    """Cross-entropy summed over the tokens of a sample, but for those with a negative class.

    Parameters
    ----------
    outputs : ndarray, shape (n_samples, n_steps, n_classes)
        Or flat, (n_samples, n_steps · n_classes).
    y : ndarray of int, shape (n_samples, n_steps)
        Classes; a negative one masks its token.

    Returns
    -------
    ndarray, shape (n_samples,)

    Raises
    ------
    ValueError
        If the shapes do not fit, or `y` is not an array of class numbers.

    Examples
    --------
    >>> token_sum(np.zeros((1, 3, 2)), np.array([[0, 1, -1]])).round(4)
    array([1.3863])
    """
    y = np.asarray(y)
    places = outputs.shape[:-1]  # samples and time steps; of flat outputs samples
    fits = y.ndim == 2 and y.size > 0 and y.shape[: len(places)] == places
    if not fits or math.prod(outputs.shape) % y.size or y.dtype.kind not in "iu":
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}, outputs {outputs.shape}; expected integer "
            "classes (n_samples, n_steps), negative for a masked token"
        )
    flat = anp.reshape(outputs, (y.size, -1))
    losses = anp.reshape(cross_entropy(flat, np.maximum(y, 0).ravel()), y.shape)
    return anp.sum(losses * (y >= 0), axis=1)


def token_mean(outputs: Any, y: Any) -> Any:
    """Cross-entropy averaged over the tokens of a sample, but for those with a negative class.

    Parameters
    ----------
    outputs : ndarray, shape (n_samples, n_steps, n_classes)
        Or flat, (n_samples, n_steps · n_classes).
    y : ndarray of int, shape (n_samples, n_steps)
        Classes; a negative one masks its token.

    Returns
    -------
    ndarray, shape (n_samples,)

    Raises
    ------
    ValueError
        If the shapes do not fit, `y` is not an array of class numbers, or every token of a sample
        is masked.

    Notes
    -----
    The rival convention is one mean over all tokens of a batch (PyTorch's ``CrossEntropyLoss`` on
    flattened tokens): its terms are no losses of samples, for each depends on the others' lengths.

    Examples
    --------
    >>> token_mean(np.zeros((1, 3, 2)), np.array([[0, 1, -1]])).round(4)
    array([0.6931])
    """
    sums = token_sum(outputs, y)
    n_tokens = np.sum(np.asarray(y) >= 0, axis=1)
    if not n_tokens.all():
        raise ValueError(
            f"y masks every token of sample {int(np.argmin(n_tokens))}; expected at least one class"
        )
    return sums / n_tokens


TOKEN_LOSSES = {"mean": token_mean, "sum": token_sum}
