"""Files of strangers: read up to a bound, their words made fit to print. Imports ``contract``."""

import stat
from pathlib import Path
from typing import NoReturn

from gsnr_ref.contract import InputError


def read_bounded(path: Path, max_bytes: int, expected: str) -> bytes:
    """Read a regular file of at most so many bytes; a pipe or a device may have no end.

    Raises
    ------
    OSError
        If it cannot be read.
    InputError
        If it is no regular file, or larger.

    Examples
    --------
    >>> read_bounded(Path("/dev/null"), 10, "a results file")
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: /dev/null is no regular file; expected a results file
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a folder says what is wrong
        raise InputError(f"{path} is no regular file; expected {expected}")
    with path.open("rb") as file:
        raw = file.read(max_bytes + 1)
    if len(raw) > max_bytes:
        size = f"{max_bytes // 2**20} MiB" if max_bytes >= 2**20 else f"{max_bytes // 2**10} KiB"
        raise InputError(f"{path} is larger than {size}; expected {expected}")
    return raw


def printable(text: str) -> str:
    r"""Text with control characters, and all else that does not print, as escapes.

    Examples
    --------
    >>> print(printable("GSNR² \x1b[2J \u202e \ud800"))
    GSNR² \x1b[2J \u202e \ud800
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def refuse(name: Path | str, what: str) -> NoReturn:
    """Raise an error on what a file holds, short and fit to print whatever that is.

    Examples
    --------
    >>> refuse("results.json", "has \x1b[2J")
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: results.json: has \\x1b[2J
    """
    what = printable(what)
    raise InputError(f"{name}: {what if len(what) <= 600 else what[:600] + ' ...'}")
