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
    BRANCHES,
    ROUNDOFF,
    Scalar,
    Undecided,
    balls,
    is_degenerate,
    round_to_double,
)

Tree = Any
#: What is a square, or a ratio of squares: where it is 0, errors of its terms come in squared.
SQUARES = (
    "losses",
    "reduced_loss",
    "variance_ddof0",
    "variance_ddof1",
    "gsnr_ddof0",
    "gsnr_ddof1",
    "osgr_weights",
    "predicted_osgr",
    "noise_scale",
    "coherence",
)
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

    Δ_k f is what f changes by if input k is multiplied by 1 + u, with u = 2^−53, every branch taken
    as at the stated inputs. It is 0 for ``inf`` and ``nan``. Where f is 0 there is no relative
    change, and the number is absolute, (M + Σ_k |Δ_k f|^(1/o)/u)^o, with the order o of f in an
    error (2 for what is a square) and the magnitude M of the terms that cancel.
    """
    number = balls(BITS[1])
    inputs = Inputs(case, number)
    with BRANCHES.recorded() as signs:
        exact = all_quantities(case, inputs)
    orders = {q: map_tree(lambda _, q=q: order(q), tree) for q, tree in exact.items()}
    moved = number(1 + ROUNDOFF)
    total = magnitudes(case, exact)
    for vector, index in inputs.places():
        stated = vector[index]
        if stated.is_zero():
            continue
        vector[index] = stated * moved
        with BRANCHES.kept(signs):
            changed = all_quantities(case, inputs)
        total = map_tree(
            lambda sum_, f, g, o: sum_ + _change(f, g, o), total, exact, changed, orders
        )
        vector[index] = stated
    return map_tree(_condition, total, exact, orders)


def order(quantity: str) -> int:
    """Order of a quantity in an error of what it is made of, where it is 0: 2 for a square."""
    return 2 if quantity in SQUARES else 1


def magnitudes(case: Case, exact: Tree) -> Tree:
    """Magnitude of the terms of each value that is 0 because they cancel; 0 for any other value.

    A sum errs by roundings of its terms, whatever it comes to: a mean by those of Σ_i p_i |g_i|,
    and what is made of means and deviations accordingly.
    """
    shares = Inputs(case, Fraction).shares

    def size_of(g_j: tuple[Scalar, ...]) -> float:
        return math.fsum(float(p) * abs(float(g_i)) for p, g_i in zip(shares, g_j, strict=True))

    size = {
        name: [size_of(g_j) for g_j in zip(*rows, strict=True)]
        for name, rows in exact["per_sample_gradients"].items()
    }
    mean, variance = (map_tree(float, exact[q]) for q in ("mean", "variance_ddof0"))
    total = math.hypot(*leaves_of(size))
    signal, noise = math.hypot(*leaves_of(mean)), math.sqrt(math.fsum(leaves_of(variance)))
    in_deviations = map_tree(lambda s, v: s / math.sqrt(v) if v else 0.0, size, variance)
    factor = len(shares) if case.reduction == "sum" else 1
    found = map_tree(lambda _: 0.0, exact) | {
        "mean": size,
        "variance_ddof0": size,
        "variance_ddof1": size,
        "gsnr_ddof0": in_deviations,
        "gsnr_ddof1": in_deviations,
        "noise_scale": total / signal if signal else 0.0,
        "coherence": total / noise if noise else 0.0,
        "predicted_osgr": {
            n: total * math.sqrt(int(n)) / noise if noise else 0.0 for n in exact["predicted_osgr"]
        },
        "reduced_gradient": map_tree(lambda s: s * factor, size),
    }
    return {
        quantity: map_tree(lambda f, m: m if _is_0(f) else 0.0, tree, found[quantity])
        for quantity, tree in exact.items()
    }


def leaves_of(tree: Tree) -> list[float]:
    """Numbers of nested dicts and lists, in order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [v for part in tree for v in leaves_of(part)] if isinstance(tree, list) else [tree]


def _is_0(value: Scalar) -> bool:
    return not is_degenerate(value) and bool(value.contains(0))


def _condition(total: float, value: Scalar, order: int) -> float:
    return float(f"{total**order if _is_0(value) else total:.2g}")


def _change(value: Scalar, changed: Scalar, order: int) -> float:
    """|changed − value|/(u |value|), or |changed|^(1/order)/u where the value is 0."""
    if is_degenerate(value):
        return 0.0
    difference = abs(changed - value)
    if difference.contains(0):
        return 0.0
    if _is_0(value):
        return float(float(difference.mid()) ** (1 / order)) / float(ROUNDOFF)
    return float((difference / abs(value)).mid()) / float(ROUNDOFF)


def written(value: float) -> float | str:
    """A double as JSON can hold it: ``"inf"`` and ``"nan"`` are strings."""
    return value if math.isfinite(value) else str(value)
