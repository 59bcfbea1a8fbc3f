"""Correctly rounded values of a case, and their condition numbers.

Imports nothing of ``gsnr_ref``.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.certify.cases import Case
from tests.certify.quantities import Inputs, all_quantities
from tests.certify.scalars import (
    ROUNDOFF,
    Scalar,
    Undecided,
    balls,
    is_degenerate,
    round_to_double,
)

Tree = Any
BITS = (256, 512, 1024, 2048, 4096)


def map_tree(function: Callable[..., Any], first: Tree, *rest: Tree) -> Tree:
    """Apply a function to corresponding leaves of nested dicts and lists."""
    if isinstance(first, dict):
        return {k: map_tree(function, first[k], *(r[k] for r in rest)) for k in first}
    if isinstance(first, list):
        return [map_tree(function, *leaves) for leaves in zip(first, *rest, strict=True)]
    return function(first, *rest)


def certified(case: Case) -> Tree:
    """Every expected value of a case as the double nearest to its exact value.

    A case flagged ``rational`` is computed in Fractions; any other in balls, with more and more
    bits until every sign and every rounding is decided.
    """
    if "rational" in case.flags:
        return map_tree(round_to_double, all_quantities(case, Inputs(case, Fraction)))
    return in_balls(case, lambda values: map_tree(round_to_double, values))


def in_balls(case: Case, use: Callable[[Tree], Any]) -> Any:
    """Compute a case in balls and `use` its values, with more bits wherever they are too few."""
    for bits in BITS:
        try:
            return use(all_quantities(case, Inputs(case, balls(bits))))
        except Undecided:
            continue
    raise Undecided(f"{case.id}: {BITS[-1]} bits do not decide; is a value a double exactly?")


def conditions(case: Case) -> Tree:
    """How much rounding the stated inputs can change each value: Σ_k |Δ_k f|/(u |f|).

    Δ_k f is what f changes by if input k is multiplied by 1 + u, with u = 2^−53. Where f is 0 there
    is no relative change, and the number is Σ_k |Δ_k f|/u. It is 0 for ``inf`` and ``nan``.
    """
    number = balls(BITS[1])
    inputs = Inputs(case, number)
    exact = all_quantities(case, inputs)
    moved = number(1 + ROUNDOFF)
    total = map_tree(lambda value: 0.0, exact)
    for vector, index in inputs.places():
        stated = vector[index]
        if stated.is_zero():
            continue
        vector[index] = stated * moved
        changed = all_quantities(case, inputs)
        total = map_tree(lambda sum_, f, g: sum_ + _change(f, g), total, exact, changed)
        vector[index] = stated
    return map_tree(lambda sum_: float(f"{sum_:.2g}"), total)


def _change(value: Scalar, changed: Scalar) -> float:
    """|changed − value|/(u |value|), or |changed|/u where the value is 0."""
    if is_degenerate(value):
        return 0.0
    if is_degenerate(changed):
        return float(1 / ROUNDOFF)  # it changes altogether
    difference = abs(changed - value)
    if difference.contains(0):
        return 0.0
    unit = 1 if value.contains(0) else abs(value)
    return float((difference / unit).mid()) / float(ROUNDOFF)


def written(value: float) -> float | str:
    """A double as JSON can hold it: ``"inf"`` and ``"nan"`` are strings."""
    return value if math.isfinite(value) else str(value)
