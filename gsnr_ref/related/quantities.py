"""Quantities that others compute from per-sample gradients, by their published definitions.

Imports ``contract``, ``moments`` and ``signal_to_noise``.
"""

from typing import Literal

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Number,
    RangeError,
    Structure,
    check_samples,
    flat,
    flat_rows,
    is_exact,
)
from gsnr_ref.moments import GradientMoments
from gsnr_ref.signal_to_noise import gsnr, quotient


def _rows(samples: Structure, least: int = 1) -> Array:
    """Per-sample gradients as one matrix, (n_samples, n_params)."""
    return flat_rows(check_samples(samples, least)).astype(float)


def _scaled(rows: Array) -> tuple[Array, int]:
    """Rows over a power of two that brings the largest entry to 1, and its exponent: exact."""
    exponent = int(np.frexp(np.abs(rows).max(initial=0))[1])
    return np.ldexp(rows, -exponent), exponent


@np.errstate(all="ignore")
def simple_noise_scale(moments: GradientMoments, ddof: int = 0) -> Number:
    """Simple noise scale B = tr Σ/‖g̃‖² = 1/effective GSNR.

    Parameters
    ----------
    moments : GradientMoments
    ddof : int
        Of the variance.

    Returns
    -------
    float or Fraction
        In samples. ``inf`` where the mean gradient is 0, ``nan`` where every gradient is.

    Notes
    -----
    Source: McCandlish et al. 2018, arXiv:1812.06162.

    Examples
    --------
    >>> simple_noise_scale(GradientMoments.from_samples(np.array([[1.0], [3.0]])))
    0.25
    """
    signal, noise = moments.signal_and_noise(ddof)
    return quotient(noise, signal)


@np.errstate(all="ignore")
def coherence(moments: GradientMoments) -> Number:
    """Coherence α = ‖E g‖²/E‖g‖², which is the OSGR of training sets of one sample, R(Z, 1).

    Parameters
    ----------
    moments : GradientMoments
        Of the population.

    Returns
    -------
    float or Fraction
        0 to 1. ``nan`` where every gradient is 0.

    Notes
    -----
    Source: Chatterjee and Zielinski 2020, arXiv:2008.01217.

    Examples
    --------
    >>> coherence(GradientMoments.from_samples(np.array([[1.0], [3.0]])))  # 4/5
    0.8
    """
    signal, noise = moments.signal_and_noise()
    return quotient(signal, signal + noise)


@np.errstate(all="ignore")
def m_coherence(samples: Structure) -> float:
    """m-coherence of a sample: ‖Σg‖²/Σ‖g‖².

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these

    Returns
    -------
    float
        0 to m; 1 where gradients are orthogonal. ``nan`` where all are 0.

    Notes
    -----
    Source: Chatterjee and Zielinski 2020, arXiv:2008.01217.

    Examples
    --------
    >>> m_coherence(np.eye(3))
    1.0
    """
    rows, _ = _scaled(_rows(samples))
    total = rows.sum(axis=0)
    return float(quotient(total @ total, (rows * rows).sum()))


@np.errstate(all="ignore")
def gradient_diversity(samples: Structure) -> float:
    """Gradient diversity Σ‖g‖²/‖Σg‖²: the inverse of `m_coherence`.

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these

    Returns
    -------
    float
        1/m to ``inf``. ``nan`` where all gradients are 0.

    Notes
    -----
    Source: Yin et al. 2018, arXiv:1706.05699.

    Examples
    --------
    >>> gradient_diversity(np.ones((4, 2)))
    0.25
    """
    rows, _ = _scaled(_rows(samples))
    total = rows.sum(axis=0)
    return float(quotient((rows * rows).sum(), total @ total))


def _pair_products(rows: Array) -> Array:
    """Inner products of each pair of different rows."""
    return np.asarray((rows @ rows.T)[np.triu_indices(len(rows), 1)])


@np.errstate(all="ignore")
def stiffness(samples: Structure, kind: Literal["cosine", "sign"] = "cosine") -> float:
    """Stiffness: the mean over pairs of different samples of cos(gᵢ, g_k), or of its sign.

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these
        At least 2. Takes m² numbers.
    kind : {"cosine", "sign"}

    Returns
    -------
    float
        −1 to 1.

    Raises
    ------
    InputError
        If there are fewer than 2 samples, or another kind is asked for.

    Notes
    -----
    Source: Fort et al. 2019, arXiv:1901.09491. A gradient of 0 counts as 0.

    Examples
    --------
    >>> g = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> round(stiffness(g), 4), stiffness(g, "sign")
    (0.7071, 1.0)
    """
    if kind not in ("cosine", "sign"):
        raise InputError(f"kind is {kind!r}; expected 'cosine' or 'sign'")
    rows = np.stack([_scaled(row)[0] for row in _rows(samples, 2)])  # squares stay in range
    norms = np.linalg.norm(rows, axis=1)
    cosines = _pair_products(rows / np.where(norms == 0, 1, norms)[:, None])
    return float((np.sign(cosines) if kind == "sign" else cosines).mean())


@np.errstate(all="ignore")
def gradient_confusion(samples: Structure) -> float:
    """Gradient confusion: the least η ≥ 0 with gᵢ·g_k ≥ −η for all pairs of different samples.

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these
        At least 2. Takes m² numbers.

    Returns
    -------
    float
        0 or more, in the units of gradient².

    Raises
    ------
    InputError
        If there are fewer than 2 samples.
    RangeError
        If it leaves the range of float64.

    Notes
    -----
    Source: Sankararaman et al. 2020, arXiv:1904.06963.

    Examples
    --------
    >>> gradient_confusion(np.array([[1.0, 0.0], [-2.0, 1.0]]))
    2.0
    """
    rows, exponent = _scaled(_rows(samples, 2))
    scaled = max(0.0, -float(_pair_products(rows).min()))
    with np.errstate(over="ignore", under="ignore"):
        confusion = float(np.ldexp(scaled, 2 * exponent))
    if not np.isfinite(confusion) or (scaled > 0 and confusion == 0):
        raise RangeError(
            "the products of gradients leave the range of float64; rescale the gradients"
        )
    return confusion


@np.errstate(all="ignore")
def sign_agreement(samples: Structure) -> float:
    """Mean over parameters of q² + (1 − q)², q the share of samples whose gradient is positive.

    Parameters
    ----------
    samples : array_like, shape (m, ...), or dict of these

    Returns
    -------
    float
        1/2, where signs are balanced, to 1: the chance that two samples, drawn with replacement,
        have the same sign. Samples whose gradient is 0 are left out; parameters that have no other
        are too. ``nan`` where none is left.

    Notes
    -----
    Liu et al. (ICLR 2020, section 3) report a rise from about 50 % to about 56 % and do not define
    the figure; this definition has their 50 % baseline.

    Examples
    --------
    >>> sign_agreement(np.array([[1.0, 1.0], [2.0, -1.0]]))
    0.75
    """
    rows = _rows(samples)
    positive, negative = (rows > 0).sum(axis=0), (rows < 0).sum(axis=0)
    counted = positive + negative
    alive = counted > 0
    if not alive.any():
        return float("nan")
    q = positive[alive] / counted[alive]
    return float((q * q + (1 - q) ** 2).mean())


@np.errstate(all="ignore")
def sample_agreement(samples: Structure) -> Array:
    """Agreement of each sample with the others: u_i = g_i·Σ_{k≠i} g_k/(n − 1) (4.9).

    Parameters
    ----------
    samples : array_like, shape (n, ...), or dict of these
        Per-sample gradients, at least 2.

    Returns
    -------
    ndarray, shape (n,)
        In the units of gradient². The mean over i is the debiased ‖g̃‖²; exact numbers stay exact.
        Samples with wrong labels have small ones early in training.

    Raises
    ------
    InputError
        If there are fewer than 2 samples.

    Notes
    -----
    Where a population is a mixture of classes z (true and wrong labels) with mean gradients g̃_z,
    and g̃ is the mean of all, the expected u_i of a sample of class z is g̃_z·g̃, at parameters that
    are independent of the samples.

    Examples
    --------
    >>> sample_agreement(np.array([[1.0], [2.0], [-3.0]]))  # 1·(2 − 3)/2, ...
    array([-0.5, -2. , -4.5])
    """
    rows = flat_rows(check_samples(samples, 2))
    rows = rows if is_exact(rows) else rows.astype(float)
    others = rows.sum(axis=0) - rows  # Σ_{k≠i} g_k
    return np.asarray((rows * others).sum(axis=1) / (len(rows) - 1))  # 4.9


@np.errstate(all="ignore")
def evidence_criterion(moments: GradientMoments) -> float:
    """Evidence-based criterion 1 − mean_j(n ḡ_j²/s_j²): stop training once it is positive.

    Parameters
    ----------
    moments : GradientMoments
        Of n ≥ 2 independent samples.

    Returns
    -------
    float
        Positive where the mean gradient is no larger than its noise: GSNR, as a plug-in, is below
        1/n on average. Parameters whose sample variance is 0 are left out; ``nan`` if none is left.

    Raises
    ------
    InputError
        If there are fewer than 2 samples.

    Notes
    -----
    Source: Mahsereci et al. 2017, arXiv:1703.09580. The plug-in GSNR appears here as it
    is: under no signal n ḡ²/s² has a mean of about 1.

    Examples
    --------
    >>> moments = GradientMoments.from_samples(np.array([[1.0], [3.0]]))  # n ḡ²/s² = 2·4/2
    >>> evidence_criterion(moments)
    -3.0
    """
    ratios = flat(gsnr(moments, ddof=1))
    alive = flat(moments.variance(ddof=1)) > 0
    if not alive.any():
        return float("nan")
    return float(1 - (moments.count * ratios[alive]).mean())
