"""What moments are made of, checked. Imports ``contract`` and ``moments/sums``."""

import warnings
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Number,
    PrecisionWarning,
    RangeError,
    Structure,
    as_array,
    check_finite,
    is_exact,
    named_leaves,
    numbers_like,
)
from gsnr_ref.moments.sums import SMALLEST, Sums

#: A sum of squared deviations below this, per sample, may have lost its tenth digit to underflow.
_PRECISE_FROM = 1e10 * SMALLEST


def checked_weights(weights: Any, n_samples: int) -> Array | None:
    """Weights, shape (n_samples,), if they are given: float64, or exact numbers; none below 0."""
    if weights is None:
        return None
    array = as_array("weights", weights)
    if not is_exact(array):  # sums of bool, uint8 or float16 wrap round or overflow
        array = array.astype(np.float64)
    if array.shape != (n_samples,):
        raise InputError(f"weights has shape {array.shape}; expected ({n_samples},)")
    check_finite("weights", array)
    if not (array >= 0).all():
        raise InputError(f"weights has minimum {array.min()}; expected none below 0")
    return array


def weights_like(samples: Array, weights: Array | None) -> Array | None:
    """Checked weights as exact numbers beside exact samples, as float64 beside others."""
    if weights is None or is_exact(samples):
        return None if weights is None else numbers_like(samples, weights)
    return weights.astype(np.float64, copy=False)


def are_counts(weights: Array | None) -> bool:
    """Tell whether weights can count samples: all whole. Others make a population."""
    return weights is None or bool((weights == np.floor(weights)).all())


def total_weight(weights: Array, exact: bool) -> Number:
    """Sum of the weights, as a number of Python's: an int where all are whole.

    Beside exact samples it is exact, beside others a float: what they are divided by.
    """
    if are_counts(weights):
        return int(weights.sum())
    return sum(map(Fraction, weights.tolist())) if exact else float(weights.sum())


def checked_total(count: Any) -> Number:
    """Count of samples, or sum of their weights, as a number of Python's."""
    if isinstance(count, np.generic):
        count = count.item()
    number: Any = count if isinstance(count, Real) and not isinstance(count, bool) else -1
    if not 0 <= number < float("inf"):
        raise InputError(f"count is {count!r}; expected 0 or more, and finite")
    return number


def checked_sums(mean: Array, m2: Array) -> Sums:
    """Sums from copies of their parts, in float64 where they are not exact."""
    check_finite("mean", mean)
    check_finite("m2", m2)
    mean, m2 = (np.array(a, object if is_exact(a) else np.float64) for a in (mean, m2))
    if mean.shape != m2.shape or not (m2 >= 0).all():
        raise InputError(
            f"mean has shape {mean.shape} and m2 {m2.shape}; expected the same shape, "
            "and no m2 below 0"
        )
    zeros = np.zeros_like(m2)
    return Sums(mean, zeros, m2, zeros)


def check_same_shape(one: Sums, other: Sums) -> None:
    """Refuse to merge sums of different parameters."""
    if one.mean.shape != other.mean.shape:
        raise InputError(f"shapes differ: {one.mean.shape} against {other.mean.shape}")


def check_range(count: Number, sums: Structure) -> None:
    """Say so where squares have left the range of float64."""
    for name, s in named_leaves(sums):
        if is_exact(s.m2):
            continue
        if not np.isfinite(s.m2).all():
            raise RangeError(
                f"the squared gradients of {name!r} exceed float64; rescale the loss "
                "(GSNR and OSGR do not change with the scale of the loss)"
            )
        if n_lost := int(np.count_nonzero((s.m2 > 0) & (s.m2 < max(1, count) * _PRECISE_FROM))):
            warnings.warn(
                f"squared deviations of {n_lost} gradients of {name!r} underflow float64, and "
                "their variance and GSNR have lost digits; rescale the loss "
                "(GSNR and OSGR do not change with the scale of the loss)",
                PrecisionWarning,
                stacklevel=4,
            )
