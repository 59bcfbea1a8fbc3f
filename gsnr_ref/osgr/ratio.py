"""A ratio of means with its standard error. Imports nothing of the package."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def quotient(numerator: Any, denominator: Any) -> Any:
    """Quotient of two numbers, exact where they are: ``inf`` for a/0, ``nan`` for 0/0.

    Examples
    --------
    >>> quotient(1, 4), quotient(1, 0), quotient(0, 0)
    (0.25, inf, nan)
    """
    if denominator == 0:
        return float("nan") if numerator == 0 else float("inf") if numerator > 0 else -float("inf")
    value = numerator / denominator
    return float(value) if isinstance(value, np.floating) else value


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


def jackknifed_ratio(numerators: Sequence[Any], denominators: Sequence[Any]) -> tuple[Any, float]:
    """Sum of one of two paired samples over the sum of the other, and its standard error.

    The error is that of the jackknife, √((M−1)/M · Σ(R₋ᵢ − R̄₋)²) with R₋ᵢ the ratio without pair i:
    ``nan`` for one pair.

    Examples
    --------
    >>> jackknifed_ratio([1, 3], [2, 2])  # without either pair: 3/2 and 1/2
    (1.0, 0.5)
    """
    value = quotient(sum(numerators), sum(denominators))
    count = len(numerators)
    if count == 1:
        return value, float("nan")
    top, bottom = (np.array(column, dtype=float) for column in (numerators, denominators))
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (top.sum() - top) / (bottom.sum() - bottom)
    return value, float(np.sqrt((count - 1) * without.var()))
