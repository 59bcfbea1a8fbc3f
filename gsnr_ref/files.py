"""Files written whole or not at all. Imports nothing of the package."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "claims.json"
    >>> write_atomically(path, "{}")
    >>> path.read_text()
    '{}'
    """
    write_bytes_atomically(path, text.encode("utf-8"))


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "figure.png"
    >>> write_bytes_atomically(path, b"PNG")
    >>> path.read_bytes()
    b'PNG'
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def check_writable(option: str, path: Path) -> None:
    """Refuse, before the work is done, a file that could not be written after it.

    Examples
    --------
    >>> check_writable("--json", Path("no/such/folder/f.json"))
    Traceback (most recent call last):
        ...
    OSError: --json no/such/folder/f.json: its folder is missing or cannot be written
    """
    if not os.access(path.resolve().parent, os.W_OK):
        raise OSError(f"{option} {path}: its folder is missing or cannot be written")
