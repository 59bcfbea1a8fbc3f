"""OSGR from a finite sample: debiased, with intervals, and as the paper estimates it.

Imports ``contract``, ``inference/checks``, ``inference/jackknife``, ``moments``,
``signal_to_noise`` and ``student``.
"""

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from gsnr_ref.contract import (
    Array,
    CoverageWarning,
    InputError,
    Number,
    Structure,
    check_count,
    flat,
    flat_rows,
)
from gsnr_ref.inference.checks import float_samples, sample_size
from gsnr_ref.inference.jackknife import FEW_DEGREES, jackknife_variance, widened_interval
from gsnr_ref.moments import GradientMoments
from gsnr_ref.signal_to_noise import gsnr
from gsnr_ref.student import check_confidence

_MOST_PAIRED = 2000  # samples whose inner products are formed


@np.errstate(all="ignore")
def debiased_osgr(moments: GradientMoments, n: int | None = None) -> Number:
    """OSGR from one sample, at a small learning rate: R̂ = Σ(ḡ² − s²/m)/Σḡ² for n = m.

    Parameters
    ----------
    moments : GradientMoments
        Of m ≥ 2 independent samples.
    n : int, optional
        Size of the training set whose OSGR is wanted; m if left out.

    Returns
    -------
    float, or Fraction where the moments are exact
        Can be negative. ``nan`` where the denominator is 0: the mean gradient is, if n = m.

    Raises
    ------
    InputError
        If there are fewer than 2 samples, or `n` is no size.

    Notes
    -----
    Σ(ḡ² − s²/m) = 1/(m(m−1)) Σ_{i≠k} gᵢ·g_k is unbiased for ‖g̃‖², whatever the distribution, and
    Σs² for tr Σ; R̂ is their ratio in the collapsed form, and being a ratio is not exactly
    unbiased. It equals (m/(m−1))(1 − 1/c), with c the sample's m-coherence.

    Examples
    --------
    >>> moments = GradientMoments.from_samples(np.array([[1.0], [3.0]]))
    >>> debiased_osgr(moments)  # (4 − 2/2)/4
    0.75
    """
    m = sample_size(moments, 2, "a debiased OSGR")
    n = m if n is None else check_count("n", n)
    squares, noise = moments.signal_and_noise(ddof=1)
    signal = squares - noise / m
    expected = signal + noise / n if n != m else squares
    return signal / expected if expected else float("nan")


@np.errstate(all="ignore")
def osgr_interval(
    samples: Structure,
    n: int | None = None,
    *,
    confidence: float = 0.95,
    method: Literal["jackknife", "bootstrap"] = "jackknife",
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Confidence interval for OSGR at a small learning rate, from one sample of gradients.

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these
        Per-sample gradients of m ≥ 10 independent samples. Moments do not suffice: each sample is
        left out once.
    n : int, optional
        Size of the training set whose OSGR is wanted; m if left out.
    confidence : float
    method : {"jackknife", "bootstrap"}
        The jackknife is faster and holds its level better; the bootstrap (``scipy.stats``, BCa)
        resamples samples, takes m² numbers, and is for comparison.
    n_resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    low, high : float
        `high` is at most 1; `low` is not cut at 0, and is ``-inf`` where the sample does not bound
        R from below, as where no gradient varies.

    Raises
    ------
    InputError
        If there are fewer than 10 samples, or moments of them, or another argument does not fit.

    Warns
    -----
    CoverageWarning
        If the variance rests on a few samples; not with the bootstrap.

    Notes
    -----
    For n = m, R = 1 − 1/(nQ) with Q = ‖g̃‖²/tr Σ + 1/m. log Q gets a jackknife standard error,
    less what the jackknife counts twice, and the quantile of Student's t; the interval is wider
    where few samples carry the variance, or the samples' effects on log Q are skewed.

    Measured coverage at 95 %, for n = m from 10 to 300 and 20 parameters: 94 to 99 % for Gaussian,
    exponential and Student's t5 gradients, 91 to 99 % where few directions carry the covariance, 95
    to 100 % where most samples have a gradient of 0. It fails where the tail is heavier than the
    sample shows: 81 to 94 % for log-normal(1), 62 to 76 % for log-normal(2). No interval computed
    from so few samples can know such a tail; `CoverageWarning` comes in most such samples, not in
    all. The docs have the table.

    Examples
    --------
    >>> g = np.random.default_rng(0).exponential(1.0, size=(200, 5))  # effective GSNR 1
    >>> low, high = osgr_interval(g, n=1)
    >>> low < 0.5 < high
    True
    """
    check_confidence(confidence)
    rows = flat_rows(float_samples(samples, 10))
    m = len(rows)
    n = m if n is None else check_count("n", n)
    if method not in ("jackknife", "bootstrap"):
        raise InputError(f"method is {method!r}; expected 'jackknife' or 'bootstrap'")
    n_resamples = check_count("n_resamples", n_resamples)
    total = rows.sum(axis=0)
    own = np.einsum("ij,ij->i", rows, rows)
    squared_total, squares = total @ total, own.sum()
    signal, noise = _signal_and_noise(squared_total, squares, m)
    if not noise > 1e-14 * squares / m:  # no gradient varies
        return float("-inf"), 1.0
    if method == "bootstrap":
        return _bootstrapped(rows, n, confidence, n_resamples, seed)
    without = _signal_and_noise(squared_total - 2 * rows @ total + own, squares - own, m - 1)
    log_q = np.log(signal / noise + 1 / m)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_qs = np.log(without[0] / without[1] + 1 / m)
    if not np.isfinite([log_q, *log_qs]).all():  # a mean of exactly 0, or one sample alone varies
        return float("-inf"), 1.0
    jackknife, spread = jackknife_variance(log_qs), _spread_of_products(rows)
    # The estimate of ‖g̃‖² is a U-statistic: the jackknife counts its quadratic part, 2 tr Σ²/m²,
    # twice. With few effective directions, (tr Σ)²/tr Σ² of 4 or less, that part is so skewed that
    # the interval needs the excess.
    excess = 2 * spread / m**2 / (signal + noise / m) ** 2 * max(1 - 4 * spread / noise**2, 0)
    low, high, degrees = widened_interval(
        log_q, log_qs, max(jackknife - excess, jackknife / 2), confidence
    )
    if degrees < FEW_DEGREES:
        warnings.warn(
            "the variance of the estimate rests on a few samples: the interval may not hold its "
            "level",
            CoverageWarning,
            stacklevel=2,
        )
    with np.errstate(over="ignore"):
        return _osgr_of(np.exp(low) - 1 / m, n), _osgr_of(np.exp(high) - 1 / m, n)


def _spread_of_products(rows: Array) -> float:
    """Variance of the products (gᵢ − ḡ)·(g_k − ḡ), i ≠ k: an estimate of tr Σ²."""
    some = rows[:_MOST_PAIRED] - rows[:_MOST_PAIRED].mean(axis=0)
    products = some @ some.T
    own = np.diag(products)
    pairs = len(some) * (len(some) - 1)
    spread = (np.square(products).sum() - own @ own) / pairs - (own.sum() / pairs) ** 2
    return max(float(spread), 0.0)


def _osgr_of(effective_gsnr: float, n: int) -> float:
    """R = 1 − (1/n)/(r + 1/n); −inf where an estimate r is −1/n or less."""
    below = effective_gsnr + 1 / n
    return float(1 - 1 / (n * below)) if below > 0 else float("-inf")


def _signal_and_noise(squared_total: Any, squares: Any, m: int) -> tuple[Any, Any]:
    """Unbiased ‖g̃‖² and tr Σ from ‖Σg‖² and Σ‖g‖²."""
    signal = (squared_total - squares) / (m * (m - 1))
    return signal, squares / m - signal


def _bootstrapped(
    rows: Array, n: int, confidence: float, n_resamples: int, seed: int
) -> tuple[float, float]:
    from scipy import stats  # takes as long to import as all the rest

    products = rows @ rows.T
    m = len(rows)

    def statistic(index: Array) -> float:
        chosen = products[np.ix_(index, index)]
        signal, noise = _signal_and_noise(chosen.sum(), np.trace(chosen), m)
        return float(signal / (signal + noise / n))

    result = stats.bootstrap(
        (np.arange(m),),
        statistic,
        vectorized=False,
        n_resamples=n_resamples,
        confidence_level=confidence,
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


@np.errstate(all="ignore")
def plug_in_osgr(moments: Sequence[GradientMoments]) -> float:
    """OSGR as the paper estimates it: equation 25, a plug-in over M training sets.

    r_j ≈ g_{D,j}²/ρ_{D,j}², with the sample variance over n − 1, from each set. W_j from the M sets
    together: the sum of g_{D,j}² over the sets, divided by its sum over parameters. Then the mean
    of 1 − (1/n) Σ W_j/(r_j + 1/n) over the sets.

    Parameters
    ----------
    moments : sequence of GradientMoments
        One of each training set, all of the same size n ≥ 2.

    Returns
    -------
    float
        Biased upwards, since E ḡ² = g̃² + ρ²/n: where the true OSGR is 0 it gives about 0.66 for
        M = 1 and, as W and r become independent, 0.34 for many sets. It is here to be compared with
        `debiased_osgr`. ``nan`` where every gradient is 0.

    Raises
    ------
    InputError
        If there is no set, or the sizes differ.

    Notes
    -----
    Source: Liu et al., ICLR 2020, equation 25. How W is averaged is recalled, not verified.

    Examples
    --------
    >>> g = np.random.default_rng(0).normal(size=(10, 200, 500))  # no signal: the true OSGR is 0
    >>> sets = [GradientMoments.from_samples(sample) for sample in g]
    >>> round(plug_in_osgr(sets[:1]), 1), round(plug_in_osgr(sets), 1)
    (0.7, 0.4)
    """
    if len(moments) == 0:
        raise InputError("moments is empty; expected one for each training set")
    n = sample_size(moments[0], 2, "equation 25")
    if any(piece.count != n for piece in moments):
        raise InputError(f"moments have counts {[p.count for p in moments]}; expected equal sizes")
    means = np.stack([flat(piece.mean) for piece in moments])
    shares = (means * means).sum(axis=0)
    total = shares.sum()
    if total == 0:
        return float("nan")
    moving = shares > 0
    values = []
    for piece in moments:
        ratio = flat(gsnr(piece, ddof=1))[moving].astype(float)
        # A parameter that this set leaves at 0/0 has ratio 0: it does not move here.
        ratio = np.where(np.isnan(ratio), 0.0, ratio)
        values.append(1 - (shares[moving] / total / (ratio + 1 / n)).sum() / n)  # equation 25
    return float(np.mean(values))
