"""One case checked: `compare` reports, `check` raises where something is wrong.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity`` and ``diagnosis``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import InputError, leaves_with_paths
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis import Diagnosis, by_parameter, constant_factor, diagnose
from gsnr_ref.golden.quantity import (
    ROUNDOFF,
    QuantityReport,
    check_request,
    compare_quantity,
    dtype_of,
)


class ConformanceError(AssertionError):
    """Results differ from the golden values; the message says where, by how much, and why."""


@dataclass(frozen=True, eq=False)
class CaseReport:
    """What became of one case.

    Attributes
    ----------
    case : GoldenCase
    overridden : bool
        Whether the tolerance is not the case's own.
    quantities : tuple of QuantityReport
    left_out : tuple of str
        Quantities of the case that were declared as left out.
    diagnoses : tuple of Diagnosis
        Known mistakes that the case is consistent with: all that failed, and all that passed.
    passed_over : tuple of str
        Quantities that are there and that the case does not state.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("linear-eight-samples")
    >>> wrong = dict(case.expected, variance_ddof0={
    ...     name: v / 64 for name, v in case.expected["variance_ddof0"].items()})
    >>> print(golden.compare(case, wrong))
    linear-eight-samples (float64): FAILED
    ...
      variance_ddof0 is too small by exactly B² = 64
    """

    case: GoldenCase
    overridden: bool
    quantities: tuple[QuantityReport, ...]
    left_out: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """In which the values were computed: float64, float32, or "float64 and float32"."""
        dtypes = {q.dtype for q in self.quantities if q.dtype}
        return " and ".join(sorted(dtypes, reverse=True)) or "no values"

    @property
    def tolerance(self) -> float:
        """The largest that a quantity was held to: each is held to that of its own dtype."""
        return max((q.tolerance for q in self.quantities), default=0.0)

    @property
    def passed(self) -> bool:
        """Whether every quantity passed."""
        return all(q.passed for q in self.quantities)

    @property
    def digits(self) -> float:
        """Correct decimal digits of the worst decided value; nan where no value has digits."""
        return min((d for q in self.quantities if not math.isnan(d := q.digits)), default=math.nan)

    def explanation(self) -> list[str]:
        """What failed, by how much and why, a line each."""
        lines = []
        for q in self.quantities:
            if q.passed:
                continue
            if q.problem:
                lines.append(q.problem)
                continue
            lines.append(f"{q.quantity}: {q.counts}; worst {q.quantity}{q.worst}")
            if constant := constant_factor(self.case, q):
                lines.append(f"{q.quantity} is {constant}")
            elif where := by_parameter(self.case, q):
                lines.append(f"{q.quantity}: {where}")
        if self._is_transposed:
            lines.append(
                "what does not fit is transposed: are the results in another layout? Name it, as "
                'layout="torch" or, in a results file, as the layout of the backend'
            )
        if self._single and any(q.dtype == "float64" and not q.passed for q in self.quantities):
            lines.append(
                'what is float64 is held to the tolerance of float64: say dtype="float32" if all '
                "was computed in float32"
            )
        return lines + [f"consistent with {d}" for d in self.diagnoses]

    @property
    def _is_transposed(self) -> bool:
        """Whether the last two axes of each array that does not fit are the other way round."""
        pairs = [
            (np.shape(want), q.got[path].shape)
            for q in self.quantities
            for path, want in leaves_with_paths(self.case.expected.get(q.quantity, {}))
            if q.problem and path in q.got and q.got[path].shape != np.shape(want)
        ]
        return bool(pairs) and all(
            len(want) >= 2 and got == (*want[:-2], want[-1], want[-2]) for want, got in pairs
        )

    @property
    def _single(self) -> list[str]:
        """Quantities in float32, where others are in float64."""
        mixed = {q.dtype for q in self.quantities} >= {"float64", "float32"}
        return [q.quantity for q in self.quantities if mixed and q.dtype == "float32"]

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        note = f", tolerance overridden: {self.tolerance:.2g}" if self.overridden else ""
        undecided = sum(q.n_undecided for q in self.quantities)
        note += f", {undecided} values undecided" if undecided else ""
        note += f", left out: {', '.join(self.left_out)}" if self.left_out else ""
        note += f", float32: {', '.join(self._single)}" if self._single else ""
        more = ", ".join(self.passed_over)
        note += f", not stated by this case: {more}" if more else ""
        head = f"{self.case.id} ({self.dtype}{note}): {verdict}"
        if self.passed and self.case.refused:
            return f"{head}, refused as it must be"
        if self.passed:
            decided = "no value decided" if math.isnan(self.digits) else f"{self.digits:.1f} digits"
            return f"{head}, {decided}"
        return "\n  ".join([head, self.case.description, *self.explanation()])


def compare(
    case: GoldenCase,
    result: dict[str, Any],
    *,
    layout: str = "gsnr_ref",
    leave_out: Iterable[str] = (),
    dtype: str | None = None,
    tolerance: float | None = None,
) -> CaseReport:
    """Compare a backend's results with a golden case, and report.

    Parameters
    ----------
    case : GoldenCase
    result : dict
        By quantity, in the structure of ``case.expected``: arrays, numbers, dicts of these.
        Anything that ``numpy.asarray`` or DLPack can read. Quantities that this case does not state
        are passed over, and named in the report.
    layout : {"gsnr_ref", "torch", "keras"}
        Of the parameters in the results; see `GoldenCase.params_in`.
    leave_out : iterable of str
        Quantities that the backend does not compute, and `result` does not hold. Any other that the
        case states must be there.
    dtype : {"float64", "float32"}, optional
        In which the backend computed. If left out, every quantity is held to the tolerance of its
        own dtype; Python's numbers are float64.
    tolerance : float, optional
        Instead of the case's own.

    A case that must be refused (``case.refused``) passes with an empty `result`.

    Returns
    -------
    CaseReport
        Tells nothing by being there: look at ``passed``, or call `check`.

    Raises
    ------
    InputError
        If there is nothing to compare, a name is unknown, a quantity is both left out and there,
        one quantity has arrays of both dtypes, something cannot be read, or the case has no
        tolerance for the dtype because its numbers leave the dtype's range.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("location")
    >>> print(golden.compare(case, case.expected))
    location (float64): passed, 17.0 digits
    """
    left_out = check_request(case, result, leave_out, layout)
    if case.refused:
        return _refusal(case, result)
    if dtype is not None and dtype not in ROUNDOFF:
        raise InputError(f"dtype is {dtype!r}; expected one of {list(ROUNDOFF)}")
    if tolerance is not None and not 0 <= tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}; expected a relative error, 0 to 1")
    wanted = [q for q in case.expected if q not in left_out]
    if not wanted:
        raise InputError(f"leave_out names every quantity of {case.id}; expected some to compare")

    def graded(quantity: str) -> QuantityReport:
        given = result.get(quantity, {})
        own = dtype or (dtype_of(quantity, given) if quantity in result else "")
        allowed = case.tolerance.get(own, 0.0) if tolerance is None else tolerance
        if allowed is None:
            raise InputError(
                f"case {case.id} has no tolerance for {own}: its numbers leave the range of {own}; "
                "expected the case to be left out, or a tolerance"
            )
        if quantity in result:
            return compare_quantity(case, quantity, given, own, allowed, layout)
        problem = f"{quantity} missing: return it, or leave it out"
        return QuantityReport(quantity, own, allowed, 0, 0, 0, 0.0, None, problem, {})

    reports = tuple(map(graded, wanted))
    compared = [r for r in reports if r.got]
    return CaseReport(
        case,
        tolerance is not None,
        reports,
        tuple(q for q in left_out if q in case.expected),
        () if case.selected else tuple(diagnose(case, compared)),  # mistakes need all values
        tuple(q for q in result if q not in case.expected),
    )


def _refusal(case: GoldenCase, result: dict[str, Any]) -> CaseReport:
    """Passed without values; what is there nevertheless is wrong, whatever it is."""
    problem = f"given, where it must be refused. {case.refused}"
    reports = tuple(
        QuantityReport(q, "", 0.0, 0, 0, 0, 0.0, None, f"{q} {problem}", {}) for q in result
    )
    return CaseReport(case, False, reports, (), ())


def check(
    case: GoldenCase,
    result: dict[str, Any],
    *,
    layout: str = "gsnr_ref",
    leave_out: Iterable[str] = (),
    dtype: str | None = None,
    tolerance: float | None = None,
) -> CaseReport:
    """Compare a backend's results with a golden case, and raise where something is wrong.

    Parameters
    ----------
    case : GoldenCase
    result : dict
        By quantity, in the structure of ``case.expected``: arrays, numbers, dicts of these.
    layout : {"gsnr_ref", "torch", "keras"}
        Of the parameters in the results.
    leave_out : iterable of str
        Quantities that the backend does not compute, and `result` does not hold.
    dtype : {"float64", "float32"}, optional
        In which the backend computed. If left out, every quantity is held to the tolerance of its
        own dtype; Python's numbers are float64.
    tolerance : float, optional
        Instead of the case's own.

    Returns
    -------
    CaseReport
        Of results that passed.

    Raises
    ------
    ConformanceError
        If something is wrong: an ``AssertionError`` that says where, by how much, and which known
        mistake makes these values.
    InputError
        As `compare`.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("location")
    >>> golden.check(case, case.expected).passed
    True

    In a test of your own:

    >>> import pytest
    >>> @pytest.mark.parametrize("case", golden.cases(), ids=str)
    ... def test_my_backend(case):
    ...     golden.check(case, my_results(case))
    """
    report = compare(
        case, result, layout=layout, leave_out=leave_out, dtype=dtype, tolerance=tolerance
    )
    if not report.passed:
        raise ConformanceError(str(report))
    return report
