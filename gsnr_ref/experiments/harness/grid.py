"""Cells computed in this process, in several, or on a Dask cluster; each kept once it is done.

Imports ``contract``, ``experiments/harness/cells``, ``experiments/harness/dask_cluster``,
``experiments/harness/experiment`` and ``parallel``.
"""

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gsnr_ref.contract import PrecisionWarning
from gsnr_ref.experiments.harness.cells import (
    CellFileError,
    GridError,
    cell_key,
    read_cell,
    write_cell,
)
from gsnr_ref.experiments.harness.dask_cluster import on_cluster
from gsnr_ref.experiments.harness.experiment import Cell, Row
from gsnr_ref.parallel import n_workers, one_blas_thread, starting_workers

#: autograd traces in global state: in a worker that has several threads, cells take turns.
_ONE_AT_A_TIME = threading.Lock()


def run_cell(run: Callable[[Cell], list[Row]], cell: Cell) -> tuple[list[Row], float]:
    """Rows of one cell and the seconds they took, on one BLAS thread: the same digits anywhere."""
    start = time.perf_counter()
    with _ONE_AT_A_TIME, one_blas_thread(), warnings.catch_warnings():
        # Gradients below 1e-150, of all but dead units: no figure shows them.
        warnings.simplefilter("ignore", PrecisionWarning)
        rows = run(cell)
    return rows, time.perf_counter() - start


def run_grid(
    name: str,
    run: Callable[[Cell], list[Row]],
    cells: list[Cell],
    folder: Path,
    n_jobs: int = 1,
    dask: str | None = None,
    say: Callable[[str], None] = print,
) -> list[Row]:
    """Return the rows of all cells, in order, computing those that `folder` does not hold.

    Parameters
    ----------
    name : str
        Of the experiment.
    run : callable
        Of a cell; must be importable by other processes.
    cells : list of Cell
    folder : path
        Holds one file a cell. Written by this process only, each file whole or not at all. A file
        that is truncated, was changed, or holds something else is told, and its cell is computed
        again in its place: nothing but computing time is lost. Other files are left alone.
    n_jobs : int
        Processes, at most one a cell and one a core; -1 for all cores.
    dask : str, optional
        Address of a Dask scheduler, instead.
    say : callable
        Told what the user should know.

    Raises
    ------
    GridError
        If all workers are lost, or a file cannot be read or written. Cells that are done are kept.
    """
    keys = [cell_key(name, cell) for cell in cells]
    done = {key: _kept(folder, key, cell, say) for key, cell in zip(keys, cells, strict=True)}
    left = [(key, cell) for key, cell in zip(keys, cells, strict=True) if done[key] is None]
    if len(left) < len(cells):
        say(f"{name}: {len(cells) - len(left)} of {len(cells)} cells are there already")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for key, cell, rows, seconds in _progress(name, _compute(run, left, n_jobs, dask), left):
            done[key] = write_cell(folder / f"{key}.json", cell, rows, seconds)
    except GridError as error:
        raise GridError(_so_far(name, done, str(error))) from error
    except MemoryError as error:
        reason = "a cell needs more memory than there is; set smaller sizes, or fewer --jobs"
        raise GridError(_so_far(name, done, reason)) from error
    except Exception as error:  # joblib and Dask have their own for a worker that is lost
        if type(error).__module__.partition(".")[0] not in _WORKER_POOLS:
            raise
        reason = f"a worker was lost ({type(error).__name__}), perhaps for want of memory"
        raise GridError(_so_far(name, done, reason)) from error
    return [row for key in keys for row in done[key] or []]


_WORKER_POOLS = {"joblib", "concurrent", "distributed", "loky"}


def _so_far(name: str, done: dict[str, Any], reason: str) -> str:
    n_done = sum(rows is not None for rows in done.values())
    return f"{name}: {reason}. {n_done} of {len(done)} cells are kept; go on with --resume"


def _kept(folder: Path, key: str, cell: Cell, say: Callable[[str], None]) -> list[Row] | None:
    """Rows of a cell that is done; None if it is not, or its file does not hold it."""
    path = folder / f"{key}.json"
    try:
        held = read_cell(path, cell)
    except CellFileError as error:
        say(f"{path} is corrupt ({error}); its cell is computed again")
        return None
    return None if held is None else held[0]


def _compute(
    run: Callable[[Cell], list[Row]],
    cells: list[tuple[str, Cell]],
    n_jobs: int,
    dask: str | None,
) -> Iterator[tuple[str, Cell, list[Row], float]]:
    """Key, cell, rows and seconds, in the order in which cells are done."""
    tasks = [(run, key, cell) for key, cell in cells]
    if not tasks:
        return
    if dask is not None:
        yield from on_cluster(dask, _keyed, tasks)
        return
    workers = 1 if n_jobs == 1 else n_workers(n_jobs, len(tasks))
    if workers == 1:
        yield from (_keyed(*task) for task in tasks)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(workers, return_as="generator_unordered", batch_size=1)
    with starting_workers():
        results = parallel(delayed(_keyed)(*task) for task in tasks)
    try:
        for result in results:  # noqa: UP028 (`yield from` would close the results itself)
            yield result
    finally:
        with warnings.catch_warnings():  # that tasks are stopped: so they should
            warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning)
            results.close()


def _keyed(
    run: Callable[[Cell], list[Row]], key: str, cell: Cell
) -> tuple[str, Cell, list[Row], float]:
    return (key, cell, *run_cell(run, cell))


def _progress(name: str, results: Iterator[Any], cells: list[Any]) -> Iterator[Any]:
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError('reproduce needs tqdm: pip install "gsnr-ref[experiments]"') from error
    # disable=None: quiet where the output is no terminal
    yield from tqdm(results, total=len(cells), desc=name, unit="cell", disable=None, leave=False)
