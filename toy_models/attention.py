"""Scaled dot-product attention: no parameters of its own, those are in affine maps around it."""

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval


def attention(inputs: Any, n_heads: int = 1, causal: bool = False) -> Any:
    """Softmax of queries · keys / √width, times values, head by head.

    Parameters
    ----------
    inputs : ndarray, shape (n_samples, n_steps, 3 · n_out)
        Queries, keys and values, each of n_out columns, in this order; a head has n_out / n_heads
        neighbouring columns of each.
    n_heads : int
    causal : bool
        Whether a step sees only itself and the steps before it.

    Returns
    -------
    ndarray, shape (n_samples, n_steps, n_out)
        The heads side by side.

    Raises
    ------
    ValueError
        If the columns do not make up three times the heads.

    Notes
    -----
    A bias of the keys moves all scores of a query alike, which the softmax does not see: the
    gradient by it is exactly 0, and rounding errors are all that floats give.

    Examples
    --------
    >>> scores_alike = np.array([[[0.0, 1.0, 2.0], [0.0, 5.0, 4.0]]])  # queries are 0
    >>> attention(scores_alike)
    array([[[3.],
            [3.]]])
    >>> attention(scores_alike, causal=True)
    array([[[2.],
            [3.]]])
    """
    n_samples, n_steps, n_columns = inputs.shape
    if n_heads < 1 or n_columns % (3 * n_heads):
        raise ValueError(
            f"inputs have shape {inputs.shape} and n_heads is {n_heads}; expected "
            "(n_samples, n_steps, 3 · n_heads · width of a head)"
        )
    width = n_columns // (3 * n_heads)
    split = anp.reshape(inputs, (n_samples, n_steps, 3, n_heads, width))
    queries, keys, values = (anp.swapaxes(split[:, :, part], 1, 2) for part in range(3))
    scores = anp.matmul(queries, anp.swapaxes(keys, 2, 3)) / np.sqrt(width)
    seen = np.tril(np.ones((n_steps, n_steps))) if causal else np.ones((n_steps, n_steps))
    # A shift of all scores changes nothing, so its own derivative is left out.
    largest = np.max(np.where(seen, getval(scores), -np.inf), axis=3, keepdims=True)
    shares = anp.exp(anp.where(seen, scores - largest, -np.inf))
    shares = shares / anp.sum(shares, axis=3, keepdims=True)
    heads = anp.swapaxes(anp.matmul(shares, values), 1, 2)
    return anp.reshape(heads, (n_samples, n_steps, n_heads * width))
