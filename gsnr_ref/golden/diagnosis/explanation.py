"""With what a single case is consistent: mistakes whose wrong values a backend has computed.

Imports, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``matching``, ``catalogue``
and ``mistake``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.matching import agrees, differs, explains, wrong_values
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.quantity import QuantityReport


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake that a failing case is consistent with. Many cases together tell more.

    Attributes
    ----------
    mistake : Mistake
    quantities : tuple of str
        Failing quantities that it explains.
    whole : bool
        Whether it explains every failing quantity, and no right one contradicts it. If not,
        another one explains the rest.

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
    """Mistakes that account for the whole case; if there is none, the only two that do together."""
    failing = [r for r in reports if not r.passed]
    if not failing:
        return []
    wrong = {id: wrong_values(id, case) for id in mistakes()}
    found = [
        Diagnosis(mistake, tuple(r.quantity for r in failing), whole=True)
        for id, mistake in mistakes().items()
        if {r.quantity for r in failing} <= set(wrong[id])
        and _has_constant(case, failing, mistake)
        and explains(case, reports, mistake, wrong[id])
    ]
    exact = [d for d in found if d.mistake.judge is None]
    return exact or found or _two(case, reports, wrong)


def _has_constant(case: GoldenCase, failing: Sequence[QuantityReport], mistake: Mistake) -> bool:
    """Whether a mistake needs no constant, or several values of the case agree on one."""
    if mistake.constant is None:
        return True
    ranges = [
        mistake.constant(case, r, r.tolerance)
        for r in failing
        if r.quantity in mistake.judged and r.n_values > 1
    ]
    low = max((low for low, _ in ranges), default=0.0)
    return 0 < low <= min(high for _, high in ranges)


def _two(
    case: GoldenCase, reports: Sequence[QuantityReport], wrong: dict[str, dict[str, Any]]
) -> list[Diagnosis]:
    """Two mistakes side by side: each quantity is as one of them makes it."""
    parts = []
    for id, mistake in mistakes().items():
        changed = [
            r
            for r in reports
            if r.quantity in wrong[id]
            and mistake.judge is None
            and differs(case, r.quantity, wrong[id][r.quantity], r.tolerance)
        ]
        met = [r.quantity for r in changed if agrees(case, r, wrong[id][r.quantity])]
        if met and not any(r.passed for r in changed):
            parts.append(Diagnosis(mistake, tuple(met), whole=False))
    failing = {r.quantity for r in reports if not r.passed}
    found = [
        [a, b]
        for a, b in combinations(parts, 2)
        if failing == {*a.quantities, *b.quantities}  # none alone: that would be whole
    ]
    return found[0] if len(found) == 1 else []
