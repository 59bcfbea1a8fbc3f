"""A ratio of means with its standard error. Imports nothing of the package."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ratio_of_means(numerators: NDArray[Any], denominators: NDArray[Any]) -> tuple[float, float]:
    """Mean of one of two paired samples over the mean of the other, and its standard error.

    The error is that of the delta method: std(a − R·b) / (√n · |mean b|), std over n − 1.

    Examples
    --------
    >>> value, error = ratio_of_means(np.array([0.5, 1.5]), np.array([1.0, 3.0]))
    >>> value, error
    (0.5, 0.0)
    """
    denominator = denominators.mean()
    value = numerators.mean() / denominator
    residuals = numerators - value * denominators
    error = residuals.std(ddof=1) / np.sqrt(len(residuals)) / abs(denominator)
    return float(value), float(error)
