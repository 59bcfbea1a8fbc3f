"""Intervals from an estimate's values without each sample. Imports ``student``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gsnr_ref.student import student_quantile

#: With fewer degrees of freedom the variance rests on a few samples.
FEW_DEGREES = 5


def jackknife_variance(without: NDArray[Any]) -> Any:
    """Variance of an estimate: (m − 1)/m · Σ(vᵢ − v̄)², with vᵢ its value without sample i.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 6.0])  # of the mean it is s²/m, here 7/3
    >>> float(round(jackknife_variance((x.sum() - x) / 2), 12))
    2.333333333333
    """
    m = len(without)
    return (m - 1) ** 2 / m * without.var(axis=0, ddof=1)


def widened_interval(
    estimate: Any, without: NDArray[Any], variance: Any, confidence: float
) -> tuple[Any, Any, Any]:
    """Student's interval, wider where a few samples carry the variance or the tails differ.

    Sample i moves the estimate by about ψᵢ = v̄ − vᵢ. From the ψ come

    - the degrees of freedom that their variance has, 2m/(kurtosis − 1) after Satterthwaite: m for
      Gaussian ψ, 2 where one sample stands out;
    - Hall's correction for their skewness, (2q² + 1)/(6√m) · skewness standard errors, at the end
      that it moves outwards, and for what is beyond two standard errors of a Gaussian skewness.

    Returns
    -------
    low, high, degrees
        The last are the degrees of freedom.

    Notes
    -----
    Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992).

    Examples
    --------
    >>> x = np.array([-1.0, 0.0, 1.0, 0.0, 9.0])
    >>> without = (x.sum() - x) / 4
    >>> low, high, degrees = widened_interval(x.mean(), without, jackknife_variance(without), 0.95)
    >>> round(float(degrees), 1)
    4.0
    """
    m = len(without)
    moves = without.mean(axis=0) - without  # ψ
    squares = (moves**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        kurtosis = m * (moves**4).sum(axis=0) / squares**2
        skewness = np.sqrt(m) * (moves**3).sum(axis=0) / squares**1.5
        degrees = np.fmin(np.fmax(2 * m / (kurtosis - 1), 1), m - 1)
    quantile = student_quantile(confidence, degrees)
    beyond = np.sign(skewness) * np.fmax(abs(skewness) - 2 * np.sqrt(6 / m), 0)
    shift = (2 * quantile**2 + 1) / (6 * np.sqrt(m)) * beyond
    error = np.sqrt(variance)
    low = estimate - (quantile + np.fmax(-shift, 0)) * error
    return low, estimate + (quantile + np.fmax(shift, 0)) * error, degrees
