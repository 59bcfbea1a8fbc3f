"""One quantity of a backend against the golden values of a case: digits, worst element, verdict.

Imports ``contract``, ``golden/case`` and ``golden/layouts``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, InputError, as_array, leaves_with_paths
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.layouts import check_layout, param_from

#: Keys that lead to an array of a quantity: its parameter, or n, or both.
Keys = tuple[str, ...]
ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
#: A value whose allowed error is more than this share of it is not decided: it is asked to be
#: finite, within the allowance, and of the right sign where its quantity has one.
UNDECIDED = 0.1
#: Squares, and ratios of squares: never below 0, and at 0 of second order in any error.
SQUARES = frozenset(
    {
        "losses",
        "reduced_loss",
        "variance_ddof0",
        "variance_ddof1",
        "gsnr_ddof0",
        "gsnr_ddof1",
        "osgr_weights",
        "predicted_osgr",
        "noise_scale",
        "coherence",
    }
)


@dataclass(frozen=True)
class Element:
    """One value of a quantity against what is expected.

    Attributes
    ----------
    path : tuple of str
        Keys below the quantity: parameter, or n, or both.
    index : tuple of int
    got, expected, allowed : float
        `allowed` is the absolute error that passes.

    Examples
    --------
    >>> Element(("layer1.weight",), (2, 0), 64.0, 1.0, 1e-14).ratio
    64.0
    """

    path: Keys
    index: tuple[int, ...]
    got: float
    expected: float
    allowed: float

    @property
    def ratio(self) -> float:
        """got / expected."""
        with np.errstate(all="ignore"):
            return float(np.float64(self.got) / np.float64(self.expected))

    def __str__(self) -> str:
        place = "".join(f"[{key!r}]" for key in self.path)
        place += str(list(self.index)) if self.index else ""
        ratio = f"{self.ratio:.12g}"
        ratio = f"ratio {ratio}, " if self.expected and ratio != "1" else ""
        return (
            f"{place}: got {self.got!r}, expected {self.expected!r}, {ratio}"
            f"error {abs(self.got - self.expected):.2g}, allowed {self.allowed:.2g}"
        )


@dataclass(frozen=True, eq=False)
class QuantityReport:
    """What became of one quantity.

    Attributes
    ----------
    quantity : str
    dtype : {"float64", "float32", ""}
        In which it was computed; empty where it is missing and no dtype was declared.
    tolerance : float
        For this dtype, or instead of it; 0 where there is no dtype.
    n_values, n_wrong, n_undecided : int
        Undecided values passed, and are so sensitive to rounding in this dtype that it says little.
    digits : float
        Correct decimal digits of the worst decided value; 0 where none is right, nan where no
        value has digits: each is undecided, or 0 within its allowed error.
    worst : Element or None
        The element that exceeds its allowed error the most, of those that fail; None if none does.
    problem : str
        Why the values could not be compared: missing, of another structure or shape.
    got : dict of path to ndarray
        The values, in this package's layout.
    wrong : dict of path to ndarray of bool
        Which of them are wrong; empty where there is a problem.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("location")
    >>> report = golden.compare(case, case.expected | {"losses": case.expected["losses"] * 2})
    >>> losses = report.quantities[0]
    >>> losses.quantity, losses.passed, losses.n_wrong, losses.worst.ratio
    ('losses', False, 4, 2.0)
    """

    quantity: str
    dtype: str
    tolerance: float
    n_values: int
    n_wrong: int
    n_undecided: int
    digits: float
    worst: Element | None
    problem: str
    got: dict[Keys, Array]
    wrong: dict[Keys, Array] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem and self.n_wrong == 0

    @property
    def counts(self) -> str:
        """How many values are wrong and undecided, and the digits that the others have."""
        text = f"{self.n_wrong} of {self.n_values} values wrong"
        text += f", {self.n_undecided} undecided" if self.n_undecided else ""
        if self.worst is not None and self.worst.expected == 0:
            return f"{text}, 0 expected"
        return text + (f", {self.digits:.1f} correct digits" if self.digits >= 0 else "")


def allowed_error(expected: Array, condition: Array, tolerance: float, quantity: str = "") -> Array:
    """Absolute error that passes: tolerance·(1 + condition)·|expected|.

    Where 0 is expected, tolerance·condition, or tolerance²·condition if the quantity is a square.

    Examples
    --------
    >>> allowed_error(np.array([2.0, 0.0]), np.array([4.0, 3.0]), 0.25)
    array([2.5 , 0.75])
    >>> allowed_error(np.array([2.0, 0.0]), np.array([4.0, 3.0]), 0.25, "losses")
    array([2.5   , 0.1875])
    """
    at_zero = tolerance**2 if quantity in SQUARES else tolerance
    with np.errstate(invalid="ignore"):
        relative = tolerance * (1 + condition) * np.abs(expected)
        return np.asarray(np.where(expected == 0, at_zero * condition, relative))


def is_right(quantity: str, got: Array, expected: Array, allowed: Array) -> Array:
    """Tell element by element what passes: close enough, and no square below 0."""
    close = is_close(got, expected, allowed)
    return close & ~(got < 0) if quantity in SQUARES else close


def is_close(got: Array, expected: Array, allowed: Array) -> Array:
    """Tell element by element; inf and nan have to be met exactly."""
    with np.errstate(invalid="ignore"):
        near = np.abs(got - expected) <= allowed
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.asarray(np.where(np.isfinite(expected), near, same))


def read(case: GoldenCase, quantity: str, result: Any, layout: str) -> dict[Keys, Any]:
    """A backend's values of a quantity as arrays in our layout, by path."""
    arrays = {}
    for path, leaf in leaves_with_paths(result):
        if leaf is None:
            raise InputError(f"{_name(quantity, path)} is null; expected numbers, or leave it out")
        array = as_array(_name(quantity, path), leaf)
        if array.dtype == object:
            raise InputError(f"{_name(quantity, path)} has dtype object; expected real numbers")
        name = path[-1] if path and path[-1] in case.params else ""
        arrays[path] = case.select(quantity, name, param_from(case.model, name, array, layout))
    return arrays


def dtype_of(quantity: str, result: Any) -> str:
    """The floating dtype of a quantity's arrays; whole and Python's own numbers are float64.

    Examples
    --------
    >>> dtype_of("losses", np.ones(2, np.float32)), dtype_of("noise_scale", 1.0)
    ('float32', 'float64')
    """
    kinds = {
        as_array(_name(quantity, path), leaf).dtype
        for path, leaf in leaves_with_paths(result)
        if leaf is not None
    }
    narrow = sorted(str(k) for k in kinds if k.kind == "f" and k.itemsize == 2)
    if narrow:
        raise InputError(f"{quantity} has dtype {narrow[0]}; expected float64 or float32")
    single = np.dtype(np.float32) in kinds
    if single and len(kinds) > 1:
        raise InputError(
            f"{quantity} has dtypes {', '.join(sorted(map(str, kinds)))}; expected one, or the "
            'argument dtype: "float32" if the backend computed in float32'
        )
    return "float32" if single else "float64"


def compare_quantity(
    case: GoldenCase, quantity: str, result: Any, dtype: str, tolerance: float, layout: str
) -> QuantityReport:
    """Compare one quantity."""
    expected = dict(leaves_with_paths(case.expected[quantity]))
    condition = dict(leaves_with_paths(case.condition[quantity]))
    n_values = sum(np.size(e) for e in expected.values())
    got = read(case, quantity, result, layout)
    if problem := _structure_problem(quantity, got, expected):
        return QuantityReport(
            quantity, dtype, tolerance, n_values, n_values, 0, 0.0, None, problem, got
        )
    n_undecided, wrongs, digits = 0, {}, []
    worst, excess = None, -math.inf
    for path, want in expected.items():
        want, have = np.asarray(want), got[path].astype(np.float64)
        allowed = allowed_error(want, np.asarray(condition[path]), tolerance, quantity)
        wrong = ~is_right(quantity, have, want, allowed)
        undecided = (allowed > UNDECIDED * np.abs(want)) & (want != 0) & np.isfinite(want) & ~wrong
        wrongs[path], n_undecided = wrong, n_undecided + int(undecided.sum())
        has_digits = ~undecided & ((want != 0) | (have == 0) | wrong)
        digits += correct_digits(have, want)[has_digits].tolist()
        if wrong.any():
            with np.errstate(all="ignore"):
                error = np.where(wrong, np.abs(have - want) / np.maximum(allowed, 5e-324), -np.inf)
            error = np.where(np.isnan(error), np.inf, error)
            index = np.unravel_index(int(np.argmax(error)), want.shape)
            if error[index] > excess:
                excess = float(error[index])
                numbers = (float(array[index]) for array in (have, want, allowed))
                worst = Element(path, tuple(int(i) for i in index), *numbers)
    n_wrong = sum(int(wrong.sum()) for wrong in wrongs.values())
    counts = n_values, n_wrong, n_undecided, min(digits, default=math.nan)
    return QuantityReport(quantity, dtype, tolerance, *counts, worst, "", got, wrongs)


def correct_digits(got: Array, expected: Array) -> Array:
    """−log10 of the relative error, at least 0; 17 where a value is met, inf and nan too.

    Examples
    --------
    >>> correct_digits(np.array([1.001, np.inf]), np.array([1.0, np.inf])).round(2)
    array([ 3., 17.])
    """
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(all="ignore"):
        digits = -np.log10(np.abs(got / expected - 1))
    digits = np.where(digits > 0, digits, 0.0)  # nan is not above 0
    return np.asarray(np.where(same, 17.0, digits))


def _name(quantity: str, path: Keys) -> str:
    return quantity + "".join(f"[{key!r}]" for key in path)


def _structure_problem(quantity: str, got: dict[Keys, Array], expected: dict[Keys, Any]) -> str:
    missing = [_name(quantity, p) for p in expected if p not in got]
    more = [_name(quantity, p) for p in got if p not in expected]
    if missing or more:
        both = ((missing, "missing"), (more, "not expected"))
        return "; ".join(f"{', '.join(names[:4])} {what}" for names, what in both if names)
    for path, want in expected.items():
        if got[path].shape != np.shape(want):
            return f"{_name(quantity, path)} has shape {got[path].shape}; expected {np.shape(want)}"
    return ""


def check_request(
    case: GoldenCase, result: Any, leave_out: Iterable[str], layout: str
) -> tuple[str, ...]:
    """Refuse what cannot be checked; return the quantities that are left out."""
    check_layout(layout)
    left_out = tuple(dict.fromkeys([leave_out] if isinstance(leave_out, str) else leave_out))
    if not isinstance(result, dict):
        raise InputError(f"result is {type(result).__name__}; expected a dict of quantities")
    known = list(case.expected)
    if unknown := sorted(str(q) for q in result if q not in QUANTITIES):
        raise InputError(f"result has unknown quantities {unknown}; expected some of {known}")
    if unknown := sorted(q for q in left_out if q not in QUANTITIES):
        raise InputError(f"leave_out has unknown quantities {unknown}; expected some of {known}")
    if both := [q for q in left_out if q in result]:
        raise InputError(f"result has {both}, which leave_out leaves out; expected one of both")
    return left_out


#: Every quantity that a case can state, in the order of the derivation.
QUANTITIES = (
    "losses",
    "per_sample_gradients",
    "mean",
    "variance_ddof0",
    "variance_ddof1",
    "gsnr_ddof0",
    "gsnr_ddof1",
    "osgr_weights",
    "predicted_osgr",
    "noise_scale",
    "coherence",
    "debiased_gsnr",
    "debiased_osgr",
    "reduced_loss",
    "reduced_gradient",
    "enumerated_osgr",
)
