"""Whether what a backend computed is what mistakes make of a case: wrong and right, all of it.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/catalogue`` and
``diagnosis/mistake``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, leaves_with_paths
from gsnr_ref.golden.case import GoldenCase, every_case
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.quantity import (
    QuantityReport,
    allowed_error,
    compare_quantity,
    is_close,
    is_right,
)

#: A wrong value is recognized within this relative distance (or a hundredth of its distance from
#: the right one, if that is less), or ten times what a right one may err.
RECOGNIZED = {"float64": 1e-6, "float32": 1e-3}


def wrong_values(id: str, case: GoldenCase) -> dict[str, Any]:
    """Wrong values of a case; of the package's own cases, which do not change, computed once."""
    if every_case().get(case.id) is case:
        return _kept(id, case)
    return mistakes()[id].wrong(case)


@cache
def _kept(id: str, case: GoldenCase) -> dict[str, Any]:
    return mistakes()[id].wrong(case)


def agrees(case: GoldenCase, report: QuantityReport, made: Any) -> bool:
    """Whether the values of a quantity are these, which are wrong wherever they are."""
    right = dict(leaves_with_paths(case.expected[report.quantity]))
    condition = dict(leaves_with_paths(case.condition[report.quantity]))
    wanted = dict(leaves_with_paths(made))
    if set(wanted) != set(report.got):
        return False
    for path, value in wanted.items():
        value, got, want = np.asarray(value), report.got[path], np.asarray(right[path])
        if got.shape != value.shape:
            return False
        same = value.shape == want.shape
        k = condition[path] if same else np.full(value.shape, np.max(condition[path]))
        allowed = allowed_error(value, np.asarray(k), report.tolerance, report.quantity)
        with np.errstate(invalid="ignore"):
            apart = np.abs(value - want) if same else np.abs(value)
            share = np.minimum(RECOGNIZED[report.dtype] * np.abs(value), 0.01 * apart)
        near = np.fmax(10 * allowed, share)  # where nan is right, nothing says how far it is
        if not is_close(got.astype(np.float64), value, near).all():
            return False
        if path in report.wrong and same:
            may_err = allowed_error(want, np.asarray(k), report.tolerance, report.quantity)
            if (report.wrong[path] & is_right(report.quantity, value, want, may_err)).any():
                return False
    return True


def all_agree(case: GoldenCase, reports: Iterable[QuantityReport], wrong: dict[str, Any]) -> bool:
    """Whether every quantity is as the wrong values say, and right where they say nothing."""
    told_first = sorted(reports, key=lambda r: r.passed)
    return all(
        agrees(case, r, wrong[r.quantity]) if r.quantity in wrong else r.passed for r in told_first
    )


def is_judged(
    case: GoldenCase, reports: Iterable[QuantityReport], mistake: Mistake, wrong: dict[str, Any]
) -> bool:
    """Whether every quantity that fails is what a mistake with a judge can make of it."""
    failing = [r for r in reports if not r.passed]
    judged = [r for r in failing if r.quantity in mistake.judged]
    return (
        mistake.judge is not None
        and (bool(judged) or not failing)
        and all(r.quantity in wrong for r in failing)
        and all(mistake.judge(case, r, r.tolerance) for r in judged)
    )


def explains(
    case: GoldenCase, reports: Sequence[QuantityReport], mistake: Mistake, wrong: dict[str, Any]
) -> bool:
    """Whether a mistake, whose wrong values these are, accounts for a whole case."""
    if mistake.judge is not None:
        return is_judged(case, reports, mistake, wrong)
    return all_agree(case, reports, wrong)


def with_values(case: GoldenCase, values: dict[str, Any]) -> GoldenCase:
    """The case as somebody sees it who takes these values for right."""
    return replace(case, expected=case.expected | values)


def same_shapes(values: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether the arrays of each quantity have the shapes of those of the others."""
    return all(
        [(path, np.shape(a)) for path, a in leaves_with_paths(tree)]
        == [(path, np.shape(a)) for path, a in leaves_with_paths(others[quantity])]
        for quantity, tree in values.items()
    )


def differs(case: GoldenCase, quantity: str, made: Any, tolerance: float) -> bool:
    """Whether wrong values of a quantity can be told from the right ones."""
    right = dict(leaves_with_paths(case.expected[quantity]))
    condition = dict(leaves_with_paths(case.condition[quantity]))

    def one_differs(value: Array, want: Array, k: Array) -> bool:
        if value.shape != want.shape:
            return True
        allowed = allowed_error(want, k, tolerance, quantity)
        return not bool(is_close(value, want, 10 * allowed).all())

    return any(
        one_differs(*map(np.asarray, (value, right[path], condition[path])))
        for path, value in leaves_with_paths(made)
    )


def values_of(report: QuantityReport) -> Any:
    """What a backend gave for a quantity: an array, or a dict of these."""
    values: Any = {}
    for path, array in report.got.items():
        if not path:
            return array
        tree = values
        for key in path[:-1]:
            tree = tree.setdefault(key, {})
        tree[path[-1]] = array
    return values


def compare_again(base: GoldenCase, report: QuantityReport) -> QuantityReport:
    """What becomes of a quantity of a backend if other values are taken for right."""
    q = report
    return compare_quantity(base, q.quantity, values_of(q), q.dtype, q.tolerance, "gsnr_ref")
