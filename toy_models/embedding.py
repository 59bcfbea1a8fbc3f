"""Embeddings: rows of a weight, looked up by token or by time step, and used again as outputs."""

from typing import Any

import autograd.numpy as anp
import numpy as np

from .affine_maps import Params, Tap, no_tap


def embed(params: Params, name: str, tokens: Any, tap: Tap = no_tap) -> Any:
    """Look up rows of a weight: an affine map of one-hot inputs, without bias.

    Parameters
    ----------
    params : dict of str to ndarray
        Holds ``"<name>.weight"``, shape (n_tokens, n_out).
    name : str
    tokens : ndarray of int, shape (n_samples, n_steps)
        0 to n_tokens − 1.
    tap : callable
        ``tap(name, one_hot, rows) -> rows``: the weight's gradient is the same as that of the map
        ``one_hot @ weight``, with the tokens' steps as positions.

    Returns
    -------
    ndarray, shape (n_samples, n_steps, n_out)

    Raises
    ------
    ValueError
        If `tokens` are no row numbers.

    Examples
    --------
    >>> params = {"tokens.weight": np.array([[1.0, 2.0], [3.0, 4.0]])}
    >>> embed(params, "tokens", np.array([[1, 0]]))
    array([[[3., 4.],
            [1., 2.]]])
    """
    weight, tokens = params[f"{name}.weight"], np.asarray(tokens)
    n_tokens = weight.shape[0]
    if tokens.dtype.kind not in "iu" or tokens.ndim != 2:
        raise ValueError(
            f"tokens of {name!r} have shape {tokens.shape} and dtype {tokens.dtype}; "
            "expected integers (n_samples, n_steps)"
        )
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < n_tokens):
        raise ValueError(
            f"tokens of {name!r} are {tokens.min()} to {tokens.max()}; expected 0 to {n_tokens - 1}"
        )
    one_hot = (tokens[:, :, None] == np.arange(n_tokens)).astype(float)
    return tap(name, one_hot, weight[tokens])


def add_positions(params: Params, name: str, inputs: Any, tap: Tap = no_tap) -> Any:
    """Add row t of a weight, shape (n_steps, n_out), to the inputs of time step t.

    Parameters
    ----------
    params, name, tap
        As in `embed`.
    inputs : ndarray, shape (n_samples, n_steps, n_out)

    Returns
    -------
    ndarray, shape (n_samples, n_steps, n_out)

    Examples
    --------
    >>> params = {"positions.weight": np.array([[1.0], [2.0]])}
    >>> add_positions(params, "positions", np.zeros((1, 2, 1)))
    array([[[1.],
            [2.]]])
    """
    n_samples, n_steps = inputs.shape[:2]
    return inputs + embed(params, name, np.tile(np.arange(n_steps), (n_samples, 1)), tap)


def tied_outputs(params: Params, name: str, inputs: Any, tap: Tap = no_tap) -> Any:
    """Products of the inputs with every row of an embedding: its weight used again, transposed.

    Each sample looks up every row for itself, so that the tap sees the weight's rows, and not the
    transposed map, whose inputs and outputs have changed places.

    Parameters
    ----------
    params, name, tap
        As in `embed`.
    inputs : ndarray, shape (n_samples, n_steps, n_out)

    Returns
    -------
    ndarray, shape (n_samples, n_steps, n_tokens)

    Examples
    --------
    >>> params = {"tokens.weight": np.array([[1.0, 2.0], [3.0, 4.0]])}
    >>> tied_outputs(params, "tokens", np.array([[[1.0, 10.0]]]))
    array([[[21., 43.]]])
    """
    n_tokens = params[f"{name}.weight"].shape[0]
    rows = embed(params, name, np.tile(np.arange(n_tokens), (len(inputs), 1)), tap)
    return anp.matmul(inputs, anp.swapaxes(rows, 1, 2))
