"""Mean and sum of squared deviations of products that are never formed.

Imports ``moments/sums``.
"""

import numpy as np

from gsnr_ref.moments.sums import BLOCK, SMALLEST, Array, Sums, pairwise_sum, two_pass_sums, two_sum

#: Worst relative error that `product_sums` accepts in a sum of squared deviations.
TOLERANCE = 1e-10
_ROUNDOFF = np.finfo(np.float64).eps / 2
_ROWS = 500  # samples multiplied at a time, to stay in cache
_NARROWEST = 8  # inputs, where those of a sample are multiplied: narrower products are slow


def product_sums(inputs: Array, deltas: Array, weights: Array | None = None) -> Sums:
    """Sums of the products inputs[i, s] · deltas[i, c] over the samples i, without forming them.

    Parameters
    ----------
    inputs : ndarray, shape (n_samples, n_in)
    deltas : ndarray, shape (n_samples, n_out)
    weights : ndarray, shape (n_samples,), optional
        Positive.

    Returns
    -------
    Sums of shape (n_in, n_out)

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
    >>> sums = product_sums(np.array([[1.0], [3.0]]), np.array([[2.0, 1.0], [2.0, 0.0]]))
    >>> sums.mean, sums.m2
    (array([[4. , 0.5]]), array([[8. , 0.5]]))
    """
    deltas = deltas.astype(np.float64, copy=False)  # the inputs block by block: they are larger
    n_samples = len(inputs)
    total, squares, largest = _sums_and_squares(inputs, deltas, weights)
    mean = total / (n_samples if weights is None else pairwise_sum(weights))
    m2 = squares - total * mean
    n_additions = min(_ROWS, n_samples) + n_samples / _ROWS
    accurate = m2 * TOLERANCE >= (3 * n_additions + 10) * _ROUNDOFF * squares
    underflow = ~(squares * TOLERANCE > n_samples * SMALLEST * (1 + largest))
    if underflow.any():
        rows, columns = _spanned(underflow)
        weighted = deltas if weights is None else deltas * weights[:, None]
        factors = np.take(inputs, rows, axis=1), np.take(weighted, columns, axis=1)
        if not all(_zero_or_normal(f) for f in factors):
            accurate &= ~underflow
    zeros = np.zeros_like(mean)
    if accurate.all():
        return Sums(mean, zeros, m2, zeros)
    sums = np.array([mean, zeros, m2, zeros])
    rows, columns = _spanned(~accurate)
    centred, good = _four_products(inputs, deltas, weights, rows, columns)
    rows = rows[:, None]
    good &= ~accurate[rows, columns]
    sums[:, rows, columns] = np.where(good, centred, sums[:, rows, columns])
    accurate[rows, columns] |= good
    rows, columns = np.nonzero(~accurate)
    size = max(1, BLOCK // n_samples)
    for start in range(0, len(rows), size):
        s, c = rows[start : start + size], columns[start : start + size]
        sums[:, s, c] = two_pass_sums(inputs[:, s] * deltas[:, c], weights)
    return Sums(*sums)


def position_sums(inputs: Array, deltas: Array, weights: Array | None = None) -> Sums:
    """Sums of Σ_p inputs[i, p, s] · deltas[i, p, c] over the samples i: formed some s at a time.

    Parameters
    ----------
    inputs : ndarray, shape (n_samples, n_positions, n_in)
    deltas : ndarray, shape (n_samples, n_positions, n_out)
    weights : ndarray, shape (n_samples,), optional
        Positive.

    Returns
    -------
    Sums of shape (n_in, n_out)

    Examples
    --------
    >>> inputs, deltas = np.array([[[1.0], [2.0]], [[3.0], [1.0]]]), np.ones((2, 2, 1))
    >>> sums = position_sums(inputs, deltas)  # gradients 1 + 2 and 3 + 1
    >>> sums.mean, sums.m2
    (array([[3.5]]), array([[0.5]]))
    """
    size = max(_NARROWEST, BLOCK // (len(inputs) * deltas.shape[2]))
    blocks = [
        two_pass_sums(np.matmul(inputs[:, :, s : s + size].swapaxes(1, 2), deltas), weights)
        for s in range(0, inputs.shape[2], size)
    ]
    return Sums(*map(np.concatenate, zip(*blocks, strict=True)))


def _sums_and_squares(
    inputs: Array, deltas: Array, weights: Array | None
) -> tuple[Array, Array, float]:
    """Σg and Σg², and a bound on the factors' squares."""
    shape = inputs.shape[1], deltas.shape[1]
    total, squares, product = np.zeros(shape), np.zeros(shape), np.empty(shape)
    as_float64, squared = np.empty((2, min(_ROWS, len(inputs)), inputs.shape[1]))
    largest = 1.0
    for start in range(0, len(inputs), _ROWS):
        a, d = inputs[start : start + _ROWS], deltas[start : start + _ROWS]
        if a.dtype != np.float64:
            as_float64[: len(a)] = a
            a = as_float64[: len(a)]
        weighted = d if weights is None else d * weights[start : start + _ROWS, None]
        dd, aa = d * weighted, np.square(a, out=squared[: len(a)])
        total += np.matmul(a.T, weighted, out=product)
        squares += np.matmul(aa.T, dd, out=product)
        largest = max(largest, dd.max(), np.vdot(a, a))
    return total, squares, float(largest)


def _spanned(where: Array) -> tuple[Array, Array]:
    """Rows and columns of a matrix that hold an entry where `where` is true."""
    return np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))


def _zero_or_normal(factors: Array) -> bool:
    """Tell whether only zeros are so small that the square of a product could underflow."""
    factors = factors.astype(np.float64, copy=False)  # in float32, 1e-70 is 0
    return bool(np.count_nonzero(np.abs(factors) < 1e-70) == np.count_nonzero(factors == 0))


def _four_products(
    inputs: Array, deltas: Array, weights: Array | None, rows: Array, columns: Array
) -> tuple[Array, Array]:
    """Sums of some rows and columns through centred factors, and where these are accurate.

    With a = α + ã and d = β + d̃, for constants α and β near the means, the product is ad = αβ + e,
    e = αd̃ + βã + ãd̃. So Σe takes the matrix product ãᵀd̃, and Σe² also ãᵀd̃², (ã²)ᵀd̃ and (ã²)ᵀd̃²:
    m2 = Σe² − (Σe)²/n. By Cauchy-Schwarz the absolute terms of Σe² sum to no more than
    (|α|‖d̃‖ + |β|‖ã‖ + ‖ãd̃‖)², and the rounding error to (3m + 20)u times that.
    """
    w = np.ones(len(inputs)) if weights is None else weights.astype(np.float64)
    count = pairwise_sum(w)
    blocks = [slice(start, start + _ROWS) for start in range(0, len(inputs), _ROWS)]
    alpha = _short(sum(w[b] @ inputs[b][:, rows] for b in blocks) / count)[:, None]
    beta = _short(sum(w[b] @ deltas[b][:, columns] for b in blocks) / count)
    sum_a = sum_aa = sum_d = sum_dd = sum_ad = sum_add = sum_aad = sum_aadd = np.zeros(1)
    for b in blocks:
        a, d = inputs[b][:, rows].T - alpha, deltas[b][:, columns] - beta  # ã and d̃
        if not (_zero_or_normal(a) and _zero_or_normal(d)):
            unknown = np.zeros((len(rows), len(columns)))
            return np.array([unknown] * 4), unknown > 0
        aa, wd = a * a, d * w[b, None]
        wdd = wd * d
        sum_a, sum_aa = sum_a + a @ w[b, None], sum_aa + aa @ w[b, None]
        sum_d, sum_dd = sum_d + wd.sum(axis=0), sum_dd + wdd.sum(axis=0)
        sum_ad, sum_add = sum_ad + a @ wd, sum_add + a @ wdd
        sum_aad, sum_aadd = sum_aad + aa @ wd, sum_aadd + aa @ wdd
    total = alpha * sum_d + beta * sum_a + sum_ad  # Σe
    squares = alpha**2 * sum_dd + beta**2 * sum_aa + sum_aadd  # Σe², the squares of its three terms
    crossed = alpha * beta * sum_ad + alpha * sum_add + beta * sum_aad  # and their products
    m2 = squares + 2 * crossed - total * total / count
    mean, remainder = two_sum(alpha * beta, total / count)
    norms = np.abs(alpha) * np.sqrt(sum_dd) + np.abs(beta) * np.sqrt(sum_aa) + np.sqrt(sum_aadd)
    error = (3 * (_ROWS + len(blocks)) + 20) * _ROUNDOFF * norms**2
    return np.array([mean, remainder, m2, np.zeros_like(m2)]), m2 * TOLERANCE >= error


def _short(values: Array) -> Array:
    """Round to 26 bits (Veltkamp), so that the product of two such numbers is exact."""
    long = values * (2.0**27 + 1)
    return np.asarray(long - (long - values))
