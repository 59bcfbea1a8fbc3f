"""Independent pieces of work in several processes, through joblib. Imports nothing of the package.

Matrix products round differently on one BLAS thread than on two. Work that must give the same
digits whatever the number of processes runs on one thread each: `one_blas_thread`.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread, if threadpoolctl (extra ``experiments``) is there to do so.

    Examples
    --------
    >>> with one_blas_thread():
    ...     1 + 1
    2
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # then joblib is not there either, and there is only one process
        yield
        return
    with _interrupts_wait():
        limits = threadpool_limits(1)
    with limits:
        yield


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C until the end.

    threadpoolctl finds the libraries of a process through a callback from C, and an exception in
    such a callback is printed and lost: a Ctrl-C there would do nothing.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    held: list[Any] = []
    signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if held:
            handler(*held[0])


@contextmanager
def starting_workers() -> Iterator[None]:
    """Processes that start in here never see the Ctrl-C that a terminal sends to all: we stop them.

    Examples
    --------
    >>> with starting_workers():
    ...     1 + 1
    2
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def n_workers(n_jobs: int, n_pieces: int) -> int:
    """How many processes to start: never more than there are pieces of work, or cores.

    Each keeps one core busy, so that more than there are cores would only take memory.

    Parameters
    ----------
    n_jobs : int
        As asked for, 1 or more; -1 for all cores.
    n_pieces : int

    Examples
    --------
    >>> n_workers(10_000, n_pieces=1)
    1
    """
    n = min(_cores(), n_pieces)
    return max(1, n if n_jobs == -1 else min(n_jobs, n))


def _cores() -> int:
    """That this process may use, by its affinity and its container's limits."""
    try:
        from joblib import cpu_count
    except ImportError as error:
        raise ImportError(
            'n_jobs other than 1 needs joblib: pip install "gsnr-ref[experiments]"'
        ) from error
    return int(cpu_count())


def in_parallel(
    function: Callable[..., Any], arguments: tuple[Any, ...], pieces: Iterable[Any], n_jobs: int
) -> list[Any]:
    """Return ``[function(*arguments, piece) for piece in pieces]``, computed by n_jobs processes.

    Never by more than there are pieces, or cores: see `n_workers`.

    Raises
    ------
    ImportError
        If joblib, of the extra ``experiments``, is not installed.

    Examples
    --------
    >>> in_parallel(pow, (2,), [1, 2, 3], n_jobs=2)
    [2, 4, 8]
    """
    pieces = list(pieces)
    workers = n_workers(n_jobs, len(pieces))
    from joblib import Parallel, delayed

    tasks = (delayed(function)(*arguments, piece) for piece in pieces)
    with starting_workers():
        results = Parallel(workers, return_as="generator")(tasks)
    return list(results)
