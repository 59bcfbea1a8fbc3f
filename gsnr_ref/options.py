"""How options that several commands take are read. Imports nothing of the package."""

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def number(kind: Callable[[str], Number], minimum: float, expected: str) -> Callable[[str], Number]:
    """Return what reads a finite number of at least `minimum`, or says what it expected.

    Examples
    --------
    >>> number(int, 1, "a whole number, 1 or more")("10")
    10
    >>> number(int, 1, "a whole number, 1 or more")("0")
    Traceback (most recent call last):
        ...
    argparse.ArgumentTypeError: is '0'; expected a whole number, 1 or more
    """

    def read(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value < math.inf:
            raise argparse.ArgumentTypeError(f"is {text!r}; expected {expected}")
        return value

    return read


#: Reads a seed.
seed = number(int, 0, "a whole number, 0 or more")


def jobs(text: str) -> int:
    """Read a number of processes.

    Examples
    --------
    >>> jobs("-1")
    -1
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1 and value != -1:
        raise argparse.ArgumentTypeError(f"is {text!r}; expected 1 or more, or -1 for all cores")
    return value
