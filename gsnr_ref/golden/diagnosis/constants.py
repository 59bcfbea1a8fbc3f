"""Judges of mistakes with a constant that nobody knows: one constant must explain every value.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity`` and ``diagnosis/derived``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Params, flat, flat_rows, leaves_with_paths, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import Values, from_gradients, shares_of
from gsnr_ref.golden.quantity import QuantityReport, allowed_error, is_close

#: Values agree within this relative distance, or a hundredth of the distance from what is right if
#: that is less, or ten times what a right value may err.
AGREES = {"float64": 1e-9, "float32": 1e-4}
#: A GSNR above this has a variance that is 0 but for rounding: infinite, if rounding leaves a 0.
ENDLESS = 1e24
#: Quantities from which a constant can be inferred.
JUDGED = (
    "losses",
    "per_sample_gradients",
    "mean",
    "variance_ddof0",
    "variance_ddof1",
    "gsnr_ddof0",
    "gsnr_ddof1",
    "reduced_gradient",
)


def arrays_of(case: GoldenCase, report: QuantityReport, values: Any) -> Iterator[tuple[Array, ...]]:
    """Got, made (`values`), right, and the error that a right value may have, array by array."""
    right = dict(leaves_with_paths(case.expected[report.quantity]))
    condition = dict(leaves_with_paths(case.condition[report.quantity]))
    for path, made in leaves_with_paths(values):
        got, want = report.got[path].astype(np.float64), np.asarray(right[path])
        allowed = allowed_error(
            want, np.asarray(condition[path]), report.tolerance, report.quantity
        )
        yield got, np.asarray(made), want, allowed


def comparable(case: GoldenCase, report: QuantityReport) -> bool:
    """Whether the values have the structure and the shapes that are expected."""
    right = dict(leaves_with_paths(case.expected[report.quantity]))
    return {p: g.shape for p, g in report.got.items()} == {p: np.shape(v) for p, v in right.items()}


def meets(case: GoldenCase, report: QuantityReport, values: Any) -> bool:
    """Whether every value is what a mistake makes of it (`values`)."""
    with np.errstate(all="ignore"):
        for got, made, right, allowed in arrays_of(case, report, values):
            scale = np.where(right == 0, 1.0, np.abs(made / right))  # the allowance is relative
            share = np.minimum(AGREES[report.dtype] * np.abs(made), 0.01 * np.abs(made - right))
            same = is_close(got, made, np.fmax(10 * allowed * scale, share))
            if report.quantity.startswith("gsnr"):
                same |= np.minimum(got, made) > ENDLESS
            if not same.all():
                return False
    return True


def agree(case: GoldenCase, report: QuantityReport, values: Any) -> bool:
    """Whether every value is what a mistake makes of it, and is wrong because that is wrong."""
    return meets(case, report, values) and not any(
        (~is_close(got, right, allowed) & is_close(made, right, allowed)).any()
        for got, made, right, allowed in arrays_of(case, report, values)
    )


def needs_more_than_a_factor(case: GoldenCase, report: QuantityReport) -> bool:
    """Whether two values or more are wrong, and neither one factor nor one offset makes them all.

    A constant always explains one value. If all wrong values are off by the same factor, or by the
    same amount, then that says less, and any mistake with a constant could have made them.
    """
    ratios, offsets = [], []
    with np.errstate(all="ignore"):
        for got, _, right, allowed in arrays_of(case, report, case.expected[report.quantity]):
            wrong = ~is_close(got, right, 10 * allowed) & np.isfinite(right) & np.isfinite(got)
            ratios.append((got / right)[wrong])
            offsets.append((got - right)[wrong])
    ratio, offset = np.concatenate(ratios), np.concatenate(offsets)
    if len(ratio) < 2:
        return False
    apart = 10 * AGREES[report.dtype]
    same_factor = bool(np.isfinite(ratio).all() and np.ptp(ratio) <= apart * np.abs(ratio).max())
    return not same_factor and bool(np.ptp(offset) > apart * np.abs(offset).max())


@dataclass(frozen=True, eq=False)
class Line:
    """Losses and per-sample gradients of the form ``start + constant · slope``.

    Attributes
    ----------
    start, slope : dict of str to ndarray, each of shape (n_samples, *parameter_shape)
    losses : (ndarray, ndarray) or None
        Start and slope of the losses; None where they are the right ones.
    low, high : float
        The constants for which it holds.
    """

    start: Params
    slope: Params
    losses: tuple[Array, Array] | None = None
    low: float = 0.0
    high: float = np.inf

    def at(self, case: GoldenCase, constant: float) -> Values:
        """Losses, gradients, and what follows from these."""
        gradients = map_structure(lambda g, d: g + constant * d, self.start, self.slope)
        values: Values = from_gradients(case, gradients)
        factor = len(case.x) if case.reduction == "sum" else 1
        values["reduced_gradient"] = map_structure(lambda m: m * factor, values["mean"])
        start, slope = self.losses or (case.expected["losses"], 0.0)
        values["losses"] = start + constant * slope
        return values

    def equations(self, case: GoldenCase, report: QuantityReport) -> tuple[Array, Array, Array]:
        """a, b and c of ``a + b·constant + c·constant² = 0``, one equation a value."""
        p, quantity = shares_of(case), report.quantity
        if quantity == "losses":
            start, slope = self.losses or (case.expected["losses"], np.zeros(len(case.x)))
            return start - report.got[()], slope, np.zeros(len(start))
        got = flat({name: report.got[(name,)] for name in case.expected[quantity]})
        if quantity == "per_sample_gradients":
            return flat(self.start) - got, flat(self.slope), np.zeros(len(got))
        g, d = flat_rows(self.start), flat_rows(self.slope)
        m, e = p @ g, p @ d
        if quantity in ("mean", "reduced_gradient"):
            factor = len(p) if quantity != "mean" and case.reduction == "sum" else 1
            return m * factor - got, e * factor, np.zeros(len(got))
        bessel = len(p) / (len(p) - 1) if quantity.endswith("ddof1") else 1.0
        v = p @ (g - m) ** 2 * bessel
        cross, w = 2 * (p @ ((g - m) * (d - e))) * bessel, p @ (d - e) ** 2 * bessel
        if quantity.startswith("variance"):
            return v - got, cross, w
        return m * m - got * v, 2 * m * e - got * cross, e * e - got * w  # mean² = GSNR·variance


def roots(a: float, b: float, c: float) -> list[float]:
    """Real solutions of a + b·t + c·t² = 0; of a + b·t = 0 where a·c is 0 or rounds to it.

    Examples
    --------
    >>> roots(-6.0, 1.0, 1.0), roots(-6.0, 2.0, 0.0)
    ([-3.0, 2.0], [3.0])
    """
    if c == 0 or a * c == 0:
        return [-a / b] if b != 0 else []
    square = b * b - 4 * a * c
    if not square >= 0:
        return []
    q = -(b + np.copysign(np.sqrt(square), b)) / 2
    return [float(q / c), *([float(a / q)] if q != 0 else [])]


class OneConstant:
    """A judge that infers the constant of a mistake and requires that it explain every value.

    Parameters
    ----------
    lines : callable
        ``lines(case, report)`` -> each `Line` on which the values of a quantity can lie.
    """

    def __init__(self, lines: Callable[[GoldenCase, QuantityReport], Iterable[Line]]) -> None:
        self.lines = lines

    def __call__(self, case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
        """Whether one constant explains every value, and two values or more support it."""
        supported = comparable(case, report) and needs_more_than_a_factor(case, report)
        return supported and self.can_make(case, report, tolerance)

    def can_make(self, case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
        """Whether one constant explains every value: one value alone is always explained."""
        return bool(self.constants(case, report))

    def constant(
        self, case: GoldenCase, report: QuantityReport, tolerance: float
    ) -> tuple[float, float]:
        """The least and the largest constant that explains every value; (inf, 0) if none does.

        As far apart as the digits leave it open. The constant of a backend is the same everywhere.
        """
        found, open_by = self.constants(case, report), 100 * AGREES[report.dtype]
        if not found:
            return (np.inf, 0.0)
        return (min(found) * (1 - open_by), max(found) * (1 + open_by))

    def constants(self, case: GoldenCase, report: QuantityReport) -> list[float]:
        """Constants that explain every value of a quantity: none, or nearly always one."""
        if not comparable(case, report):
            return []
        with np.errstate(all="ignore"):
            return [
                constant
                for line in self.lines(case, report)
                for constant in _candidates(line, case, report)
                if agree(case, report, line.at(case, constant)[report.quantity])
            ]


def _candidates(line: Line, case: GoldenCase, report: QuantityReport) -> Iterator[float]:
    """Constants that the values with the clearest errors give."""
    a, b, c = (np.ravel(v) for v in line.equations(case, report))
    excess = [
        np.ravel(np.abs(got - right) / np.maximum(allowed, 5e-324))
        for got, _, right, allowed in arrays_of(case, report, case.expected[report.quantity])
    ]
    changes = np.abs(b) + np.abs(c) > 0
    clearness = changes * np.nan_to_num(np.concatenate(excess))
    for k in np.argsort(-clearness)[:1]:
        if clearness[k] > 0:
            for root in roots(float(a[k]), float(b[k]), float(c[k])):
                if line.low < root <= line.high * (1 + 1e-9):
                    yield root
    if report.quantity.startswith("gsnr") and not flat(line.start).any():
        yield from (1e-9 * line.high, line.high)  # a factor of all gradients: any will do
