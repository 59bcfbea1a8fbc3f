"""What went wrong in all cases of a backend: one mistake, or two, that account for the failures.

Imports, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``catalogue``, ``hypotheses``
and ``mistake``.

A name is given only if it is supported. A hypothesis, one mistake or two at once, says what every
quantity of every case must be. It has to be so in nearly all cases that failed, no case that passed
may contradict it, and each of its mistakes has to be needed in several cases. If hypotheses with
different mistakes do equally well, only what they share is named: no name is better than a false
one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from gsnr_ref.golden.case import every_case, n_values
from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.hypotheses import (
    Compared,
    Hypothesis,
    accounts_for,
    changed,
    has_one_constant,
)
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.quantity import QUANTITIES

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
            self._known[key] = accounts_for(hypothesis, c)
        return self._known[key]

    def explained(self, hypothesis: Hypothesis) -> list[Compared]:
        """Failing cases that it accounts for; as soon as they are too few, none."""
        found, left = [], len(self.failing)
        for c in self.failing:
            if self.explains(hypothesis, c):
                found.append(c)
            else:
                left -= 1
                if left < NEARLY_ALL * len(self.failing):
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
        return has_one_constant(hypothesis, explained)

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
                if None in (known[first].judge, known[second].judge)
                and self.explains((first, second), c)
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
    if n_failing not in map(len, found.values()):
        alone = {h: [c for c in evidence.failing if evidence.explains(h, c)] for h in singles}
        best = max(alone.values(), key=len)
        hardest = sorted(
            (c for c in evidence.failing if c not in best),
            key=lambda c: (-len(c.case.mistakes), n_values(c.case)),
        )
        two = evidence.supported(evidence.pairs(hardest[:TRIED]))
        most = len(max(found.values(), key=len, default=()))
        found |= {h: explained for h, explained in two.items() if len(explained) > most}
    if not found:
        return ()
    rank = {
        h: (len(e), -sum(mistakes()[id].judge is not None for id in h)) for h, e in found.items()
    }
    leading = [h for h in found if rank[h] == max(rank.values())]
    first = leading[0]
    shared = set(first).intersection(*leading)
    return tuple(_named(evidence, id, first, found[first]) for id in mistakes() if id in shared)


def _named(
    evidence: _Evidence, id: str, hypothesis: Hypothesis, explained: list[Compared]
) -> SuiteDiagnosis:
    needing = evidence.needing(id, hypothesis, explained)
    quantities = [
        q
        for q in QUANTITIES
        if any(q in c.failing and q in changed(id, c.case, c.tolerance) for c in needing)
    ]
    return SuiteDiagnosis(mistakes()[id], tuple(quantities), tuple(c.case.id for c in needing))
