"""Intervals from an estimate's values without each sample. Imports nothing of the package."""

from typing import Any

from numpy.typing import NDArray
from scipy.special import stdtrit


def jackknife_variance(without: NDArray[Any]) -> Any:
    """Variance of an estimate: (m − 1)/m · Σ(vᵢ − v̄)², with vᵢ its value without sample i.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 6.0])  # of the mean it is s²/m, here 7/3
    >>> float(round(jackknife_variance((x.sum() - x) / 2), 12))
    2.333333333333
    """
    m = len(without)
    return (m - 1) ** 2 / m * without.var(axis=0, ddof=1)


def student_quantile(confidence: float, degrees: int) -> float:
    """Half-width of an interval in standard errors: the quantile of Student's t at (1 + C)/2.

    Examples
    --------
    >>> round(student_quantile(0.95, 1), 3)  # tan(0.95·π/2)
    12.706
    """
    return float(stdtrit(degrees, (1 + confidence) / 2))
