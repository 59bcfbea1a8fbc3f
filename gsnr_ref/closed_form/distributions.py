"""Populations given by a distribution: the location model, Gaussian regression.

Imports ``closed_form/quadratic`` only.
"""

from typing import Any

import numpy as np

from gsnr_ref.closed_form.quadratic import ClosedForm, Number, check_n


def location_model(theta: Number, mean: Number, variance: Number, n: int) -> ClosedForm:
    """Loss ½(θ − y)², with y of any distribution that has this mean and variance.

    r = (θ − μ)²/s². The Hessian is 1, so B = B′ = A and R(λ) = (g̃² − λA/2)/((1 − λ/2)A).

    Parameters
    ----------
    theta : float or Fraction
    mean, variance : float or Fraction
        μ and s² of y.
    n : int
        Size of the training set.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` is no size or the variance is negative.

    Examples
    --------
    >>> location_model(theta=1.0, mean=0.0, variance=4.0, n=4).osgr()  # r = 1/n
    0.5
    """
    check_n(n)
    if not variance >= 0:
        raise ValueError(f"variance is {variance!r}; expected 0 or more")
    gradient = theta - mean
    expected = gradient * gradient + variance / n  # 3.10: A
    return ClosedForm(
        np.array([gradient]),
        np.array([variance]),
        gradient * gradient,
        expected,
        expected,
        expected,
    )


def gaussian_linear_regression(
    weights: Any, true_weights: Any, covariance: Any, noise: Number, n: int
) -> ClosedForm:
    """Loss ½(w·x − y)² with y = w*·x + ε, x ~ N(0, C), ε ~ N(0, s²).

    With e = w − w*: g̃ = Ce and Cov g = (eᵀCe + s²)C + Ce eᵀC, so
    r_j = (Ce)_j²/((eᵀCe + s²)C_jj + (Ce)_j²) < 1. On the training side the Hessian is a Wishart
    matrix over n, and B takes its second and third moments.

    Parameters
    ----------
    weights, true_weights : array_like, shape (n_features,)
        w and w*.
    covariance : array_like, shape (n_features, n_features)
        C.
    noise : float or Fraction
        Standard deviation s.
    n : int
        Size of the training set.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` is no size or shapes do not fit.

    Examples
    --------
    >>> closed = gaussian_linear_regression([2.0], [1.0], [[1.0]], noise=0.0, n=1)
    >>> closed.gsnr  # g = e x², with mean e and variance 2e²
    array([0.5])
    """
    check_n(n)
    e = np.asarray(weights) - np.asarray(true_weights)
    c = np.asarray(covariance)
    if e.ndim != 1 or c.shape != (len(e), len(e)):
        raise ValueError(
            f"weights has shape {e.shape} and covariance {c.shape}; "
            "expected (n_features,) and (n_features, n_features)"
        )
    c2 = c @ c
    mean = c @ e
    residual = e @ mean + noise * noise  # variance of w·x − y
    variance = residual * np.diag(c) + mean * mean  # 3.9
    signal = mean @ mean
    e_c3_e = mean @ c @ mean
    # E W² and E W³ of W ~ Wishart(n, C), between e and e, or traced
    trace, trace2 = np.trace(c), np.trace(c2)
    e_w3_e = (
        n * (n * n + 3 * n + 4) * e_c3_e
        + 2 * n * (n + 1) * trace * signal
        + n * ((n + 1) * trace2 + trace * trace) * (e @ mean)
    )
    trace_w2 = n * (n + 1) * trace2 + n * trace * trace
    return ClosedForm(
        mean,
        variance,
        signal,
        signal + variance.sum() / n,
        e_c3_e + (residual * trace2 + e_c3_e) / n,
        e_w3_e / n**3 + noise * noise * trace_w2 / n**3,
    )
