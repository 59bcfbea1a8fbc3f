"""One run a folder. Imports ``experiments/harness/cells``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsnr_ref.experiments.harness.cells import GridError


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder, and hold it for this run alone.

    What is held is a lock of the operating system on the folder itself. It leaves no file, and ends
    with the process however that ends: a killed run never blocks the next one. Where there are no
    such locks (Windows; some network file systems) nothing is held.

    Raises
    ------
    GridError
        If another run holds it.
    OSError
        If it cannot be made.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> with held(folder), held(folder):
    ...     pass
    Traceback (most recent call last):
        ...
    gsnr_ref.experiments.harness.cells.GridError: ...: another run is at work in this folder; ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GridError(
                f"{folder}: another run is at work in this folder; expected one that nobody uses, "
                "or wait for the end of that run"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
