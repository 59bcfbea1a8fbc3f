"""What an experiment is: a grid of independent cells, and what is made of their rows.

Imports ``experiments/harness/settings``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gsnr_ref.experiments.harness.settings import Expected, Settings, changed

#: One measurement: names and numbers, a line of results.csv.
Row = dict[str, Any]
#: Everything a cell depends on, as JSON can hold it.
Cell = dict[str, Any]
SCALES = ("smoke", "default", "paper")


@dataclass(frozen=True)
class Verdict:
    """Whether what is stated came out, and why.

    Attributes
    ----------
    word : str
        "yes", "no" or "undecided".
    reason : str

    Examples
    --------
    >>> print(Verdict("undecided", "2 runs; 5 are needed"))
    undecided: 2 runs; 5 are needed
    """

    word: str
    reason: str

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


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
    verdict : Verdict or None
        None where nothing is stated that a number could meet.

    Examples
    --------
    >>> Finding("corr at epoch 1", "0.97", "0.907 to 0.968", Verdict("yes", "in it")).measured
    '0.97'
    """

    what: str
    measured: str
    stated: str = ""
    verdict: Verdict | None = None


def samples_seen(cell: Cell) -> float:
    """About how many samples a cell passes through its model: what its time grows with.

    A step takes each training sample once, a measured step some ten times, and the test samples.

    Examples
    --------
    >>> samples_seen({"n": 10, "n_test": 5, "epochs": [1, 20], "n_sets": 3})
    1260.0
    """
    names = ("epochs", "measured_steps", "steps", "trained")
    lists = [cell[name] for name in names if name in cell]
    longest = max([cell.get("last_step", 0), *(max(steps) for steps in lists)])
    measured = max([len(steps) for steps in lists], default=4 * len(str(longest)))
    size = {"n": 100, "n_population": 0, "n_sets": 1, "n_runs": 1} | cell
    n, seen = size["n"], size.get("n_test", size["n_population"])
    return float(size["n_sets"] * size["n_runs"] * (longest * n + measured * (10 * n + 2 * seen)))


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes
    ----------
    name, title, asks : str
        `asks` is a paragraph for the report: what is asked, and how.
    scales : dict of str to Settings
        By scale: smoke (seconds), default (minutes), paper (hours, or a cluster). `by_scale` makes
        it from a table with a line a setting.
    expected : dict of str to Expected
        What each setting may be. Within it every run comes to its end, given time and memory.
    cells : callable
        ``cells(settings)`` -> cells without their seed, most expensive first.
    run : callable
        ``run(cell)`` -> rows. A pure function of the cell, defined at module level.
    figures : callable
        ``figures(rows, settings)`` -> matplotlib figures by name.
    findings : callable
        ``findings(rows, settings)`` -> findings.
    see : dict of str to str
        By the name of a figure: what to see in it, in a sentence. It stands under the figure, and
        is the text for those who do not see it.
    load : callable
        ``load(settings)`` reads the data that the cells will read, so that what is not there is
        told before anything is written.
    work : callable
        ``work(cell)`` -> a number that its time is about proportional to, among cells of its kind.
    """

    name: str
    title: str
    asks: str
    scales: dict[str, Settings]
    expected: Mapping[str, Expected]
    cells: Callable[[Settings], list[Cell]]
    run: Callable[[Cell], list[Row]]
    figures: Callable[[list[Row], Settings], dict[str, Any]]
    findings: Callable[[list[Row], Settings], list[Finding]]
    see: Mapping[str, str]
    load: Callable[[Settings], object] = lambda settings: None
    work: Callable[[Cell], float] = samples_seen

    def settings(self, scale: str, changes: Iterable[str] = ()) -> Settings:
        """Settings of a scale with ``key=value`` changes, checked against what is there.

        Raises
        ------
        ValueError
            In one line that names the key and what is expected, if a change is none of that.
        """
        return changed(self.scales[scale], self.expected, changes)


def by_scale(**settings: tuple[Any, Any, Any]) -> dict[str, Settings]:
    """The settings of each scale, from the values of each setting at all of `SCALES`.

    Examples
    --------
    >>> by_scale(n=(10, 100, 1000), data=("digits", "digits", "mnist"))["paper"]
    {'n': 1000, 'data': 'mnist'}
    """
    return {
        scale: {name: at_scales[k] for name, at_scales in settings.items()}
        for k, scale in enumerate(SCALES)
    }


def with_settings(cells: Iterable[Cell], settings: Settings, *names: str) -> list[Cell]:
    """Cells to which the settings of these names are added: what all cells of a grid share.

    Examples
    --------
    >>> with_settings([{"seed": 0}, {"seed": 1}], {"n": 10, "repetitions": 2}, "n")
    [{'seed': 0, 'n': 10}, {'seed': 1, 'n': 10}]
    """
    return [cell | {name: settings[name] for name in names} for cell in cells]


def labels(cell: Cell) -> Row:
    """What a table can say of a cell in each of its rows: its single values, without its lists.

    Examples
    --------
    >>> labels({"n": 10, "epochs": [1, 5]})
    {'n': 10}
    """
    return {name: value for name, value in cell.items() if not isinstance(value, list)}
