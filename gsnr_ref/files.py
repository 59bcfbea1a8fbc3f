"""Imports nothing of the package: files written whole or not at all."""

import errno
import os
import secrets
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

_WAIT_FOR_A_READER = 10.0  # seconds


def write_atomically(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8; see `write_bytes_atomically`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "claims.json"
    >>> write_atomically(path, "{}")
    >>> path.read_text()
    '{}'
    """
    write_bytes_atomically(path, text.encode("utf-8"))


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    A new file gets the mode that the umask leaves; one that is there keeps its mode, and its owner
    where that can be. A link is followed and stays. What is no regular file (a device, a pipe) is
    written to, and so is the file that standard output goes to.

    Raises
    ------
    OSError
        That names `path`, if it cannot be written. What was there before is there still.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "figure.png"
    >>> write_bytes_atomically(path, b"PNG")
    >>> path.read_bytes()
    b'PNG'
    """
    try:
        there = _status(path)
        stream = None if there is None else _stream_of(there)
        if stream is not None:
            _write_through(stream, content)
        elif there is None or stat.S_ISREG(there.st_mode):
            _replace(Path(os.path.realpath(path)), content, there)
        else:
            with open(_open_for_writing(path, there), "wb") as file:
                file.write(content)
    except OSError as error:
        if error.errno is None:
            raise OSError(f"{path}: {error}") from error
        raise OSError(error.errno, error.strerror, str(path)) from error


def _status(path: Path) -> os.stat_result | None:
    """What is there, through links; None if nothing is."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _stream_of(there: os.stat_result) -> int | None:
    """The descriptor, 1 or 2, of standard output or error if it is this very file."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), there):
                return descriptor
    return None


def _write_through(descriptor: int, content: bytes) -> None:
    sys.stdout.flush()  # what was printed before comes before
    sys.stderr.flush()
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)


def _open_for_writing(path: Path, there: os.stat_result) -> int:
    """Open what is no regular file. A pipe that nobody reads is waited for, not for ever."""
    patience = time.monotonic() + _WAIT_FOR_A_READER
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:  # of a pipe that nobody reads: no such device or address
            if not stat.S_ISFIFO(there.st_mode) or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def _replace(path: Path, content: bytes, there: os.stat_result | None) -> None:
    """Put a new file in the place of a regular one, or of none."""
    if there is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected", str(path))
    temporary = name_beside(path)
    try:
        # Nobody reads what is written for an owner alone, not even before its mode is set.
        mode = 0o666 if there is None else 0o600
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
        if there is not None:
            if hasattr(os, "chown"):
                with suppress(OSError):  # only root gives files away
                    os.chown(temporary, there.st_uid, there.st_gid)
            os.chmod(temporary, stat.S_IMODE(there.st_mode))
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def name_beside(path: Path) -> Path:
    """A name for what will be put in a path's place: hidden, in the same folder, and new.

    Examples
    --------
    >>> name_beside(Path("out/claims.json")).parent.name
    'out'
    """
    return path.parent / f".gsnr-ref-{secrets.token_hex(8)}"


def check_writable(option: str, path: Path) -> None:
    """Refuse, before the work is done, a file that could not be written after it.

    Examples
    --------
    >>> check_writable("--json", Path("no/such/folder/f.json"))
    Traceback (most recent call last):
        ...
    OSError: --json no/such/folder/f.json: its folder is missing or cannot be written
    >>> check_writable("--json", Path("."))
    Traceback (most recent call last):
        ...
    OSError: --json .: it is a folder; expected a file
    """
    try:
        there = _status(path)
    except OSError as error:  # a loop of links, a name too long, a folder that may not be read
        raise OSError(f"{option} {path}: {error.strerror}") from error
    if there is None:
        check_folder_writable(option, path)
    elif stat.S_ISDIR(there.st_mode):
        raise OSError(f"{option} {path}: it is a folder; expected a file")
    elif stat.S_ISSOCK(there.st_mode):
        raise OSError(f"{option} {path}: it is a socket; expected a file")
    elif not os.access(path, os.W_OK):
        raise OSError(f"{option} {path}: it cannot be written")
    elif stat.S_ISREG(there.st_mode) and _stream_of(there) is None:
        check_folder_writable(option, path)


def check_folder_writable(option: str, path: Path) -> None:
    """Refuse a name in a folder that is missing, or in which nothing can be made.

    Examples
    --------
    >>> check_folder_writable("DIR", Path("no/such/folder/cases"))
    Traceback (most recent call last):
        ...
    OSError: DIR no/such/folder/cases: its folder is missing or cannot be written
    """
    trial = name_beside(Path(os.path.realpath(path)))
    try:  # permissions do not tell all: a file system may be read-only, or no place for files
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        trial.unlink()
    except OSError as error:
        raise OSError(f"{option} {path}: its folder is missing or cannot be written") from error
