"""IDX and CIFAR-10 files, gzipped or not, read as what they are: a stranger's input."""

import gzip
import math
import os
import stat
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from .affine_maps import Array

MAX_IDX_DIMENSIONS = 8
CIFAR10_RECORD = 1 + 3 * 32 * 32
MAX_CIFAR10_BYTES = 60_000 * CIFAR10_RECORD
PIECE = 1 << 20


def read_idx(path: str | Path, max_bytes: int = 1 << 30) -> Array:
    """Read an IDX file of unsigned bytes, gzipped or not. The file is taken as hostile.

    Parameters
    ----------
    path : path
    max_bytes : int
        Refuse more data than this, unpacked.

    Returns
    -------
    ndarray of uint8, of the shape that the file's header gives

    Raises
    ------
    ValueError
        Naming the file, if it is no regular file, the magic number is wrong, the sizes do not fit
        the data, or the data are truncated, oversized or not gzip after all. Memory follows the
        data that are there, not the sizes that the header claims, and unpacking stops at the
        claimed size: at most twice the smaller of both, and 4 MiB, are taken.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two-by-three"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    >>> read_idx(path)
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    """
    with open_regular(path) as file:
        return parse_idx(path, file, max_bytes)


def parse_idx(name: str | Path, file: BinaryIO, max_bytes: int) -> Array:
    """Read IDX data, gzipped or not, from a file that is open; `name` is for errors."""
    stream = _unpacked(file)
    magic = _take(name, stream, 4)
    if len(magic) < 4 or magic[:3] != b"\x00\x00\x08":
        raise ValueError(
            f"{name}: magic number is {magic.hex(' ') or 'missing'}; "
            "expected 00 00 08 and the number of dimensions (IDX, unsigned bytes)"
        )
    n_dimensions = magic[3]
    if not 1 <= n_dimensions <= MAX_IDX_DIMENSIONS:
        raise ValueError(
            f"{name}: header gives {n_dimensions} dimensions; expected 1 to {MAX_IDX_DIMENSIONS}"
        )
    header = _take(name, stream, 4 * n_dimensions)
    if len(header) < 4 * n_dimensions:
        raise ValueError(
            f"{name}: truncated; the header needs {4 + 4 * n_dimensions} bytes, "
            f"there are {4 + len(header)}"
        )
    shape = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(0, len(header), 4))
    expected = math.prod(shape)
    if not 0 < expected <= max_bytes:
        raise ValueError(
            f"{name}: sizes {shape} need {expected} bytes of data; expected 1 to {max_bytes}"
        )
    content = _take(name, stream, expected + 1)
    if len(content) < expected:
        raise ValueError(
            f"{name}: truncated; sizes {shape} need {expected} bytes of data, "
            f"there are {len(content)}"
        )
    if len(content) > expected:
        raise ValueError(
            f"{name}: oversized; sizes {shape} need {expected} bytes of data, there are more"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file; refuse a folder, a pipe or a device, which may have no end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path}: is no regular file; expected a file of data")
    return open(path, "rb")


def _unpacked(file: BinaryIO) -> BinaryIO:
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file


def _take(name: str | Path, stream: BinaryIO, n_bytes: int) -> bytearray:
    """Read n bytes, or all where there are fewer, in pieces: asking for much takes no memory."""
    content = bytearray()
    try:
        while piece := stream.read(min(PIECE, n_bytes - len(content))):
            content += piece
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name}: truncated or corrupt gzip data ({error})") from error
    return content


def parse_cifar10(name: str | Path, file: BinaryIO) -> Array:
    """Read CIFAR-10 records (n_images, 3073), gzipped or not, from a file that is open.

    Memory follows the data that are there; of a packed file no more is unpacked than the 60,000
    images that there are. `name` is for errors.
    """
    content = _take(name, _unpacked(file), MAX_CIFAR10_BYTES + 1)
    if len(content) > MAX_CIFAR10_BYTES:
        raise ValueError(f"{name}: oversized; expected at most 60000 images of 3073 bytes")
    records = np.frombuffer(content, np.uint8)
    if len(records) == 0 or len(records) % CIFAR10_RECORD or records[::CIFAR10_RECORD].max() > 9:
        raise ValueError(
            f"{name}: {len(content)} bytes; expected a multiple of 3073, each a label byte, 0 to "
            "9, and 3072 pixels"
        )
    return records.reshape(-1, CIFAR10_RECORD)
