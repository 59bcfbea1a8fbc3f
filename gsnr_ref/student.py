"""Intervals from a standard error, with Student's t. Imports ``contract`` only."""

from typing import Any

from scipy.special import stdtrit

from gsnr_ref.contract import InputError


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence!r}; expected between 0 and 1")


def student_quantile(confidence: float, degrees: Any) -> Any:
    """Half-width of an interval in standard errors: the quantile of Student's t at (1 + C)/2.

    Examples
    --------
    >>> round(float(student_quantile(0.95, 1)), 3)  # tan(0.95·π/2)
    12.706
    """
    return stdtrit(degrees, (1 + confidence) / 2)


def student_interval(
    value: Any, standard_error: float, count: int, confidence: float
) -> tuple[float, float]:
    """Interval around a mean of `count` independent terms, or a ratio of two such means.

    ``nan`` where the error is; `value` twice where it is 0.

    Examples
    --------
    >>> low, high = student_interval(0.5, 0.1, count=10, confidence=0.95)
    >>> round(low, 3), round(high, 3)  # 2.262 standard errors, where the normal quantile is 1.96
    (0.274, 0.726)
    """
    check_confidence(confidence)
    if standard_error == 0:
        return float(value), float(value)
    half = float(student_quantile(confidence, count - 1)) * standard_error
    return float(value - half), float(value + half)
