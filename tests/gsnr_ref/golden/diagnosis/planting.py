"""Mistakes planted in golden cases, one or two, and the names that the whole is given.

``python -m tests.gsnr_ref.golden.diagnosis.planting`` plants everything in every case: each mistake
that is not listed, each that is, and each pair of these in both orders. It takes some minutes.
"""

import random
from collections.abc import Callable, Iterable
from functools import cache
from itertools import combinations, permutations
from typing import Any

import numpy as np

from gsnr_ref import golden
from gsnr_ref.contract import leaves_with_paths
from gsnr_ref.golden import GoldenCase
from gsnr_ref.golden.case import every_case, n_values
from gsnr_ref.golden.diagnosis import Compared, diagnose_suite
from gsnr_ref.golden.diagnosis.matching import with_values
from gsnr_ref.golden.quantity import (
    QuantityReport,
    allowed_error,
    compare_quantity,
    dtype_of,
    is_close,
)

Plant = Callable[[GoldenCase], dict[str, Any]]


def whole() -> list[GoldenCase]:
    """Every case that states all values: mistakes are made of them."""
    return [case for case in every_case().values() if case.expected and not case.selected]


def sample() -> list[GoldenCase]:
    """Every twelfth case, and small ones so that two list each mistake."""
    chosen = whole()[::12]
    for id in golden.mistakes():
        n_chosen = sum(id in case.mistakes for case in chosen)
        others = [case for case in whole() if id in case.mistakes and case not in chosen]
        chosen += sorted(others, key=n_values)[: max(0, 2 - n_chosen)]
    return chosen


def compared(plant: Plant, cases: Iterable[GoldenCase]) -> list[Compared]:
    """What becomes of a backend that makes a mistake."""

    def report(case: GoldenCase, quantity: str, value: Any) -> QuantityReport:
        dtype = dtype_of(quantity, value)
        tolerance = case.tolerance[dtype]
        assert tolerance is not None, case
        return compare_quantity(case, quantity, value, dtype, tolerance, "gsnr_ref")

    def reports(case: GoldenCase) -> Compared:
        with np.errstate(all="ignore"):
            made = case.expected | {q: v for q, v in plant(case).items() if q in case.expected}
        return Compared(case, tuple(report(case, q, value) for q, value in made.items()))

    return [reports(case) for case in cases]


def names(plant: Plant, cases: Iterable[GoldenCase]) -> set[str]:
    """Ids of the mistakes that are named."""
    return {d.mistake.id for d in diagnose_suite(compared(plant, cases))}


def both(first: str, second: str) -> Plant:
    """Two listed mistakes, the second made with the values of the first."""

    def plant(case: GoldenCase) -> dict[str, Any]:
        below = golden.mistakes()[first].wrong(case)
        try:
            return below | golden.mistakes()[second].wrong(with_values(case, below))
        except (ValueError, IndexError):  # of shapes that the second cannot take
            return below

    return plant


def pairs(n: int) -> list[tuple[str, str]]:
    """Some pairs of listed mistakes, in either order."""
    rng = random.Random(1)
    every = [tuple(rng.sample(pair, 2)) for pair in combinations(golden.mistakes(), 2)]
    return rng.sample(every, min(n, len(every)))


@cache
def _planted(hypothesis: tuple[str, ...], id: str) -> dict[str, Any]:
    case = every_case()[id]
    plant = both(*hypothesis) if len(hypothesis) == 2 else golden.mistakes()[hypothesis[0]].wrong
    with np.errstate(all="ignore"):
        return {q: v for q, v in plant(case).items() if q in case.expected}


def are_the_same(case: GoldenCase, one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two backends' values are as near as one backend's may be to what is right."""
    for quantity in one | other:
        trees = [values.get(quantity, case.expected[quantity]) for values in (one, other)]
        ours, theirs = (dict(leaves_with_paths(tree)) for tree in trees)
        conditions = dict(leaves_with_paths(case.condition[quantity]))
        if ours.keys() != theirs.keys():
            return False
        for path in ours:
            a, b = np.asarray(ours[path]), np.asarray(theirs[path])
            condition = np.asarray(conditions.get(path, 0.0))
            if condition.shape != a.shape:
                condition = np.max(condition, initial=0.0)
            tolerance = max(case.tolerance[dtype_of(quantity, v)] or 0.0 for v in (a, b))
            near = allowed_error(a, condition, tolerance, quantity)
            near = np.where(np.isfinite(near), near, 0.0)  # inf is not near 0
            if a.shape != b.shape or not is_close(a, b, near).all():
                return False
    return True


def others_that_make_the_same(pair: tuple[str, str]) -> list[tuple[str, ...]]:
    """Listed mistakes, one or two and not both of the pair, with the pair's values in every case.

    Values as they are planted, without the diagnosis: nobody can name both of such a pair.
    """
    known = golden.mistakes()
    left = [(id,) for id in known] + list(permutations(known, 2))
    left = [h for h in left if not set(pair) <= set(h)]
    for case in sorted(whole(), key=lambda c: (set(pair).isdisjoint(c.mistakes), n_values(c))):
        values = _planted(pair, case.id)
        left = [h for h in left if are_the_same(case, values, _planted(h, case.id))]
    return left


def main() -> None:
    from tests.gsnr_ref.golden.diagnosis.unlisted import UNLISTED

    false = {name: found for name, p in UNLISTED.items() if (found := names(p, whole()))}
    print(f"not listed: {len(UNLISTED)} planted, {len(false)} named: {false}")
    known = golden.mistakes()
    missed = {id: found for id in known if (found := names(known[id].wrong, whole())) != {id}}
    print(f"listed: {len(known) - len(missed)} of {len(known)} named: {missed}")
    found = {pair: names(both(*pair), whole()) for pair in pairs(10**6)}
    n_both = sum(set(pair) == given for pair, given in found.items())
    n_true = sum(bool(given) and given <= set(pair) for pair, given in found.items())
    n_false = sum(not given <= set(pair) for pair, given in found.items())
    print(
        f"pairs: {len(found)} planted, both named {n_both}, one or both {n_true}, false {n_false}"
    )
    told = {pair: given for pair, given in found.items() if not others_that_make_the_same(pair)}
    n_both = sum(set(pair) == given for pair, given in told.items())
    print(f"of these nothing else makes the values of {len(told)}: both named {n_both}")


if __name__ == "__main__":
    main()
