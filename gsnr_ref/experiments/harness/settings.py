"""What a setting may be, and how ``--set KEY=VALUE`` is read. Imports nothing of the package."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Settings = dict[str, Any]
_MOST_VALUES = 100


@dataclass(frozen=True)
class Expected:
    """What each value of a setting may be: made by `whole`, `number` or `one_of`.

    Attributes
    ----------
    kind : type
        int, float or str.
    low, high : float
        Bounds of a number, both included.
    choices : tuple of str
    n_values : int, optional
        How many values a list must have. Left out: one or more, all different.
    """

    kind: type
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    n_values: int | None = None

    def values(self, n: int) -> "Expected":
        """The same, for a list of n values, which may be equal."""
        return replace(self, n_values=n)

    def read(self, value: Any) -> Any:
        """The value as its own kind: 100 for 1e2 where whole numbers are expected.

        Raises
        ------
        ValueError
            If it is none of what is expected.
        """
        if self.kind is str:
            fits = isinstance(value, str) and value in self.choices
        else:
            fits = (
                isinstance(value, (int, float))
                and not isinstance(value, bool)
                and self.low <= value <= self.high
                and (self.kind is float or value % 1 == 0)
            )
        if not fits:
            raise ValueError(f"is none of {self}")
        return self.kind(value)

    def __str__(self) -> str:
        if self.kind is str:
            return f"one of {', '.join(self.choices)}"
        bounds = f"{self.low:.15g} to {self.high:.15g}"
        return f"a {'whole ' if self.kind is int else ''}number, {bounds}"


def whole(low: int, high: int) -> Expected:
    """A whole number from `low` to `high`.

    Examples
    --------
    >>> print(whole(2, 100))
    a whole number, 2 to 100
    """
    return Expected(int, low, high)


def number(low: float, high: float) -> Expected:
    """A number from `low` to `high`.

    Examples
    --------
    >>> print(number(0, 1))
    a number, 0 to 1
    """
    return Expected(float, low, high)


def one_of(*choices: str) -> Expected:
    """One of these words.

    Examples
    --------
    >>> print(one_of("tanh", "relu"))
    one of tanh, relu
    """
    return Expected(str, choices=choices)


def expectation(expected: Expected, old: Any) -> str:
    """What a setting takes whose value so far is `old`, in words.

    Examples
    --------
    >>> expectation(whole(2, 100), [5, 10])
    'a whole number, 2 to 100, or a list of them, all different'
    """
    if not isinstance(old, list):
        return str(expected)
    if expected.n_values is not None:
        return f"a list of {expected.n_values} values, each {expected}"
    return f"{expected}, or a list of them, all different"


def changed(
    settings: Settings, expected: Mapping[str, Expected], changes: Iterable[str]
) -> Settings:
    """Settings with ``key=value`` changes, each checked against what is expected.

    Raises
    ------
    ValueError
        In one line that names the key and what is expected, if a change is no ``key=value``, there
        is no such key, or the value is none of those expected.

    Examples
    --------
    >>> changed({"n": [10]}, {"n": whole(2, 1000)}, ["n=[20, 1e2]"])
    {'n': [20, 100]}
    >>> changed({"n": [10]}, {"n": whole(2, 1000)}, ["n=1"])
    Traceback (most recent call last):
        ...
    ValueError: --set n: is '1'; expected a whole number, 2 to 1000, or a list of them, ...
    """
    new = dict(settings)
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or key not in settings:
            raise ValueError(
                f"--set is {_short(change)}; expected KEY=VALUE, KEY one of "
                f"{', '.join(sorted(settings))}"
            )
        try:
            new[key] = _read(text, settings[key], expected[key])
        except ValueError as error:
            wanted = expectation(expected[key], settings[key])
            raise ValueError(f"--set {key}: is {_short(text)}; expected {wanted}") from error
    return new


def _read(text: str, old: Any, expected: Expected) -> Any:
    """The value that a text stands for; a single value will do for a list."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # a word; a number of too many digits; [[[[[...
        value = text
    if not isinstance(old, list):
        return expected.read(value)
    listed = value if isinstance(value, list) else [value]
    if expected.n_values is not None:
        fits = len(listed) == expected.n_values
    else:
        fits = 1 <= len(listed) <= _MOST_VALUES
    read = [expected.read(one) for one in listed] if fits else []
    if not fits or (expected.n_values is None and len(set(read)) < len(read)):
        raise ValueError(f"has {len(listed)} values, or equal ones")
    return read


def _short(text: str) -> str:
    """In quotes, on one line, and not too long for it."""
    quoted = ascii(text)
    return quoted if len(quoted) <= 60 else f"{quoted[:57]}...{quoted[-1]}"
