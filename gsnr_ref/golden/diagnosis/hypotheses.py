"""What a hypothesis, one mistake or two at once, says of a case.

Imports, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``catalogue`` and
``matching``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.matching import (
    agrees,
    all_agree,
    compare_again,
    differs,
    same_shapes,
    with_values,
    wrong_values,
)
from gsnr_ref.golden.quantity import QuantityReport


@dataclass(eq=False)
class Compared:
    """A case, and what became of each quantity that could be compared."""

    case: GoldenCase
    reports: tuple[QuantityReport, ...]

    @cached_property
    def failing(self) -> frozenset[str]:
        return frozenset(r.quantity for r in self.reports if not r.passed)

    @cached_property
    def passing(self) -> frozenset[str]:
        return frozenset(r.quantity for r in self.reports if r.passed)

    @property
    def tolerance(self) -> float:
        return max((r.tolerance for r in self.reports), default=0.0)


GRADIENTS = "per_sample_gradients"
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


def _is_judged(hypothesis: Hypothesis, c: Compared, base: GoldenCase) -> bool:
    """Whether the last mistake, which has a judge, can have made what fails of these values."""
    *before, last = hypothesis
    mistake, reach = mistakes()[last], wrong_values(last, c.case)
    below = wrong_values(before[0], c.case) if before else {}
    for r in c.reports:
        if r.quantity not in reach and not (
            agrees(c.case, r, below[r.quantity]) if r.quantity in below else r.passed
        ):
            return False
    is_told = is_left = False
    for r in sorted(c.reports, key=lambda r: r.quantity != GRADIENTS):
        if r.quantity not in reach:
            continue
        again = r if base is c.case else compare_again(base, r)
        if r.passed and not again.passed:
            return False  # the first mistake would have made wrong what is right
        is_left |= not again.passed
        if again.passed or r.quantity not in mistake.judged:
            continue
        if mistake.can_make is None or not mistake.can_make(base, again, r.tolerance):
            return False
        is_told = True
        if r.quantity == GRADIENTS:
            break  # the same model has made everything else
    return is_told or not is_left


def accounts_for(hypothesis: Hypothesis, c: Compared) -> bool:
    """Whether every quantity is as the hypothesis says."""
    *before, last = hypothesis
    mistake, wrong = mistakes()[last], wrong_values(last, c.case)
    if not c.failing <= set().union(*(wrong_values(id, c.case) for id in hypothesis)):
        return False
    below = set().union(*(wrong_values(id, c.case) for id in before))
    if mistake.judge is None and (c.passing & changed(last, c.case, c.tolerance)) - below:
        return False
    if any((c.passing & changed(id, c.case, c.tolerance)) - set(wrong) for id in before):
        return False
    if mistake.judge is not None:
        return any(_is_judged(hypothesis, c, base) for base in _bases(hypothesis, c))
    made = _on_top(before[0], last, c.case) if before else (wrong,)
    return any(all_agree(c.case, c.reports, values) for values in made)


def has_one_constant(hypothesis: Hypothesis, explained: Sequence[Compared]) -> bool:
    """Whether a constant that the last mistake has is the same in all cases."""
    mistake = mistakes()[hypothesis[-1]]
    if mistake.constant is None:
        return True
    for bases in zip(*(_bases(hypothesis, c) for c in explained), strict=False):
        low, high = 0.0, math.inf
        for base, c in zip(bases, explained, strict=True):
            told = {GRADIENTS} if GRADIENTS in c.failing & set(mistake.judged) else mistake.judged
            for r in c.reports:
                if r.quantity in told:
                    again = r if base is c.case else compare_again(base, r)
                    least, most = mistake.constant(base, again, r.tolerance)
                    if least <= most or not again.passed:  # what passes may tell nothing
                        low, high = max(low, least), min(high, most)
        if 0 < low <= high:
            return True
    return False
