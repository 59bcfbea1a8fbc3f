"""What a known mistake is, and how a function from right to wrong values becomes one.

Imports, of ``golden``, ``case``, ``quantity`` and ``diagnosis/derived``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gsnr_ref.golden.case import GoldenCase, folder
from gsnr_ref.golden.diagnosis.derived import Values
from gsnr_ref.golden.quantity import QuantityReport

Wrong = Callable[[GoldenCase], Values]
Judge = Callable[[GoldenCase, QuantityReport, float], bool]
Constant = Callable[[GoldenCase, QuantityReport, float], tuple[float, float]]


@dataclass(frozen=True)
class Mistake:
    """A known wrong way.

    Attributes
    ----------
    id, title, effect, remedy : str
    seen : tuple of str
        Links to where it was seen, or where the right way is written.
    wrong : callable
        ``wrong(case)`` -> the wrong values, by quantity; none where it cannot be made.
    judge : callable or None
        ``judge(case, report, tolerance)`` -> whether a failing quantity is what the mistake can
        make of it. Only where the wrong values depend on rounding or on a constant that is not
        known: any other mistake is recognized by its wrong values.
    judged : tuple of str
        Quantities that the judge judges. Others that fail follow from them: anything may be there.
    constant : callable or None
        ``constant(case, report, tolerance)`` -> the least and the largest positive constant that
        gives a judged quantity: where the mistake has one that is not known, it must be the same
        in all cases. (0, inf) where a quantity tells nothing, (inf, 0) where no constant does. That
        of the judge, if it has one.
    can_make : callable or None
        The judge of a case among many, which need not support a constant by itself. That of the
        judge, if it has one, or the judge itself.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> mistake = golden.mistakes()["mean-loss-variance"]
    >>> case = golden.load("linear-eight-samples")  # B = 8: GSNR is too large by B² = 64
    >>> wrong = mistake.wrong(case)["gsnr_ddof0"]["linear.bias"]
    >>> (wrong / case.expected["gsnr_ddof0"]["linear.bias"]).round(6)
    array([64.])
    """

    id: str
    title: str
    effect: str
    remedy: str
    seen: tuple[str, ...]
    wrong: Wrong
    judge: Judge | None = None
    judged: tuple[str, ...] = ()
    constant: Constant | None = None
    can_make: Judge | None = None


@cache
def texts() -> dict[str, dict[str, Any]]:
    """Return what each mistake is called, does, and where it was seen: ``mistakes.json``."""
    return dict(json.loads((folder() / "mistakes.json").read_text(encoding="utf-8")))


def known_as(
    id: str,
    judge: Judge | None = None,
    judged: tuple[str, ...] = (),
    constant: Constant | None = None,
) -> Callable[[Wrong], Mistake]:
    """Make a mistake of a function from a case, whose expected values are right, to wrong ones."""

    def named(function: Wrong) -> Mistake:
        def wrong(case: GoldenCase) -> Values:
            with np.errstate(all="ignore"):
                values = {} if case.selected else function(case)  # of all entries, or not at all
            return {quantity: v for quantity, v in values.items() if quantity in case.expected}

        text = texts()[id]
        words = text["title"], text["effect"], text["remedy"], tuple(text["seen"])
        range_of = constant or getattr(judge, "constant", None)
        can_make = getattr(judge, "can_make", judge)
        return Mistake(id, *words, wrong, judge, judged, range_of, can_make)

    return named
