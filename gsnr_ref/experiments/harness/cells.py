"""The files that hold cells: one each, with a digest of what it holds.

Imports ``experiments/harness/experiment`` and ``files``.
"""

import hashlib
import json
import stat
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gsnr_ref.experiments.harness.experiment import Cell, Row
from gsnr_ref.files import write_atomically

_MOST_BYTES = 1 << 30


class GridError(OSError):
    """A grid stopped before its end; the message says what is kept."""


class CellFileError(ValueError):
    """A file does not hold what was computed for its cell; the message says why."""


def cell_key(name: str, cell: Cell) -> str:
    """The file name of a cell: a digest of everything it depends on, this version included.

    Examples
    --------
    >>> cell_key("identity", {"n": 10}) != cell_key("identity", {"n": 11})
    True
    """
    text = json.dumps([name, version("gsnr-ref"), cell], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def as_text(cell: Cell, rows: list[Row], seconds: float) -> str:
    """What the file of a cell holds.

    The digest is against accidents and edits. It has no secret, so it is none against forgers.
    """
    kept = {"cell": cell, "seconds": round(seconds, 3), "rows": rows}
    return json.dumps(kept | {"sha256": _digest(kept)}) + "\n"


def _digest(kept: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def rows_in(content: bytes, cell: Cell) -> tuple[list[Row], float]:
    """Rows of a cell, and the seconds they took, from what its file holds.

    Raises
    ------
    CellFileError
        If the rows are not, digit for digit, those that were written for this cell.

    Examples
    --------
    >>> text = as_text({"n": 10}, [{"r": 0.5}], 1.0)
    >>> rows_in(text.encode(), {"n": 10})
    ([{'r': 0.5}], 1.0)
    >>> rows_in(text.replace("0.5", "0.6").encode(), {"n": 10})
    Traceback (most recent call last):
        ...
    gsnr_ref.experiments.harness.cells.CellFileError: it was changed since it was written
    """
    try:
        kept = json.loads(content.decode("utf-8"))
        if not isinstance(kept, dict):
            raise CellFileError("it holds no cell")
        digest = kept.pop("sha256", None)
        if digest is None:
            raise CellFileError("it has no digest: an earlier version wrote it, or another program")
        if digest != _digest(kept):
            raise CellFileError("it was changed since it was written")
    except UnicodeDecodeError as error:
        raise CellFileError("it is no text") from error
    except json.JSONDecodeError as error:
        raise CellFileError(f"it is truncated, or no JSON: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise CellFileError("it is nested too deeply, or too large for the memory") from error
    except CellFileError:
        raise
    except ValueError as error:  # a number of too many digits
        raise CellFileError(f"it holds what no cell does: {error}") from error
    if kept.keys() != {"cell", "seconds", "rows"} or kept["cell"] != cell:
        raise CellFileError("it holds another cell")
    rows, seconds = kept["rows"], kept["seconds"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CellFileError("it holds no rows")
    if not isinstance(seconds, (int, float)):
        raise CellFileError("it does not tell how long it took")
    return rows, seconds


def read_cell(path: Path, cell: Cell) -> tuple[list[Row], float] | None:
    """What the file of a cell holds; None if it is not there.

    Raises
    ------
    CellFileError
        If it holds anything but what was written for this cell.
    GridError
        That names the file and what to do, if it cannot be read at all.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for a writer
            raise OSError("it is no regular file")
        if status.st_size > _MOST_BYTES:
            raise CellFileError(f"it has {status.st_size} bytes; expected at most {_MOST_BYTES}")
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GridError(
            f"{path}: cannot be read ({error.strerror or error}); remove it, or make it readable, "
            "and go on with --resume"
        ) from error
    except MemoryError as error:
        raise CellFileError("it is too large for the memory") from error
    return rows_in(content, cell)


def write_cell(path: Path, cell: Cell, rows: list[Row], seconds: float) -> list[Row]:
    """Write the file of a cell; return its rows, with the same numbers as a resumed run reads.

    Raises
    ------
    GridError
        That names the file, if it cannot be written.
    """
    text = as_text(cell, rows, seconds)
    try:
        write_atomically(path, text)
    except OSError as error:
        raise GridError(f"{path}: cannot be written ({error.strerror or error})") from error
    return list(json.loads(text)["rows"])
