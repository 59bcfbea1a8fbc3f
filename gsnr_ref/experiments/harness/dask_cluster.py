"""Cells on a Dask cluster. Imports ``experiments/harness/cells``."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any

from gsnr_ref.experiments.harness.cells import GridError

_ANSWERS_WITHIN = "10s"
_WITHOUT_WORKERS = 60.0  # seconds: a nanny, or a queue of jobs, has that long to start new ones


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Any]:
    """A client of a cluster whose workers have this version, with their profiler paused.

    Raises
    ------
    GridError
        If no scheduler answers at the address, or its workers are none or have another version.
    ImportError
        If distributed, of the extra ``cluster``, is not installed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError('--dask needs distributed: pip install "gsnr-ref[cluster]"') from error
    connect: Any = Client  # which has no types
    try:
        client = connect(address, timeout=_ANSWERS_WITHIN)
    except Exception as error:  # whatever a wrong address brings about
        reason = str(error) or type(error).__name__
        raise GridError(f"--dask {address}: no scheduler answers there ({reason})") from error
    try:
        ours = version("gsnr-ref")
        try:  # a worker that cannot read a task would never answer
            found = set(client.run(version, "gsnr-ref").values())
        except Exception as error:  # whatever a worker raises
            raise GridError(f"--dask {address}: a worker lacks gsnr-ref ({error})") from error
        if found != {ours}:
            has = f"workers have gsnr-ref {sorted(found)}" if found else "there is no worker"
            raise GridError(f"--dask {address}: {has}; expected gsnr-ref {ours} in all")
        _sample(client, on=False)
        try:
            yield client
        finally:
            _sample(client, on=True)
    finally:
        client.close()


def on_cluster(
    address: str, task: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]
) -> Iterator[Any]:
    """Return ``task(*a)`` for all arguments, in the order in which they are done.

    The scheduler gives the task of a worker that is lost to another one. Workers may come and go.

    Raises
    ------
    GridError
        If the scheduler is lost, or for a minute there is no worker.
    """
    from distributed import as_completed

    finished_: Any = as_completed  # which has no types
    with cluster(address) as client:
        futures = [client.submit(task, *a, pure=False) for a in arguments]
        finished = finished_(futures, with_results=True)  # which no worker has to be asked for
        seen = time.monotonic()
        while finished.count():
            while not finished.has_ready():
                time.sleep(0.02)
                if client.status != "running":
                    raise GridError(f"--dask {address}: the scheduler was lost")
                if time.monotonic() - seen > 1 and client.nthreads():
                    seen = time.monotonic()
                if time.monotonic() - seen > _WITHOUT_WORKERS:
                    raise GridError(f"--dask {address}: all workers were lost")
            future, result = next(finished)
            if future.status in ("cancelled", "lost"):
                raise GridError(f"--dask {address}: the scheduler was lost")
            yield result


def _sample(client: Any, on: bool) -> None:
    """Start or stop the workers' sampling of stacks, which slows cells by a tenth or more."""
    if client.status == "running":
        with contextlib.suppress(Exception):  # a worker can be lost at any time
            client.run(_sample_stacks, on=on)


def _sample_stacks(on: bool, dask_worker: Any) -> None:
    sampling = dask_worker.periodic_callbacks.get("profile")
    if sampling is not None:
        sampling.start() if on else sampling.stop()
