"""Independent pieces of work in several processes, through joblib. Imports nothing of the package.

With one BLAS thread a process, so that processes do not compete for cores.
"""

from collections.abc import Callable, Iterable
from typing import Any


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
