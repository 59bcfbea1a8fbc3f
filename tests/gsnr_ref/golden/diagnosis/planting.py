"""Mistakes planted in golden cases, one or two, and the names that the whole is given.

``python -m tests.gsnr_ref.golden.diagnosis.planting`` plants everything in every case: each mistake
that is not listed, each that is, and each pair of these in both orders. It takes some minutes.
"""

import random
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import numpy as np

from gsnr_ref import golden
from gsnr_ref.golden import GoldenCase
from gsnr_ref.golden.case import every_case, n_values
from gsnr_ref.golden.diagnosis import Compared, diagnose_suite
from gsnr_ref.golden.diagnosis.matching import with_values
from gsnr_ref.golden.quantity import QuantityReport, compare_quantity, dtype_of

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


if __name__ == "__main__":
    main()
