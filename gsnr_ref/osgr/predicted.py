"""OSGR from the moments of the per-sample gradient: equations 21, 22 and the collapsed form.

Imports ``contract``, ``moments`` and ``signal_to_noise``.
"""

from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Arrays,
    Number,
    RangeError,
    check_count,
    is_exact,
    leaves,
    map_structure,
)
from gsnr_ref.moments import GradientMoments
from gsnr_ref.signal_to_noise import gsnr, quotient


@np.errstate(all="ignore")
def osgr_weights(moments: GradientMoments, n: int, ddof: int = 0) -> Arrays:
    """Share of the expected training-loss decrease that each parameter brings: equation 21.

    W_j = E g_{D,j}² / Σ_k E g_{D,k}², with E g_{D,j}² = g̃_j² + ρ_j²/n.

    Parameters
    ----------
    moments : GradientMoments
    n : int
        Size of the training set.
    ddof : int
        Of the variance: 0 where the samples are the whole population.

    Returns
    -------
    ndarray, or dict of ndarray
        Structure and shapes of the parameters; no units; sums to 1. ``nan`` throughout where every
        gradient is 0: no step, no share.

    Raises
    ------
    InputError
        If `n` is no positive whole number, or there are not more than `ddof` samples.
    RangeError
        If the squares of all gradients underflow.

    Examples
    --------
    >>> g = np.array([[1.0, 2.0], [3.0, 2.0]])
    >>> osgr_weights(GradientMoments.from_samples(g), n=1)  # 4 + 1 and 4 + 0
    array([0.55555556, 0.44444444])
    """
    n = check_count("n", n)
    squares = map_structure(
        lambda mean, variance: mean * mean + variance / n, moments.mean, moments.variance(ddof)
    )
    total = sum(s.sum() for s in leaves(squares))
    if total == 0 and any(m.any() for m in leaves(moments.mean)):
        raise RangeError("the squares of all gradients underflow float64; rescale the loss")
    with np.errstate(invalid="ignore"):
        return map_structure(lambda s: s / total if total else s * np.nan, squares)  # equation 21


@np.errstate(all="ignore")
def predicted_osgr(moments: GradientMoments, n: int, ddof: int = 0) -> Number:
    """OSGR at a small learning rate: equation 22, R = 1 − (1/n) Σ_j W_j / (r_j + 1/n).

    Parameters
    ----------
    moments : GradientMoments
        Of the population. Moments of a sample give the plug-in, which is biased upwards: where the
        true R is 0 it still gives about 2/3.
    n : int
        Size of the training set.
    ddof : int
        Of the variance: 0 where the samples are the whole population.

    Returns
    -------
    float, or Fraction where the moments are exact
        Between 0 and 1; no units. ``nan`` where every gradient is 0.

    Raises
    ------
    InputError
        If `n` is no positive whole number, or there are not more than `ddof` samples.
    RangeError
        If the squares of all gradients underflow.

    Notes
    -----
    Computed as Σ_j W_j · 1/(1 + 1/(n r_j)), the weighted mean of one-parameter OSGRs: the same
    number, without the cancellation where R is small. Holds for a learning rate that goes to 0 and
    a training set that is independent of the parameters. Source: Liu et al., ICLR 2020,
    equation 22.

    Examples
    --------
    >>> g = np.array([[1.0], [3.0]])  # GSNR 4
    >>> predicted_osgr(GradientMoments.from_samples(g), n=4)  # 1/(1 + 1/16)
    0.9411764705882353
    """
    weights, ratios = leaves(osgr_weights(moments, n, ddof)), leaves(gsnr(moments, ddof))
    with np.errstate(divide="ignore"):
        terms = [_one_parameter_terms(w, r, n) for w, r in zip(weights, ratios, strict=True)]
    return sum(terms)  # equations 19 and 22


def _one_parameter_terms(weights: Any, ratios: Any, n: int) -> Number:
    """Σ_j W_j / (1 + 1/(n r_j)); a dead parameter (r = nan) has no weight and no term."""
    if is_exact(weights):
        pairs = zip(weights.flat, ratios.flat, strict=True)
        return sum(w if r == np.inf else w * (n * r) / (n * r + 1) for w, r in pairs if w != 0)
    terms = weights / (1 + 1 / (n * ratios))
    return float(np.where(weights == 0, 0.0, terms).sum())


@np.errstate(all="ignore")
def collapsed_osgr(moments: GradientMoments, n: int, ddof: int = 0) -> Number:
    """OSGR at a small learning rate, collapsed: R = ‖g̃‖² / (‖g̃‖² + tr Σ/n).

    Equation 22 with the sums over parameters carried out. Σ is the covariance of the per-sample
    gradient; only its diagonal enters, so parameters need not be independent.

    Parameters
    ----------
    moments : GradientMoments
    n : int
        Size of the training set.
    ddof : int
        Of the variance: 0 where the samples are the whole population.

    Returns
    -------
    float, or Fraction where the moments are exact
        Between 0 and 1; no units. ``nan`` where every gradient is 0.

    Raises
    ------
    InputError
        If `n` is no positive whole number, or there are not more than `ddof` samples.

    Examples
    --------
    >>> g = np.array([[1.0], [3.0]])
    >>> collapsed_osgr(GradientMoments.from_samples(g), n=4)  # 4 / (4 + 1/4)
    0.9411764705882353
    """
    n = check_count("n", n)
    signal, noise = moments.signal_and_noise(ddof)
    return quotient(signal, signal + noise / n)  # 3.1


@np.errstate(all="ignore")
def effective_gsnr(moments: GradientMoments, ddof: int = 0) -> Number:
    """GSNR of the whole model: ‖g̃‖² / tr Σ, so that R = 1/(1 + 1/(n·GSNR)) holds for it.

    Parameters
    ----------
    moments : GradientMoments
    ddof : int
        Of the variance: 0 where the samples are the whole population.

    Returns
    -------
    float, or Fraction where the moments are exact
        No units. ``inf`` where no gradient varies, ``nan`` where every gradient is 0.

    Raises
    ------
    InputError
        If there are not more than `ddof` samples.

    Examples
    --------
    >>> g = np.array([[1.0, 0.0], [3.0, 2.0]])
    >>> effective_gsnr(GradientMoments.from_samples(g))  # (4 + 1) / (1 + 1)
    2.5
    """
    return quotient(*moments.signal_and_noise(ddof))
