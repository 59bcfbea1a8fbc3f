"""Independent pieces of work in several processes, through joblib. Imports nothing of the package.

Matrix products round differently on one BLAS thread than on two. Work that must give the same
digits whatever the number of processes runs on one thread each: `one_blas_thread`.
"""

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
    with threadpool_limits(1):
        yield


def in_parallel(
    function: Callable[..., Any], arguments: tuple[Any, ...], pieces: Iterable[Any], n_jobs: int
) -> list[Any]:
    """Return ``[function(*arguments, piece) for piece in pieces]``, computed by n_jobs processes.

    Raises
    ------
    ImportError
        If joblib, of the extra ``experiments``, is not installed.

    Examples
    --------
    >>> in_parallel(pow, (2,), [1, 2, 3], n_jobs=2)
    [2, 4, 8]
    """
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise ImportError(
            'n_jobs other than 1 needs joblib: pip install "gsnr-ref[experiments]"'
        ) from error
    return list(Parallel(n_jobs=n_jobs)(delayed(function)(*arguments, piece) for piece in pieces))
