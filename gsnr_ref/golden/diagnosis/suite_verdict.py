"""What went wrong in all cases of a backend: one mistake, or two, that account for the failures.

Imports, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``matching``, ``catalogue``
and ``mistake``.

A name is given only if it is supported. A hypothesis, one mistake or two at once, says what every
quantity of every case must be. It has to be so in nearly all cases that failed, no case that passed
may contradict it, and each of its mistakes has to be needed in several cases. If hypotheses with
different mistakes do equally well, only what they share is named: no name is better than a false
one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import permutations
from typing import Any

from gsnr_ref.golden.case import GoldenCase, every_case, n_values
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
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.quantity import QUANTITIES, QuantityReport

#: Of the cases that failed, and of those that list a mistake, this share has to be explained.
NEARLY_ALL = 0.9
#: Cases in which a mistake has to be needed, or all that list it if these are fewer.
ENOUGH = 2


@dataclass(frozen=True)
class SuiteDiagnosis:
    """A known mistake that accounts for what failed, in the whole suite.

    Attributes
    ----------
    mistake : Mistake
    quantities : tuple of str
        Failing quantities that it makes wrong.
    cases : tuple of str
        Ids of the failing cases that need it to be explained.
    """

    mistake: Mistake
    quantities: tuple[str, ...]
    cases: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.mistake.title} [{self.mistake.id}]: {', '.join(self.quantities)} in "
            f"{len(self.cases)} cases. {self.mistake.remedy} See {self.mistake.seen[0]}"
        )


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


#: One mistake, or two, the second on top of the first.
Hypothesis = tuple[str, ...]


@cache
def _changed(id: str, case: GoldenCase, tolerance: float) -> frozenset[str]:
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
    for r in sorted(c.reports, key=lambda r: r.quantity not in mistake.judged):
        if r.quantity not in reach:
            continue
        again = r if base is c.case else compare_again(base, r)
        if r.passed and not again.passed:
            return False  # the first mistake would have made wrong what is right
        if not again.passed and r.quantity in mistake.judged:
            is_told = True
            if mistake.can_make is None or not mistake.can_make(base, again, r.tolerance):
                return False
        is_left |= not again.passed
    return is_told or not is_left


def _explains(hypothesis: Hypothesis, c: Compared) -> bool:
    """Whether every quantity is as the hypothesis says."""
    *before, last = hypothesis
    mistake, wrong = mistakes()[last], wrong_values(last, c.case)
    if not c.failing <= set().union(*(wrong_values(id, c.case) for id in hypothesis)):
        return False
    if mistake.judge is None and c.passing & _changed(last, c.case, c.tolerance):
        return False
    if any((c.passing & _changed(id, c.case, c.tolerance)) - set(wrong) for id in before):
        return False
    if mistake.judge is not None:
        return any(_is_judged(hypothesis, c, base) for base in _bases(hypothesis, c))
    made = _on_top(before[0], last, c.case) if before else (wrong,)
    return any(all_agree(c.case, c.reports, values) for values in made)


def _one_constant(hypothesis: Hypothesis, explained: Sequence[Compared]) -> bool:
    """Whether a constant that the last mistake has is the same in all cases."""
    mistake = mistakes()[hypothesis[-1]]
    if mistake.constant is None:
        return True
    for bases in zip(*(_bases(hypothesis, c) for c in explained), strict=False):
        ranges = [
            mistake.constant(base, r if base is c.case else compare_again(base, r), r.tolerance)
            for base, c in zip(bases, explained, strict=True)
            for r in c.reports
            if r.quantity in mistake.judged
        ]
        low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
        if 0 < low <= high:
            return True
    return False


@cache
def _n_listing(id: str) -> int:
    return sum(id in case.mistakes for case in every_case().values())


class _Evidence:
    """What a suite says for each hypothesis."""

    def __init__(self, suite: Sequence[Compared]) -> None:
        self.failing = [c for c in suite if c.failing]
        self.passing = [c for c in suite if not c.failing]
        self._known: dict[tuple[Hypothesis, str], bool] = {}

    def explains(self, hypothesis: Hypothesis, c: Compared) -> bool:
        key = hypothesis, c.case.id
        if key not in self._known:
            self._known[key] = _explains(hypothesis, c)
        return self._known[key]

    def explained(self, hypothesis: Hypothesis) -> list[Compared]:
        """Failing cases that it accounts for; as soon as they are too few, none."""
        found, missed = [], 0
        for c in self.failing:
            if self.explains(hypothesis, c):
                found.append(c)
            else:
                missed += 1
                if missed > (1 - NEARLY_ALL) * len(self.failing):
                    return []
        return found

    def needing(self, id: str, hypothesis: Hypothesis, explained: list[Compared]) -> list[Compared]:
        """Explained cases that are not explained without this mistake."""
        rest = tuple(other for other in hypothesis if other != id)
        return [c for c in explained if not rest or not self.explains(rest, c)]

    def supports(self, hypothesis: Hypothesis, explained: list[Compared]) -> bool:
        """Whether it holds in nearly all cases, nothing contradicts it, and each part is needed."""
        if not explained or not all(self.explains(hypothesis, c) for c in self.passing):
            return False
        for id in hypothesis:
            listing = [c for c in self.failing if id in c.case.mistakes]
            held = [c for c in listing if c in explained]
            needing = [c for c in self.needing(id, hypothesis, explained) if c in listing]
            if len(held) < NEARLY_ALL * len(listing) or len(needing) < min(ENOUGH, _n_listing(id)):
                return False
        return _one_constant(hypothesis, explained)

    def supported(self, hypotheses: Iterable[Hypothesis]) -> dict[Hypothesis, list[Compared]]:
        found = {h: self.explained(h) for h in hypotheses}
        return {h: explained for h, explained in found.items() if self.supports(h, explained)}

    def pairs(self, hardest: Sequence[Compared]) -> list[Hypothesis]:
        """Two mistakes that account for the first of the hardest cases that any two account for."""
        known = mistakes()
        for c in hardest:
            found: list[Hypothesis] = [
                (first, second)
                for first, second in permutations(known, 2)
                if known[first].judge is None and self.explains((first, second), c)
            ]
            if found:
                return found
        return []


#: So many cases that no single mistake accounts for are tried for two.
TRIED = 2


def diagnose_suite(suite: Sequence[Compared]) -> tuple[SuiteDiagnosis, ...]:
    """Name the mistakes that account for what failed in all cases; none without support."""
    evidence = _Evidence(suite)
    n_failing = len(evidence.failing)
    if not n_failing:
        return ()
    singles: list[Hypothesis] = [(id,) for id in mistakes()]
    found = evidence.supported(singles)
    if max(map(len, found.values()), default=0) < n_failing:
        alone = {h: [c for c in evidence.failing if evidence.explains(h, c)] for h in singles}
        best = max(alone.values(), key=len)
        hardest = sorted(
            (c for c in evidence.failing if c not in best),
            key=lambda c: (-len(c.case.mistakes), n_values(c.case)),
        )
        two = evidence.supported(evidence.pairs(hardest[:TRIED]))
        most = max(map(len, found.values()), default=0)
        found |= {h: explained for h, explained in two.items() if len(explained) > most}
    if not found:
        return ()
    rank = {
        h: (len(e), -sum(mistakes()[id].judge is not None for id in h)) for h, e in found.items()
    }
    leading = [h for h in found if rank[h] == max(rank.values())]
    shared = set(leading[0]).intersection(*leading[1:])
    return tuple(
        _named(evidence, id, leading[0], found[leading[0]]) for id in mistakes() if id in shared
    )


def _named(
    evidence: _Evidence, id: str, hypothesis: Hypothesis, explained: list[Compared]
) -> SuiteDiagnosis:
    needing = evidence.needing(id, hypothesis, explained)
    quantities = [
        q
        for q in QUANTITIES
        if any(q in c.failing and q in _changed(id, c.case, c.tolerance) for c in needing)
    ]
    return SuiteDiagnosis(mistakes()[id], tuple(quantities), tuple(c.case.id for c in needing))
