"""Cells computed in this process, in several, or on a Dask cluster; each kept once it is done.

Imports ``contract``, ``experiments/harness/experiment``, ``files`` and ``parallel``.
"""

import contextlib
import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gsnr_ref.contract import PrecisionWarning
from gsnr_ref.experiments.harness.experiment import Cell, Row
from gsnr_ref.files import write_atomically
from gsnr_ref.parallel import one_blas_thread

#: autograd traces in global state: in a worker that has several threads, cells take turns.
_ONE_AT_A_TIME = threading.Lock()


class GridError(OSError):
    """A grid stopped before its end; the message says what is kept."""


def cell_key(name: str, cell: Cell) -> str:
    """The file name of a cell: a digest of everything it depends on, this version included.

    Examples
    --------
    >>> cell_key("identity", {"n": 10}) != cell_key("identity", {"n": 11})
    True
    """
    text = json.dumps([name, version("gsnr-ref"), cell], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


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
        Holds one file a cell. Written by this process only, each file whole or not at all.
    n_jobs : int
        Processes; -1 for all cores.
    dask : str, optional
        Address of a Dask scheduler, instead.
    say : callable
        Told what the user should know.

    Raises
    ------
    GridError
        If a worker is lost or a file cannot be written. Cells that are done are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = [cell_key(name, cell) for cell in cells]
    done = {key: _read(folder, key, cell, say) for key, cell in zip(keys, cells, strict=True)}
    left = [(key, cell) for key, cell in zip(keys, cells, strict=True) if done[key] is None]
    if len(left) < len(cells):
        say(f"{name}: {len(cells) - len(left)} of {len(cells)} cells are there already")
    try:
        for key, cell, rows, seconds in _progress(name, _compute(run, left, n_jobs, dask), left):
            text = json.dumps({"cell": cell, "seconds": round(seconds, 3), "rows": rows})
            write_atomically(folder / f"{key}.json", text)
            done[key] = json.loads(text)["rows"]  # the same numbers as a resumed run reads
    except GridError:
        raise
    except OSError as error:
        raise GridError(_kept(name, done, f"{folder}: {error}")) from error
    except RuntimeError as error:  # what joblib and Dask raise for a lost worker
        if type(error).__module__.partition(".")[0] not in _WORKER_POOLS:
            raise
        reason = f"a worker was lost ({type(error).__name__}), perhaps for want of memory"
        raise GridError(_kept(name, done, reason)) from error
    return [row for key in keys for row in done[key] or []]


_WORKER_POOLS = {"joblib", "concurrent", "distributed", "loky"}


def _kept(name: str, done: dict[str, Any], reason: str) -> str:
    n_done = sum(rows is not None for rows in done.values())
    return f"{name}: {reason}. {n_done} of {len(done)} cells are kept; go on with --resume"


def _read(folder: Path, key: str, cell: Cell, say: Callable[[str], None]) -> list[Row] | None:
    """Rows of a cell that is done; None if it is not, or its file does not hold it."""
    path = folder / f"{key}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["cell"] == cell and isinstance(kept["rows"], list):
            return list(kept["rows"])
        raise ValueError("it holds another cell")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        say(f"{path} is corrupt ({error}); its cell is computed again")
        return None


def _compute(
    run: Callable[[Cell], list[Row]],
    cells: list[tuple[str, Cell]],
    n_jobs: int,
    dask: str | None,
) -> Iterator[tuple[str, Cell, list[Row], float]]:
    """Key, cell, rows and seconds, in the order in which cells are done."""
    if n_jobs == 1 and dask is None:
        for key, cell in cells:
            yield (key, cell, *run_cell(run, cell))
        return
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError as error:
        raise ImportError(
            'running in parallel needs joblib: pip install "gsnr-ref[experiments]"'
        ) from error
    with contextlib.ExitStack() as stack:
        if dask is not None:
            stack.enter_context(_client(dask))
            stack.enter_context(parallel_config(backend="dask"))
            parallel = Parallel(return_as="generator_unordered", batch_size=1)
        else:
            parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
        tasks = (delayed(_keyed)(run, key, cell) for key, cell in cells)
        yield from parallel(tasks)


def _keyed(
    run: Callable[[Cell], list[Row]], key: str, cell: Cell
) -> tuple[str, Cell, list[Row], float]:
    return (key, cell, *run_cell(run, cell))


@contextlib.contextmanager
def _client(address: str) -> Iterator[None]:
    """A client of a cluster whose workers have this version, with their profiler paused."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError('--dask needs distributed: pip install "gsnr-ref[cluster]"') from error
    connect: Any = Client  # which has no types
    try:
        client = connect(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise GridError(f"--dask {address}: no scheduler answers there ({error})") from error
    ours = version("gsnr-ref")
    try:  # a worker that cannot read a task would never answer
        found = set(client.run(version, "gsnr-ref").values())
    except Exception as error:  # whatever a worker raises
        client.close()
        raise GridError(f"--dask {address}: a worker lacks gsnr-ref ({error})") from error
    if found != {ours}:
        client.close()
        has = f"workers have gsnr-ref {sorted(found)}" if found else "there is no worker"
        raise GridError(f"--dask {address}: {has}; expected gsnr-ref {ours} in all")
    with client:
        client.run(_sample_stacks, on=False)
        try:
            yield
        finally:
            client.run(_sample_stacks, on=True)


def _sample_stacks(on: bool, dask_worker: Any) -> None:
    """Start or stop a Dask worker's sampling of stacks, which slows cells by a tenth or more."""
    sampling = dask_worker.periodic_callbacks.get("profile")
    if sampling is not None:
        sampling.start() if on else sampling.stop()


def _progress(name: str, results: Iterator[Any], cells: list[Any]) -> Iterator[Any]:
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError('reproduce needs tqdm: pip install "gsnr-ref[experiments]"') from error
    # disable=None: quiet where the output is no terminal
    yield from tqdm(results, total=len(cells), desc=name, unit="cell", disable=None, leave=False)
