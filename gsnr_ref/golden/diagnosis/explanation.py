"""What went wrong: the known mistake whose wrong values a backend has computed.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/catalogue`` and
``diagnosis/mistake``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, leaves_with_paths
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.quantity import Keys, QuantityReport, allowed_error, is_close

#: A wrong value is recognized within this relative distance (or a hundredth of its distance from
#: the right one, if that is less), or ten times what a right one may err.
RECOGNIZED = {"float64": 1e-6, "float32": 1e-3}


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake that explains wrong values.

    Attributes
    ----------
    mistake : Mistake
    quantities : tuple of str
        Failing quantities that it explains.
    whole : bool
        Whether it explains every failing quantity, and no right one contradicts it.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("linear-eight-samples")
    >>> wrong = golden.mistakes()["half-missing"].wrong(case)
    >>> [d.mistake.id for d in golden.compare(case, case.expected | wrong).diagnoses]
    ['half-missing']
    """

    mistake: Mistake
    quantities: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        where = ", ".join(self.quantities)
        return (
            f"{where}: {self.mistake.title} [{self.mistake.id}]. {self.mistake.remedy} "
            f"See {self.mistake.seen[0]}"
        )


def diagnose(case: GoldenCase, reports: Sequence[QuantityReport]) -> list[Diagnosis]:
    """Name the mistakes that explain what failed: those that explain everything, or else parts."""
    failing = [r for r in reports if not r.passed]
    if not failing:
        return []
    found = []
    for mistake in mistakes().values():
        wrong = mistake.wrong(case)
        matches = {r.quantity: _matches(case, r, mistake, wrong) for r in reports}
        explained = tuple(
            r.quantity
            for r in failing
            if r.quantity in (mistake.judged or wrong)
            and matches[r.quantity]
            and (mistake.judge or _changes(case, r, wrong))
        )
        if explained:
            found.append(Diagnosis(mistake, explained, whole=all(matches.values())))
    found.sort(key=lambda d: d.mistake.judge is not None)  # exact matches before plausible ones
    wholes = [d for d in found if d.whole]
    if wholes:
        return wholes
    # No single mistake explains everything: the fewest that explain most, one after the other.
    chosen: list[Diagnosis] = []
    left = {r.quantity for r in failing}
    while found:
        best = max(found, key=lambda d: len(left & set(d.quantities)))
        if not left & set(best.quantities):
            break
        chosen.append(best)
        left -= set(best.quantities)
    return chosen


def _matches(
    case: GoldenCase, report: QuantityReport, mistake: Mistake, wrong: dict[str, Any]
) -> bool:
    """Whether a quantity is what the mistake makes of it: wrong, or right where it does no harm."""
    if report.quantity not in wrong:
        return report.passed
    if mistake.judge and not report.passed:
        return report.quantity not in mistake.judged or mistake.judge(
            case, report, report.tolerance
        )
    for path, made, right, allowed in _made(case, report, wrong):
        got = report.got.get(path)
        if got is None or got.shape != made.shape:
            return False
        apart = np.abs(made - right) if made.shape == right.shape else np.abs(made)
        share = np.minimum(RECOGNIZED[report.dtype] * np.abs(made), 0.01 * apart)
        near = np.maximum(10 * allowed, np.where(np.isfinite(share), share, 0.0))
        if not is_close(got.astype(np.float64), made, near).all():
            return False
    return len(report.got) == len(dict(leaves_with_paths(wrong[report.quantity])))


def _made(
    case: GoldenCase, report: QuantityReport, wrong: dict[str, Any]
) -> Iterator[tuple[Keys, Array, Array, Array]]:
    """Path, what the mistake makes, what is right, and the error that a right value may have."""
    right = dict(leaves_with_paths(case.expected[report.quantity]))
    condition = dict(leaves_with_paths(case.condition[report.quantity]))
    for path, value in leaves_with_paths(wrong[report.quantity]):
        made, want, k = np.asarray(value), np.asarray(right[path]), np.asarray(condition[path])
        if made.shape != want.shape:
            k = np.full(made.shape, k.max(initial=0.0))
        with np.errstate(invalid="ignore"):
            yield path, made, want, allowed_error(report.quantity, made, k, report.tolerance)


def _changes(case: GoldenCase, report: QuantityReport, wrong: dict[str, Any]) -> bool:
    """Whether a mistake makes a difference to a quantity that can be told from rounding."""
    return any(
        made.shape != right.shape or not is_close(made, right, 10 * allowed).all()
        for _, made, right, allowed in _made(case, report, wrong)
    )
