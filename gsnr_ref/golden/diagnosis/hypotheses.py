"""What a hypothesis, one mistake or two at once, says of a case.

Imports, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``catalogue``, ``constants``,
``derived``, ``matching`` and ``recomputed``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.constants import comparable
from gsnr_ref.golden.diagnosis.derived import Values
from gsnr_ref.golden.diagnosis.matching import (
    agrees,
    all_agree,
    compare_again,
    differs,
    same_shapes,
    values_of,
    with_values,
    wrong_values,
)
from gsnr_ref.golden.diagnosis.recomputed import from_run, right_losses_at
from gsnr_ref.golden.quantity import QuantityReport

GRADIENTS = "per_sample_gradients"


@dataclass(eq=False)
class Compared:
    """A case, and what became of each quantity that could be compared."""

    case: GoldenCase
    reports: tuple[QuantityReport, ...]
    _judged: dict[tuple[str, str], bool] = field(default_factory=dict)

    @cached_property
    def failing(self) -> frozenset[str]:
        return frozenset(r.quantity for r in self.reports if not r.passed)

    @cached_property
    def passing(self) -> frozenset[str]:
        return frozenset(r.quantity for r in self.reports if r.passed)

    @property
    def tolerance(self) -> float:
        return max((r.tolerance for r in self.reports), default=0.0)

    @cached_property
    def own(self) -> Values:
        """What follows from the losses and the gradients that the backend gave, if it gave both.

        Where its losses are right, so is its model, and what follows from its definition too.
        """
        given = {r.quantity: r for r in self.reports if r.quantity in ("losses", GRADIENTS)}
        if len(given) < 2 or not all(comparable(self.case, r) for r in given.values()):
            return {}
        losses, gradients = values_of(given["losses"]), values_of(given[GRADIENTS])
        losses_at = right_losses_at(self.case) if given["losses"].passed else None
        with np.errstate(all="ignore"):
            made = from_run(self.case, losses, gradients, losses_at)
        left_open = {"losses", GRADIENTS} | ({"enumerated_osgr"} if losses_at is None else set())
        return {q: v for q, v in made.items() if q in self.case.expected and q not in left_open}

    def can_have_made(self, id: str, report: QuantityReport) -> bool:
        """Whether a mistake that has a judge can have made a quantity of what is right."""
        key = id, report.quantity
        if key not in self._judged:
            can_make = mistakes()[id].can_make
            self._judged[key] = can_make is not None and can_make(
                self.case, report, report.tolerance
            )
        return self._judged[key]


#: Mistakes that round whatever is computed: what follows of their gradients is rounded again.
ROUNDED_AGAIN = {"lower-precision"}
#: One mistake, or two, the second on top of the first.
Hypothesis = tuple[str, ...]


@cache
def changed(id: str, case: GoldenCase, tolerance: float) -> frozenset[str]:
    """Quantities that a mistake changes so much that it can be told."""
    values = wrong_values(id, case).items()
    return frozenset(q for q, made in values if differs(case, q, made, tolerance))


@cache
def _on_top(first: str, second: str, case: GoldenCase) -> tuple[dict[str, Any], ...]:
    """What two mistakes at once make: the second of the first's values, or beside them."""
    below, beside = wrong_values(first, case), wrong_values(second, case)
    try:
        above = mistakes()[second].wrong(with_values(case, below))
    except (ValueError, IndexError):  # the first leaves arrays of shapes that it cannot take
        return (below | beside,)
    return below | above, below | beside


def _bases(hypothesis: Hypothesis, c: Compared) -> list[GoldenCase]:
    """Cases whose values are those that the last mistake of a hypothesis was made with.

    The values of the first are taken for right: in all quantities, or in those that the last one
    leaves alone.
    """
    if len(hypothesis) == 1:
        return [c.case]
    below = wrong_values(hypothesis[0], c.case)
    if not same_shapes(below, c.case.expected):
        return []
    return [with_values(c.case, below), c.case]


def _is_judged(
    id: str, c: Compared, base: GoldenCase, reports: Iterable[QuantityReport], below: Values
) -> bool:
    """Whether a mistake that has a judge can have made what fails of the values of `base`.

    What it does not reach is right, or as `below` says. Once it is told by the gradients,
    everything that follows from these has to follow from those that the backend gave.
    """
    mistake, reach = mistakes()[id], wrong_values(id, c.case)
    is_told = is_left = is_told_by_gradients = False
    for r in sorted(reports, key=lambda r: (r.quantity != GRADIENTS, r.quantity in reach)):
        if r.quantity not in reach:
            if not (agrees(c.case, r, below[r.quantity]) if r.quantity in below else r.passed):
                return False
            continue
        again = r if base is c.case else compare_again(base, r)
        if r.passed and not again.passed:
            return False  # the first mistake would have made wrong what is right
        is_left |= not again.passed
        if is_told_by_gradients:
            if r.quantity in c.own and not agrees(c.case, r, c.own[r.quantity]):
                return False
            continue
        if again.passed or r.quantity not in mistake.judged:
            continue
        can_make = mistake.can_make
        if base is c.case:
            can = c.can_have_made(id, r)
        else:
            can = can_make is not None and can_make(base, again, r.tolerance)
        if not can:
            return False
        is_told = True
        if r.quantity == GRADIENTS:
            if id in ROUNDED_AGAIN:
                break
            is_told_by_gradients = True
    return is_told or not is_left


def _is_on_top(first: str, last: str, c: Compared) -> bool:
    """Whether the last mistake was made with what the first, which has a judge, made before.

    What the last one leaves alone is the work of the first: it is what the last one had.
    """
    reach = wrong_values(last, c.case)
    left = [r for r in c.reports if r.quantity not in reach]
    if not _is_judged(first, c, c.case, left, {}):
        return False
    of_first = {r.quantity: values_of(r) for r in left if not r.problem}
    if GRADIENTS in {r.quantity for r in left if not r.passed}:
        of_first = c.own | of_first
    try:
        with np.errstate(all="ignore"):
            made = mistakes()[last].wrong(with_values(c.case, of_first))
    except (ValueError, IndexError):  # of shapes that it cannot take
        return False
    reached = sorted((r for r in c.reports if r.quantity in reach), key=lambda r: r.passed)
    return all(r.quantity in made and agrees(c.case, r, made[r.quantity]) for r in reached)


def accounts_for(hypothesis: Hypothesis, c: Compared) -> bool:
    """Whether every quantity is as the hypothesis says."""
    *before, last = hypothesis
    mistake, wrong = mistakes()[last], wrong_values(last, c.case)
    if not c.failing <= set().union(*(wrong_values(id, c.case) for id in hypothesis)):
        return False
    below = {q: v for id in before for q, v in wrong_values(id, c.case).items()}
    if mistake.judge is None and (c.passing & changed(last, c.case, c.tolerance)) - set(below):
        return False
    for first in before:
        if mistakes()[first].judge is not None:
            return mistake.judge is None and _is_on_top(first, last, c)
        if (c.passing & changed(first, c.case, c.tolerance)) - set(wrong):
            return False
    if mistake.judge is not None:
        return any(_is_judged(last, c, base, c.reports, below) for base in _bases(hypothesis, c))
    made = _on_top(*hypothesis, c.case) if before else (wrong,)
    return any(all_agree(c.case, c.reports, values) for values in made)


def _judged_by(
    hypothesis: Hypothesis, c: Compared
) -> Iterator[list[tuple[GoldenCase, QuantityReport, QuantityReport]]]:
    """For each base of a hypothesis the base, and what its judge judges, compared with it."""
    left_alone = set(wrong_values(hypothesis[-1], c.case))
    is_first = mistakes()[hypothesis[-1]].judge is None
    for base in [c.case] if is_first else _bases(hypothesis, c):
        yield [
            (base, r, r if base is c.case else compare_again(base, r))
            for r in c.reports
            if not (is_first and r.quantity in left_alone)
        ]


def has_one_constant(hypothesis: Hypothesis, explained: Sequence[Compared]) -> bool:
    """Whether a constant that one of the mistakes has is the same in all cases."""
    mistake = next((m for id in hypothesis if (m := mistakes()[id]).constant is not None), None)
    if mistake is None or mistake.constant is None:
        return True
    for every in zip(*(_judged_by(hypothesis, c) for c in explained), strict=False):
        bounds = []
        for reports in every:
            failing = {r.quantity for _, r, _ in reports if not r.passed}
            told = {GRADIENTS} if GRADIENTS in failing & set(mistake.judged) else mistake.judged
            for base, r, again in reports:
                if r.quantity in told:
                    least, most = mistake.constant(base, again, r.tolerance)
                    if least <= most or not again.passed:  # what passes may tell nothing
                        bounds.append((least, most))
        if bounds and 0 < max(low for low, _ in bounds) <= min(high for _, high in bounds):
            return True
    return False
