"""What a grid of cells will take, from a few that are timed.

Imports ``experiments/harness/experiment`` and ``experiments/harness/grid``.
"""

import time
from dataclasses import dataclass

from gsnr_ref.experiments.harness.experiment import Cell, Experiment
from gsnr_ref.experiments.harness.grid import run_cell

#: Settings that a timed cell has less of, and at most how much.
_SHORTENED = {"last_step": 11, "n_sets": 2, "n_runs": 3, "n_trials": 10}
_STEPS = ("epochs", "steps", "measured_steps", "trained", "formula_steps")
#: What makes cells alike: others may have another model, or another kind of work.
_KINDS = ("kind", "task", "unit", "data", "optimizer", "n_layers", "picture")


@dataclass(frozen=True)
class Estimate:
    """Cells of one kind, and the seconds that all of them will take together on one core.

    Attributes
    ----------
    kind : str
    n_cells : int
    seconds, longest : float
        Of all cells, and of the one with the most work.
    timed : float
        Seconds of the shortened cell that this rests on.

    Examples
    --------
    >>> Estimate("n = 10", 3, 60.0, 30.0, timed=0.5).seconds
    60.0
    """

    kind: str
    n_cells: int
    seconds: float
    longest: float
    timed: float


def estimates(experiment: Experiment, cells: list[Cell]) -> list[Estimate]:
    """Time a shortened cell of each kind, the one with the least work; scale by the work.

    The work of a cell is a count of samples; what it leaves out (caches, sizes of layers, what a
    process needs to start) makes this right within a factor of 2 or 3, not better.
    """
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        kind = ", ".join(str(cell[name]) for name in _KINDS if name in cell)
        groups.setdefault(kind, []).append(cell)
    found = []
    for kind, mine in groups.items():
        short = shortened(min(mine, key=experiment.work))
        timed = seconds_of(experiment, short)
        each = [timed * experiment.work(cell) / experiment.work(short) for cell in mine]
        found.append(Estimate(kind or "all", len(mine), sum(each), max(each), timed))
    return found


def seconds_of(experiment: Experiment, cell: Cell) -> float:
    """Seconds of computing that a cell takes: those of a quiet machine, on a busy one too."""
    start = time.process_time()
    run_cell(experiment.run, cell)
    return time.process_time() - start


def shortened(cell: Cell) -> Cell:
    """The same with few steps and runs: what is timed.

    Examples
    --------
    >>> shortened({"n": 50, "epochs": [1, 5, 100], "n_sets": 10})
    {'n': 50, 'epochs': [1, 5], 'n_sets': 2}
    """
    short = {k: min(v, _SHORTENED[k]) if k in _SHORTENED else v for k, v in cell.items()}
    for name in set(_STEPS) & set(cell):
        short[name] = [step for step in cell[name] if step <= 11] or cell[name][:1]
    return short


def in_words(seconds: float) -> str:
    """A length of time in the unit that fits it.

    Examples
    --------
    >>> in_words(42), in_words(600), in_words(9e5)
    ('42 seconds', '10 minutes', '10 days')
    """
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} seconds"
