"""Populations given by their points: linear regression on draws from them, or on a split.

Imports ``closed_form/quadratic`` only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.closed_form.quadratic import Array, ClosedForm, Number, check_n


@dataclass(frozen=True)
class _Points:
    """Per-sample gradients x δᵀ of linear regression on given points, and sums over them."""

    mean: Array
    variance: Array
    signal: Number
    gradient_hessian_gradient: Number  # g̃ᵀHg̃
    spread: Number  # E gᵢᵀHgᵢ
    own_to_mean: Number  # g̃ᵀE[Hᵢgᵢ]
    own: Number  # E gᵢᵀHᵢgᵢ


def _points(x: Any, y: Any, weight: Any, bias: Any, probabilities: Any) -> _Points:
    x, y, weight = np.asarray(x), np.asarray(y), np.asarray(weight)
    y = y[:, None] if y.ndim == 1 else y
    weight = weight[:, None] if weight.ndim == 1 else weight
    if x.ndim != 2 or y.shape != (len(x), weight.shape[1]) or x.shape[1:] != weight.shape[:1]:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape} and weight {weight.shape}; "
            "expected (n_points, n_features), (n_points, n_outputs), (n_features, n_outputs)"
        )
    if bias is not None:  # a bias is the weight of an input that is always 1
        x = np.concatenate([x, np.ones_like(x[:, :1])], axis=1)
        weight = np.concatenate([weight, np.asarray(bias)[None, :]])
    p = np.asarray(probabilities)
    deltas = x @ weight - y
    g = x[:, :, None] * deltas[:, None, :]  # (n_points, n_inputs, n_outputs)

    def average(values: Array) -> Any:
        return np.tensordot(p, values, axes=1)

    mean = average(g)
    deviations = g - mean
    variance = average(deviations * deviations)
    hessian = (x * p[:, None]).T @ x
    x_dot_x = (x * x).sum(axis=1)
    own_hessian = g * x_dot_x[:, None, None]  # Hᵢgᵢ, with Hᵢ = xᵢxᵢᵀ for each output
    return _Points(
        mean.ravel(),
        variance.ravel(),
        (mean * mean).sum(),
        (mean * (hessian @ mean)).sum(),
        average((g * (hessian @ g)).sum(axis=(1, 2))),
        (mean * average(own_hessian)).sum(),
        average((g * own_hessian).sum(axis=(1, 2))),
    )


def finite_linear_regression(
    x: Any, y: Any, weight: Any, n: int, bias: Any = None, probabilities: Any = None
) -> ClosedForm:
    """Linear regression, loss ½‖x W + b − y‖², on n independent draws from given points.

    B = [n(n−1)(n−2) g̃ᵀHg̃ + n(n−1) E gᵢᵀHgᵢ + 2n(n−1) g̃ᵀE[Hᵢgᵢ] + n E gᵢᵀHᵢgᵢ]/n³: the triples of
    draws that are all different, that share a gradient, or a gradient and the Hessian, or all.

    Parameters
    ----------
    x : array_like, shape (n_points, n_features)
    y : array_like, shape (n_points,) or (n_points, n_outputs)
    weight : array_like, shape (n_features,) or (n_features, n_outputs)
    n : int
        Size of the training set.
    bias : array_like, shape (n_outputs,), optional
    probabilities : array_like, shape (n_points,), optional
        Equal if left out; must be exact where x and y are.

    Returns
    -------
    ClosedForm
        Parameters in the order of the flattened weight, then the bias.

    Raises
    ------
    ValueError
        If `n` is no size or shapes do not fit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> x, y = np.array([[Fraction(1)], [Fraction(1)]]), np.array([Fraction(0), Fraction(2)])
    >>> half = [Fraction(1, 2)] * 2
    >>> closed = finite_linear_regression(x, y, [Fraction(3)], n=1, probabilities=half)
    >>> closed.osgr(), closed.osgr(Fraction(1, 10))
    (Fraction(4, 5), Fraction(15, 19))
    """
    check_n(n)
    if probabilities is None:
        probabilities = np.full(len(np.asarray(x)), 1 / len(np.asarray(x)))
    points = _points(x, y, weight, bias, probabilities)
    third = (
        n * (n - 1) * (n - 2) * points.gradient_hessian_gradient
        + n * (n - 1) * points.spread
        + 2 * n * (n - 1) * points.own_to_mean
        + n * points.own
    )
    covariance_trace = points.spread - points.gradient_hessian_gradient  # tr(HΣ)
    return ClosedForm(
        points.mean,
        points.variance,
        points.signal,
        points.signal + points.variance.sum() / n,
        points.gradient_hessian_gradient + covariance_trace / n,
        third / n**3,
    )


def holdout_linear_regression(x: Any, y: Any, weight: Any, n: int, bias: Any = None) -> ClosedForm:
    """Linear regression on a split: n points drawn without replacement, tested on the rest.

    What somebody measures who splits a dataset of N points. Its OSGR can be negative.

    Parameters
    ----------
    x, y, weight, bias
        As in `finite_linear_regression`.
    n : int
        Size of the training set, 1 to N − 1. The size of a test set drawn from the rest does not
        matter.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` leaves no point to train on or to test on, or shapes do not fit.

    Examples
    --------
    >>> closed = holdout_linear_regression([[1.0], [1.0]], [0.0, 2.0], [3.0], n=1)
    >>> closed.osgr()  # gradients 3 and 1: E g_D·g_D′ = 3, E g_D² = 5
    0.6
    """
    total = len(np.asarray(x))
    check_n(n, 1, total - 1)
    exact = np.asarray(x).dtype == object
    one = np.asarray(x).ravel()[0] * 0 + 1 if exact else 1.0
    points = _points(x, y, weight, bias, np.full(total, one / total))
    # Sums over the N points, by which of the indices i, j, k of gᵢᵀHⱼg_k are different
    same = total * points.own
    shared_gradient = total**2 * points.spread - same
    shared_hessian = total**2 * points.own_to_mean - same
    different = (
        total**3 * points.gradient_hessian_gradient - shared_gradient - 2 * shared_hessian - same
    )
    pairs = n * (n - 1) * one / (total * (total - 1))
    triples = pairs * (n - 2) / (total - 2) if total > 2 else 0
    third = triples * different + pairs * (shared_gradient + 2 * shared_hessian)
    training_curvature = (third + n * one / total * same) / n**3
    shrink = (total - n) * one / (n * (total - 1))  # of Σ in the covariance of g_D
    noise = points.variance.sum()
    covariance_trace = points.spread - points.gradient_hessian_gradient
    with_all = points.gradient_hessian_gradient + covariance_trace * shrink  # E g_DᵀHg_D
    test_curvature = (total * with_all - n * training_curvature) / (total - n)
    return ClosedForm(
        points.mean,
        points.variance,
        points.signal - noise / (total - 1),
        points.signal + noise * shrink,
        test_curvature,
        training_curvature,
    )
