"""Mean and sum of squared deviations of arrays, with every digit that float64 allows.

Imports NumPy only. A `Sums` holds two words for each number, like double-double arithmetic: a
value and its rounding remainder. So pieces can be merged in any order, and a mean of 1e7 does not
blur a deviation of 0.1. Exact numbers (``fractions.Fraction``) pass through exactly: their
remainders are zero.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Worst relative error that `product_sums` accepts in a sum of squared deviations.
TOLERANCE = 1e-10
_ROUNDOFF = np.finfo(np.float64).eps / 2
_SMALLEST = np.finfo(np.float64).smallest_subnormal
_ROWS = 1000  # samples squared at a time by `_sums_and_squares`
_BLOCK = 500_000  # numbers formed at a time by `_two_pass_products`: 4 MB


@dataclass(frozen=True)
class Sums:
    """Mean and sum of squared deviations (m2) over samples, each with its rounding remainder.

    Attributes
    ----------
    mean, mean_remainder, m2, m2_remainder : ndarray, all of one shape
    """

    mean: Array
    mean_remainder: Array
    m2: Array
    m2_remainder: Array

    def __getitem__(self, index: Any) -> "Sums":
        """Sums of some of the entries."""
        return Sums(*(np.asarray(getattr(self, f.name)[index]) for f in fields(self)))

    def merge(self, count: Any, other: Self, other_count: Any) -> "Sums":
        """Merge with the sums of further samples (Chan, Golub and LeVeque 1979)."""
        total = count + other_count
        delta, low = _two_sum(other.mean, -self.mean)
        delta = delta + (low + (other.mean_remainder - self.mean_remainder))
        mean, low = _two_sum(self.mean, delta * other_count / total)
        between = (delta * count / total) * (delta * other_count)
        m2, m2_low = _two_sum(self.m2, other.m2)
        m2, between_low = _two_sum(m2, between)
        return Sums(
            *_two_sum(mean, low + self.mean_remainder),
            *_two_sum(m2, m2_low + between_low + self.m2_remainder + other.m2_remainder),
        )


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b, rounded, and what the rounding took (Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def _pairwise_sum(terms: Array) -> Any:
    """Sum along the first axis with an error that grows as log2 of its length."""
    while len(terms) > 1:
        half = len(terms) // 2
        paired = terms[:half] + terms[half : 2 * half]
        if len(terms) % 2:
            paired[-1] = paired[-1] + terms[-1]
        terms = paired
    return terms[0]


def empty_sums(shape: tuple[int, ...], dtype: Any = np.float64) -> Sums:
    """Sums of no samples."""
    zeros = np.zeros(shape, dtype)
    return Sums(zeros, zeros, zeros, zeros)


def two_pass_sums(samples: Array, weights: Array | None = None) -> Sums:
    """Sums along the first axis by two passes over the samples.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, ...), n_samples >= 1
    weights : ndarray, shape (n_samples,), optional
        Positive.

    Notes
    -----
    All samples are first shifted by the heaviest of them, so that equal samples have deviations of
    exactly 0. The term that is subtracted from m2 removes the rounding of the mean.

    Examples
    --------
    >>> sums = two_pass_sums(np.array([1e8 + 1, 1e8 + 2, 1e8 + 3]))
    >>> float(sums.mean), float(sums.m2)
    (100000002.0, 2.0)
    """
    if not is_float_or_exact(samples):
        samples = samples.astype(np.float64)

    def total(terms: Array) -> Any:
        if weights is None:
            return _pairwise_sum(terms)
        return _pairwise_sum(weights.reshape(-1, *(1,) * (terms.ndim - 1)) * terms)

    count: Any = len(samples) if weights is None else _pairwise_sum(weights)
    origin = samples[0 if weights is None else np.argmax(weights)]
    shifted = samples - origin
    shift = total(shifted) / count
    deviations = shifted - shift
    residue = total(deviations)
    m2 = total(deviations * deviations) - residue * residue / count
    mean, remainder = _two_sum(origin, shift)
    if m2.dtype != object and (lost := (m2 <= 0) & deviations.any(axis=0)).any():
        m2 = np.where(lost, _SMALLEST, m2)  # squares that underflow: tiny, but never zero
    return Sums(np.asarray(mean), np.asarray(remainder), np.asarray(m2), np.zeros_like(m2))


def is_float_or_exact(array: Array) -> bool:
    """Tell whether an array can be summed as it is: float64, or exact numbers."""
    return bool(array.dtype == np.float64 or array.dtype == object)


def product_sums(inputs: Array, deltas: Array, weights: Array | None = None) -> tuple[Sums, Sums]:
    """Sums of the products inputs[i, s] · deltas[i, c] over i without forming them, and of deltas.

    Parameters
    ----------
    inputs : ndarray, shape (n_samples, n_in)
    deltas : ndarray, shape (n_samples, n_out)
    weights : ndarray, shape (n_samples,), optional
        Positive.

    Returns
    -------
    products : Sums of shape (n_in, n_out)
    deltas : Sums of shape (n_out,)

    Notes
    -----
    Σg and Σg² are two matrix products, and m2 = Σg² − (Σg)²/n. The rounding error of this
    difference is at most (3m + 10)u Σg², with u = 2⁻⁵³ and m the number of additions that a term
    goes through (a block's rows in any order, then the blocks), plus what underflow takes from the
    squares. Where that could exceed `TOLERANCE` of m2, inputs and deltas are centred first
    (`_four_products`); where that is not accurate enough either, the products are formed after all
    and taken through `two_pass_sums`.

    Examples
    --------
    >>> products, _ = product_sums(np.array([[1.0], [3.0]]), np.array([[2.0, 1.0], [2.0, 0.0]]))
    >>> products.mean, products.m2
    (array([[4. , 0.5]]), array([[8. , 0.5]]))
    """
    deltas = deltas.astype(np.float64, copy=False)  # the inputs block by block: they are larger
    weighted = deltas if weights is None else deltas * weights[:, None]
    squared_deltas = deltas * weighted
    raw = _sums_and_squares(inputs, weighted, squared_deltas)
    products = _mean_and_m2(*raw, inputs, deltas, weighted, weights)
    ones = np.ones((len(inputs), 1))
    raw = (ones.T @ weighted, ones.T @ squared_deltas, max(1.0, raw[2]))
    return products, _mean_and_m2(*raw, ones, deltas, weighted, weights)[0]


def _mean_and_m2(
    total: Array,
    squares: Array,
    largest: float,
    inputs: Array,
    deltas: Array,
    weighted: Array,
    weights: Array | None,
) -> Sums:
    """Mean and m2 from Σg and Σg² where that is accurate, and by costlier routes elsewhere."""
    n_samples = len(inputs)
    mean = total / (n_samples if weights is None else _pairwise_sum(weights))
    m2 = squares - total * mean
    n_additions = min(_ROWS, n_samples) + n_samples / _ROWS
    accurate = m2 * TOLERANCE >= (3 * n_additions + 10) * _ROUNDOFF * squares
    doubtful = ~(squares * TOLERANCE > n_samples * _SMALLEST * (1 + largest))
    if doubtful.any():
        rows, columns = (np.flatnonzero(doubtful.any(axis=axis)) for axis in (1, 0))
        if not (
            _zero_or_normal(np.take(inputs, rows, axis=1))
            and _zero_or_normal(np.take(weighted, columns, axis=1))
        ):
            accurate &= ~doubtful
    sums = Sums(mean, np.zeros_like(mean), m2, np.zeros_like(m2))
    if not accurate.all():
        accurate |= _four_products(sums, ~accurate, inputs, deltas, weights)
    if not accurate.all():
        _two_pass_products(sums, ~accurate, inputs, deltas, weights)
    return sums


def _sums_and_squares(
    inputs: Array, deltas: Array, squared_deltas: Array
) -> tuple[Array, Array, float]:
    """Σg and Σg², and a bound on the factors' squares; block by block, to stay in cache."""
    total, squares = np.zeros(
        (2, deltas.shape[1], inputs.shape[1])
    )  # transposed: BLAS is faster so
    buffer = np.empty((min(_ROWS, len(inputs)), inputs.shape[1]))
    product = np.empty_like(total)
    largest = squared_deltas.max()
    for start in range(0, len(inputs), _ROWS):
        rows = slice(start, start + _ROWS)
        block = inputs[rows].astype(np.float64, copy=False)
        squared_inputs = np.square(block, out=buffer[: len(block)])
        total += np.matmul(deltas[rows].T, block, out=product)
        squares += np.matmul(squared_deltas[rows].T, squared_inputs, out=product)
        largest = max(largest, np.vdot(block, block))
    return np.ascontiguousarray(total.T), np.ascontiguousarray(squares.T), float(largest)


def _zero_or_normal(factors: Array) -> bool:
    """Tell whether only zeros are so small that the square of a product could underflow."""
    return bool(np.count_nonzero(np.abs(factors) < 1e-70) == np.count_nonzero(factors == 0))


def _four_products(
    sums: Sums, where: Array, inputs: Array, deltas: Array, weights: Array | None
) -> Array:
    """Replace the sums at the entries `where` through centred factors; tell where that is accurate.

    With a = α + ã and d = β + d̃ for constants α and β (here the means), the deviation of a·d from
    αβ is e = αd̃ + βã + ãd̃. So Σe takes the product ãᵀd̃, and Σe² also ãᵀd̃², (ã²)ᵀd̃ and (ã²)ᵀd̃²:
    m2 = Σe² − (Σe)²/n. By Cauchy-Schwarz the absolute terms of Σe² sum to no more than
    (|α|‖d̃‖ + |β|‖ã‖ + ‖ãd̃‖)², and the rounding error to (3m + 20)u times that.
    """
    accurate = np.zeros_like(where)
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    ones = np.ones(len(inputs)) if weights is None else weights.astype(np.float64)
    count = _pairwise_sum(ones)
    blocks = [slice(start, start + _ROWS) for start in range(0, len(inputs), _ROWS)]
    a_total, d_total = np.zeros(len(rows)), np.zeros(len(columns))
    for b in blocks:
        a_total, d_total = (
            a_total + ones[b] @ inputs[b][:, rows],
            d_total + ones[b] @ deltas[b][:, columns],
        )
    a_mean, d_mean = a_total[:, None] / count, d_total / count
    zeros = np.zeros((len(rows), len(columns)))
    ad, add, aad, aadd = zeros, zeros, zeros, zeros
    a_sum, aa_sum, d_sum, dd_sum = zeros[:, :1], zeros[:, :1], zeros[:1], zeros[:1]
    for b in blocks:
        a = (inputs[b][:, rows].T - a_mean).astype(np.float64, copy=False)
        d = deltas[b][:, columns] - d_mean
        if not (_zero_or_normal(a) and _zero_or_normal(d)):
            return accurate
        w = ones[b, None]
        aa, dd = a * a, d * d * w
        d = d * w
        ad, add, aad, aadd = ad + a @ d, add + a @ dd, aad + aa @ d, aadd + aa @ dd
        a_sum, aa_sum = a_sum + a @ w, aa_sum + aa @ w
        d_sum, dd_sum = d_sum + d.sum(axis=0), dd_sum + dd.sum(axis=0)
    total = a_mean * d_sum + d_mean * a_sum + ad
    squares = (
        (a_mean * a_mean * dd_sum + d_mean * d_mean * aa_sum + aadd)
        + 2 * (a_mean * d_mean * ad + a_mean * add + d_mean * aad)
    )  # fmt: skip
    m2 = squares - total * total / count
    mean, remainder = _two_sum(a_mean * d_mean, total / count)
    worst = (
        np.abs(a_mean) * np.sqrt(dd_sum) + np.abs(d_mean) * np.sqrt(aa_sum) + np.sqrt(aadd)
    ) ** 2
    error = (3 * (_ROWS + len(blocks)) + 20) * _ROUNDOFF * worst
    # The mean is rounded once: more than 1e5 standard deviations away, that blurs a merge.
    good = (m2 * TOLERANCE >= error) & (mean * mean * count <= 1e10 * m2)
    good &= where[np.ix_(rows, columns)]
    s, c = rows[np.nonzero(good)[0]], columns[np.nonzero(good)[1]]
    replacement = (mean, remainder, m2, np.zeros_like(m2))
    for field, values in zip(fields(sums), replacement, strict=True):
        getattr(sums, field.name)[s, c] = values[good]
    accurate[s, c] = True
    return accurate


def _two_pass_products(
    sums: Sums, where: Array, inputs: Array, deltas: Array, weights: Array | None
) -> None:
    """Replace the sums at the entries `where` by those of the products, formed block by block."""
    rows, columns = np.nonzero(where)
    block = max(1, _BLOCK // len(inputs))
    for start in range(0, len(rows), block):
        s, c = rows[start : start + block], columns[start : start + block]
        exact = two_pass_sums(inputs[:, s] * deltas[:, c], weights)
        for field in fields(sums):
            getattr(sums, field.name)[s, c] = getattr(exact, field.name)
