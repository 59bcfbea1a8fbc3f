"""Mean and sum of squared deviations of arrays, with every digit that float64 allows.

Imports nothing of the package. A `Sums` holds two words for each number, like double-double
arithmetic: a value and its rounding remainder. So pieces can be merged in any order, and a mean of
1e7 does not blur a deviation of 0.1. Exact numbers (``fractions.Fraction``) pass through exactly:
their remainders are zero.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SMALLEST = np.finfo(np.float64).smallest_subnormal
#: Numbers taken at a time: two megabytes in float64, which stay in cache.
BLOCK = 2**18
_ROWS = 256  # at least, if there are as many: what a merge costs is little beside them
_PARTS = 32


class Sums(NamedTuple):
    """Mean and sum of squared deviations (m2) over samples, each with its rounding remainder.

    Attributes
    ----------
    mean, mean_remainder, m2, m2_remainder : ndarray, all of one shape
    """

    mean: Array
    mean_remainder: Array
    m2: Array
    m2_remainder: Array

    def merge(self, count: Any, other: "Sums", other_count: Any) -> "Sums":
        """Merge with the sums of further samples (Chan, Golub and LeVeque 1979)."""
        if other_count > count:  # the mean of the larger set moves less, and is rounded less
            return other.merge(other_count, self, count)
        total = count + other_count
        delta, low = two_sum(other.mean, -self.mean)
        delta = delta + (low + (other.mean_remainder - self.mean_remainder))
        mean, low = two_sum(self.mean, delta * other_count / total)
        between = (delta * count / total) * (delta * other_count)
        m2, m2_low = two_sum(self.m2, other.m2)
        m2, between_low = two_sum(m2, between)
        return Sums(
            *two_sum(mean, low + self.mean_remainder),
            *two_sum(m2, m2_low + between_low + self.m2_remainder + other.m2_remainder),
        )


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b, rounded, and what the rounding took (Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def pairwise_sum(terms: Array) -> Any:
    """Sum along the first axis with an error that grows as log2 of its length.

    A term goes through at most log2(n) + 31 additions: those of 32 parts of the rows one after the
    other, which is fast, and then of halves.
    """
    n_rows = len(terms) // _PARTS
    if n_rows > 1:  # one row of one number would be summed in another order
        parts = terms[: _PARTS * n_rows].reshape(_PARTS, n_rows, *terms.shape[1:]).sum(axis=0)
        rest = terms[_PARTS * n_rows :]
        terms = np.concatenate([parts, rest]) if len(rest) else parts
    while len(terms) > 1:
        half = len(terms) // 2
        paired = terms[:half] + terms[half : 2 * half]
        if len(terms) % 2:
            paired[-1] = paired[-1] + terms[-1]
        terms = paired
    return terms[0]


def empty_sums(shape: tuple[int, ...], dtype: Any = np.float64) -> Sums:
    """Sums of no samples: float64, or exact where the samples would be."""
    zeros = np.zeros(shape, np.result_type(dtype, np.float64))
    return Sums(zeros, zeros, zeros, zeros)


def two_pass_sums(
    samples: Array, weights: Array | None = None, memory: Array | None = None
) -> Sums:
    """Sums along the first axis by two passes over the samples.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, ...), n_samples >= 1
    weights : ndarray, shape (n_samples,), optional
        Positive.
    memory : ndarray, shape (at least n_samples, ...), optional
        Of the samples' dtype if they are exact, else float64: overwritten, so that many calls need
        no memory of their own.

    Notes
    -----
    All samples are first shifted by the heaviest of them, so that equal samples have deviations of
    exactly 0. That also keeps the mean's rounding out of m2: with w the largest weight,
    w·shift² ≤ m2, so the rounding e of the shift is at most u·d·√(m2·(n + 1)/Σw), for sums of
    depth d = log2(n) + 31 (`pairwise_sum`), and the Σw·e² that it adds is less than a rounding of
    m2 as long as n·d² < 1/u = 2⁵³. Without weights m2 is right to a relative (2√(n + 1) + 2d + 3)u.
    What rounding took from the shift is the mean of the deviations, and is given back: the mean is
    out by no more than (√(n + 1) + 2d + 3)u·√(m2/n) and its own rounding, however much of it
    cancels.

    Examples
    --------
    >>> sums = two_pass_sums(np.array([1e8 + 1, 1e8 + 2, 1e8 + 3]))
    >>> float(sums.mean), float(sums.m2)
    (100000002.0, 2.0)
    """

    def total(terms: Array) -> Any:
        if weights is None:
            return pairwise_sum(terms)
        return pairwise_sum(weights.reshape(-1, *(1,) * (terms.ndim - 1)) * terms)

    count: Any = len(samples) if weights is None else pairwise_sum(weights)
    heaviest = 0 if weights is None else np.argmax(weights)
    deviations = _memory(samples.shape, samples.dtype) if memory is None else memory[: len(samples)]
    deviations[...] = samples
    origin = np.array(deviations[heaviest])
    deviations -= origin
    shift = total(deviations) / count
    deviations -= shift
    mean, remainder = two_sum(origin, shift)
    mean, remainder = two_sum(mean, remainder + total(deviations) / count)
    deviations *= deviations
    m2 = np.asarray(total(deviations))  # exact samples of one number sum to no array
    if m2.dtype != object and (zero := m2 <= 0).any():  # seldom, and the look at all is dear
        lost = zero & (samples != samples[heaviest]).any(axis=0)
        m2 = np.where(lost, SMALLEST, m2)  # squares that underflow: tiny, but never zero
    return Sums(np.asarray(mean), np.asarray(remainder), np.asarray(m2), np.zeros_like(m2))


def _memory(shape: tuple[int, ...], dtype: Any) -> Array:
    """Room for samples of a dtype: as exact numbers, or in float64."""
    return np.empty(shape, object if np.dtype(dtype).hasobject else np.float64)


def block_sums(samples: Array, weights: Array | None = None) -> Sums:
    """`two_pass_sums` of blocks of samples and parameters, merged: no copy of all is made.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, ...), n_samples >= 1
    weights : ndarray, shape (n_samples,), optional
        Not negative, and not all 0.

    Examples
    --------
    >>> sums = block_sums(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 2.0]))
    >>> float(sums.mean), float(sums.m2)
    (3.0, 6.0)
    """
    table = samples.reshape(len(samples), -1)
    n_rows = max(_ROWS, BLOCK // max(1, table.shape[1]))
    n_columns = max(1, BLOCK // min(n_rows, len(table)))
    starts = range(0, max(1, table.shape[1]), n_columns)
    blocks = [_merged(table[:, s : s + n_columns], weights, n_rows) for s in starts]
    shape = samples.shape[1:]
    return Sums(*(np.concatenate(part).reshape(shape) for part in zip(*blocks, strict=True)))


def _merged(table: Array, weights: Array | None, n_rows: int) -> Sums:
    """Sums of the columns of a table, some of its rows at a time."""
    merged, count = empty_sums(table.shape[1:], table.dtype), 0
    memory = _memory((min(n_rows, len(table)), *table.shape[1:]), table.dtype)
    for start in range(0, len(table), n_rows):
        rows = table[start : start + n_rows]
        w = None if weights is None else weights[start : start + n_rows]
        if w is not None and not w.all():
            used = np.flatnonzero(w)
            rows, w = rows[used], w[used]
        if len(rows) == 0:
            continue
        piece, more = two_pass_sums(rows, w, memory), len(rows) if w is None else pairwise_sum(w)
        merged = piece if count == 0 else merged.merge(count, piece, more)
        count = count + more
    return merged
