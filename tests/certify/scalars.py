"""Two kinds of exact scalars: ``fractions.Fraction``, and balls that are as small as needed.

Imports nothing of ``gsnr_ref``. All that computes is plain arithmetic that runs on either. A
ball (``flint.arb``) is an interval that is proven to hold the exact value; where it is too wide to
decide a sign or a rounding, `Undecided` is raised, and the caller tries again with more bits.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

#: A number to compute with: a Fraction or a flint.arb.
Scalar = Any

ROUNDOFF = Fraction(1, 2**53)


class Undecided(ArithmeticError):
    """The balls are too wide: more bits are needed."""


class Branches:
    """The signs that a computation asks for, in order: whatever branches on a value asks for one.

    A condition number is a derivative: where an input is moved, every branch is taken as at the
    stated inputs. Recorded there by `recorded`, the signs are given again by `kept`.
    """

    def __init__(self) -> None:
        self._signs: list[int] | None = None
        self._given: Iterator[int] | None = None

    @contextmanager
    def recorded(self) -> Iterator[list[int]]:
        """Write the signs down while they are asked for."""
        signs: list[int] = []
        self._signs = signs
        yield signs
        self._signs = None

    @contextmanager
    def kept(self, signs: list[int]) -> Iterator[None]:
        """Answer with these signs, one after the other, instead of those of the values."""
        self._given = iter(signs)
        yield
        assert next(self._given, None) is None, "fewer branches than at the stated inputs"
        self._given = None

    def sign(self, value: Scalar) -> int:
        """Return 1, 0 or −1."""
        if self._given is not None:
            return next(self._given)
        found = _sign(value)
        if self._signs is not None:
            self._signs.append(found)
        return found


BRANCHES = Branches()


def sign(value: Scalar) -> int:
    """Return 1, 0 or −1, proven; or the sign at the stated inputs, while `BRANCHES` are kept.

    Whatever branches on a value asks this function.
    """
    return BRANCHES.sign(value)


def _sign(value: Scalar) -> int:
    if value > 0:
        return 1
    if value < 0:
        return -1
    if isinstance(value, Fraction) or value.is_zero():
        return 0
    raise Undecided


def is_zero(value: Scalar) -> bool:
    """Tell whether a value is exactly 0."""
    return sign(value) == 0


def to_fraction(midpoint: Any) -> Fraction:
    """Return the exact value of a ball's midpoint, or of one of its ends."""
    mantissa, exponent = midpoint.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def round_to_double(value: Scalar) -> float:
    """Return the double nearest to the exact value: proven, or `Undecided`.

    Rounding never reverses an order, so if both ends of a ball round to one double, all of it does.
    Python divides whole numbers with correct rounding, so a Fraction does too.
    """
    if isinstance(value, (int, float, Fraction)):
        return float(value)
    middle, radius = to_fraction(value.mid()), to_fraction(value.rad())
    low, high = float(middle - radius), float(middle + radius)
    if low != high:
        raise Undecided
    return low


def is_degenerate(value: Scalar) -> bool:
    """Tell whether a value is one of the floats ``inf`` and ``nan`` rather than a number."""
    return isinstance(value, float) and not math.isfinite(value)


def balls(bits: int) -> Callable[[Any], Scalar]:
    """Set the precision of balls, and return the function that makes one of an exact number."""
    import flint

    flint.ctx.prec = bits

    def ball(number: Any) -> Scalar:
        exact = Fraction(number)
        return flint.arb(flint.fmpq(exact.numerator, exact.denominator))

    return ball
