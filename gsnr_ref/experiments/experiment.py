"""What an experiment is: a grid of independent cells, and what is made of their rows.

Imports nothing of the package.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: One measurement: names and numbers, a line of results.csv.
Row = dict[str, Any]
#: Everything a cell depends on, as JSON can hold it.
Cell = dict[str, Any]
Settings = dict[str, Any]
SCALES = ("smoke", "default", "paper")


@dataclass(frozen=True)
class Finding:
    """One outcome beside what the paper, or the theory, states.

    Attributes
    ----------
    what : str
    measured : str
        From the rows of this run.
    stated : str
        By the paper or the theory; empty where neither says anything.
    agrees : bool or None
        None where nothing is stated that a number could meet.

    Examples
    --------
    >>> Finding("Pearson correlation at epoch 1", "0.97", "0.907 to 0.968", True).measured
    '0.97'
    """

    what: str
    measured: str
    stated: str = ""
    agrees: bool | None = None


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes
    ----------
    name, title, asks : str
        `asks` is a paragraph for the report: what is asked, and how.
    scales : dict of str to Settings
        By scale: smoke (seconds), default (minutes), paper (hours, or a cluster).
    cells : callable
        ``cells(settings)`` -> cells without their seed, most expensive first.
    run : callable
        ``run(cell)`` -> rows. A pure function of the cell, defined at module level.
    figures : callable
        ``figures(rows, settings)`` -> matplotlib figures by name.
    findings : callable
        ``findings(rows, settings)`` -> findings.
    """

    name: str
    title: str
    asks: str
    scales: dict[str, Settings]
    cells: Callable[[Settings], list[Cell]]
    run: Callable[[Cell], list[Row]]
    figures: Callable[[list[Row], Settings], dict[str, Any]]
    findings: Callable[[list[Row], Settings], list[Finding]]

    def settings(self, scale: str, changes: Iterable[str] = ()) -> Settings:
        """Settings of a scale with ``key=value`` changes, checked against what is there.

        Raises
        ------
        ValueError
            If a change is no ``key=value``, the key is not there, or the value has another type.
        """
        settings = dict(self.scales[scale])
        for change in changes:
            key, equals, text = change.partition("=")
            if not equals or key not in settings:
                raise ValueError(
                    f"--set {change}: expected one of {sorted(settings)}, = and a value"
                )
            settings[key] = _like(settings[key], text, change)
        return settings


def _like(old: Any, text: str, change: str) -> Any:
    """Read a value of the type of the old one; a single value will do for a list."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if isinstance(old, list) and not isinstance(value, list):
        value = [value]
    pairs = (
        zip(value, [old[0]] * len(value), strict=True) if isinstance(old, list) else [(value, old)]
    )
    for new, model in pairs:
        number = isinstance(model, (int, float)) and not isinstance(model, bool)
        fits = isinstance(new, (int, float)) and not isinstance(new, bool) if number else (
            isinstance(new, type(model))
        )  # fmt: skip
        if not fits or (isinstance(model, int) and new != int(new)):
            raise ValueError(f"--set {change}: is {new!r}; expected {type(model).__name__}")
    if isinstance(old, list) and not value:
        raise ValueError(f"--set {change}: is empty; expected at least one value")
    return value


def select(rows: Iterable[Row], **where: Any) -> list[Row]:
    """Rows whose entries are these.

    Examples
    --------
    >>> select([{"n": 1, "r": 0.5}, {"n": 2, "r": 0.7}], n=2)
    [{'n': 2, 'r': 0.7}]
    """
    return [row for row in rows if all(row.get(k) == v for k, v in where.items())]


def column(rows: Iterable[Row], name: str) -> NDArray[np.float64]:
    """One entry of each row, as an array.

    Examples
    --------
    >>> column([{"r": 0.5}, {"r": 0.7}], "r")
    array([0.5, 0.7])
    """
    return np.array([row[name] for row in rows], dtype=float)


def values(rows: Iterable[Row], name: str) -> list[Any]:
    """Different entries, in the order in which they come.

    Examples
    --------
    >>> values([{"n": 2}, {"n": 1}, {"n": 2}], "n")
    [2, 1]
    """
    return list(dict.fromkeys(row[name] for row in rows))


def mean_curve(
    rows: Iterable[Row], x: str, y: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean of y over all rows with the same x, and its standard error (nan for a single row).

    Examples
    --------
    >>> x, mean, error = mean_curve([{"t": 0, "g": 1.0}, {"t": 0, "g": 3.0}], "t", "g")
    >>> x, mean, error
    (array([0.]), array([2.]), array([1.]))
    """
    groups: dict[float, list[float]] = {}
    for row in rows:
        groups.setdefault(row[x], []).append(row[y])
    at = sorted(groups)
    mean = np.array([np.mean(groups[a]) for a in at])
    error = np.array(
        [np.std(g, ddof=1) / np.sqrt(len(g)) if len(g := groups[a]) > 1 else np.nan for a in at]
    )
    return np.array(at, dtype=float), mean, error


@dataclass(frozen=True)
class Rise:
    """The largest rise of a curve while it is early: before it falls below a third of its start.

    From one of its points to the highest later one. What a curve does near its noise floor, late,
    is no rise in this sense.

    Examples
    --------
    >>> print(Rise.of(np.arange(6), np.array([4.0, 2.0, 3.0, 1.0, 0.1, 0.5])))
    4 at step 0, early rise × 1.50 from step 1 to 2, 0.5 at step 5
    """

    factor: float
    start: float
    top: float
    ends: tuple[float, float, float, float]

    @classmethod
    def of(cls, at: NDArray[Any], curve: NDArray[Any]) -> "Rise":
        """Of a positive curve over steps."""
        low = np.flatnonzero(curve < curve[0] / 3)
        early = curve[: low[0]] if len(low) else curve
        later = np.maximum.accumulate(early[::-1])[::-1]
        i = int(np.argmax(later / early))
        top = i + int(np.argmax(early[i:]))
        ends = (float(curve[0]), float(at[0]), float(curve[-1]), float(at[-1]))
        return cls(float(later[i] / early[i]), float(at[i]), float(at[top]), ends)

    def __str__(self) -> str:
        first, first_at, last, last_at = self.ends
        rise = f"early rise × {self.factor:.2f} from step {self.start:.0f} to {self.top:.0f}"
        if self.factor == 1:
            rise = "no early rise"
        return f"{first:.3g} at step {first_at:.0f}, {rise}, {last:.3g} at step {last_at:.0f}"
