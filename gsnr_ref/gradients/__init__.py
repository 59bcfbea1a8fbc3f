"""Imports ``autodiff``, ``contract``, ``loss_checks`` and ``two_samples``: per-sample gradients.

One quantity, two routes: ``loop`` is the oracle, ``tapped`` is fast; ``checked`` holds a model's
taps against the oracle.
"""

from typing import Any, Literal

import numpy as np

from gsnr_ref.contract import InputError, Model, Params, check_batch, explain_not_finite, is_exact
from gsnr_ref.gradients.checked import check_model, check_once
from gsnr_ref.gradients.loop import looped_gradients
from gsnr_ref.gradients.tapped import tapped_gradients

__all__ = ["Method", "check_model", "per_sample_gradients"]

Method = Literal["tapped", "loop"]
METHODS = {"tapped": tapped_gradients, "loop": looped_gradients}


@np.errstate(all="ignore")
def per_sample_gradients(
    model: Model, params: Params, x: Any, y: Any, method: Method = "tapped", check: bool = True
) -> Params:
    """Gradient of each sample's own loss: equation 1, gᵢ = ∂L(yᵢ, f(xᵢ, θ))/∂θ.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray, or any mapping
    x : array_like, shape (n_samples, ...)
    y : array_like, shape (n_samples, ...)
    method : {"tapped", "loop"}
        ``"tapped"`` takes one backward pass for all samples and needs a model that passes its
        affine maps through the tap. ``"loop"`` takes one backward pass a sample, needs no tap,
        and is the oracle.
    check : bool
        Whether to look at two samples once for each model and shapes, as `check_model` does.

    Returns
    -------
    dict of str to ndarray, each of shape (n_samples, *parameter_shape)
        One entry for each of ``model.trainable``, in the units of loss / parameter. Not scaled by
        1/n_samples: gᵢ belongs to the loss of sample i, never to a mean loss.

    Raises
    ------
    InputError
        If an input has no samples, does not fit, or holds NaN or infinity, or the model breaks
        the contract of `gsnr_ref.Model`.
    RangeError
        If a gradient leaves the range of float64.

    Notes
    -----
    Memory grows as n_samples × n_params; `gsnr_ref.gradient_moments` needs none of it.
    Source: Liu et al., ICLR 2020, section 2.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model = LinearRegression(1, bias=False)
    >>> params = {"linear.weight": np.array([[2.0]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.array([1.0, 1.0])
    >>> per_sample_gradients(model, params, x, y)["linear.weight"].ravel()  # (2x − y)x
    array([ 1., 15.])
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}; expected one of {list(METHODS)}")
    x, y = check_batch(model, params, x, y)
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = METHODS[method](model, params, x, y)
    if check:
        check_once(model, params, x, y, method)
    if not all(is_exact(g) or np.isfinite(g).all() for g in gradients.values()):
        explain_not_finite(params, x, y)
    return gradients
