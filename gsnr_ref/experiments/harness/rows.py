"""Rows of a table: chosen, read as arrays, averaged. Imports ``experiments/harness/experiment``."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gsnr_ref.experiments.harness.experiment import Row


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
