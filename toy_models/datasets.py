"""Real data: handwritten digits, MNIST, and randomly relabelled copies."""

import gzip
import hashlib
import math
import os
import stat
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from .affine_maps import Array

MNIST_SHA256 = {  # of the uncompressed files
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MAX_IDX_DIMENSIONS = 8
_MNIST_BYTES = 60_000 * 28 * 28
_CIFAR10_RECORD = 1 + 3 * 32 * 32
_CIFAR10_BYTES = 60_000 * _CIFAR10_RECORD
_PIECE = 1 << 20


def load_digits() -> tuple[Array, Array]:
    """Return scikit-learn's handwritten digits: real, and installed with it.

    Returns
    -------
    x : ndarray of float, shape (1797, 64)
        8 × 8 pixels, 0 to 1.
    y : ndarray of int, shape (1797,)
        0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is not installed; it comes with the extra ``experiments``.

    Examples
    --------
    >>> x, y = load_digits()
    >>> x.shape, float(x.max()), int(y.max())
    ((1797, 64), 1.0, 9)
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise ImportError(
            'load_digits needs scikit-learn: pip install "gsnr-ref[experiments]"'
        ) from error
    x, y = load(return_X_y=True)
    return x / 16.0, y.astype(np.int64)


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
    with _open_regular(path) as file:
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
    if not 1 <= n_dimensions <= _MAX_IDX_DIMENSIONS:
        raise ValueError(
            f"{name}: header gives {n_dimensions} dimensions; expected 1 to {_MAX_IDX_DIMENSIONS}"
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


def _open_regular(path: str | Path) -> BinaryIO:
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
        while piece := stream.read(min(_PIECE, n_bytes - len(content))):
            content += piece
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name}: truncated or corrupt gzip data ({error})") from error
    return content


def load_mnist(directory: str | Path | None = None, split: str = "train") -> tuple[Array, Array]:
    """Return MNIST from its IDX files, gzipped or not, checked against the published SHA-256.

    Parameters
    ----------
    directory : path, optional
        Where the files are. Left out: the environment variable ``GSNR_REF_DATA``, and if that is
        not set, a download by pooch into the user's cache. In either folder the files may also
        lie in a subfolder ``mnist``.
    split : {"train", "test"}
        The 60,000 training images, or the 10,000 test images.

    Returns
    -------
    x : ndarray of float, shape (n_images, 784)
        Pixels, 0 to 1.
    y : ndarray of int, shape (n_images,)
        0 to 9.

    Raises
    ------
    FileNotFoundError
        If the directory does not hold the files.
    ValueError
        Naming the file, if its contents are not the published ones.
    ImportError
        If a download is needed and pooch, of the extra ``experiments``, is not installed.

    Examples
    --------
    >>> load_mnist("no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: directory is 'no/such/folder'; expected a folder with the MNIST files...
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
    prefix = "train" if split == "train" else "t10k"
    if directory is None:
        directory = os.environ.get("GSNR_REF_DATA") or None
    images, labels = (
        _read_mnist_file(directory, f"{prefix}-{kind}")
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    return images.reshape(len(images), -1) / 255.0, labels.astype(np.int64)


def _read_mnist_file(directory: str | Path | None, name: str) -> Array:
    path = _download_mnist_file(name) if directory is None else _find(Path(directory), name)
    array = read_idx(path, _MNIST_BYTES)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    digest = hashlib.sha256(header + array.tobytes()).hexdigest()
    if digest != MNIST_SHA256[name]:
        raise ValueError(
            f"{path}: SHA-256 of the contents is {digest}; expected {MNIST_SHA256[name]}"
        )
    return array


def _find(directory: Path, name: str) -> Path:
    for folder in (directory, directory / "mnist"):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise FileNotFoundError(
        f"directory is {str(directory)!r}; expected a folder with the MNIST files, "
        f"but {name} or {name}.gz is not there"
    )


def _download_mnist_file(name: str) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            'downloading MNIST needs pooch: pip install "gsnr-ref[experiments]"'
        ) from error
    try:
        return Path(
            pooch.retrieve(
                f"{MNIST_URL}{name}.gz",
                known_hash=None,  # the contents are checked, not one of their packings
                path=pooch.os_cache("gsnr-ref"),
                fname=f"{name}.gz",
            )
        )
    except OSError as error:
        raise FileNotFoundError(
            f"directory was left out, and downloading {name} failed ({error}); "
            "give the folder that holds the MNIST files, or set GSNR_REF_DATA"
        ) from error


def randomize_labels(y: Any, probability: float, seed: int) -> Array:
    """Replace each label, with the given probability, by a uniform draw from the classes present.

    A replaced label can come out as it was: with C classes a share
    ``probability * (C − 1) / C`` of the labels changes. The joint distribution is the mixture
    (1 − p)·(true) + p·(uniform label).

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
    probability : float, 0 to 1
    seed : int

    Returns
    -------
    ndarray of int, shape (n_samples,)
        A copy; `y` stays as it is.

    Raises
    ------
    ValueError
        If `y` is not a list of classes or `probability` is no probability.

    Examples
    --------
    >>> y = np.arange(1000) % 10
    >>> float((randomize_labels(y, 0.5, seed=0) != y).mean())
    0.422
    """
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}; expected integers, (n_samples,)"
        )
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability}; expected 0 to 1")
    rng = np.random.default_rng(seed)
    labels: Array = y.copy()
    replaced = rng.random(y.shape) < probability
    if y.size:
        labels[replaced] = rng.choice(np.unique(y), y.shape)[replaced]
    return labels


def load_cifar10(directory: str | Path | None = None, split: str = "train") -> tuple[Array, Array]:
    """Return CIFAR-10 images from files of the binary version, gzipped or not.

    Parameters
    ----------
    directory : path, optional
        Where ``data_batch_*.bin`` and ``test_batch.bin`` lie, or files named ``train*.bin`` and
        ``test*.bin`` of the same format (a subset, say), or a subfolder ``cifar10`` with them. Left
        out: the environment variable ``GSNR_REF_DATA``.
    split : {"train", "test"}

    Returns
    -------
    x : ndarray of float, shape (n_images, 32, 32, 3)
        Pixels, 0 to 1; channels last.
    y : ndarray of int, shape (n_images,)
        0 to 9.

    Raises
    ------
    FileNotFoundError
        If the directory does not hold the files. There is no download.
    ValueError
        Naming the file, if it is not in the format: 1 label byte, then 3,072 pixel bytes an image.

    Examples
    --------
    >>> load_cifar10("no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: directory is 'no/such/folder'; expected a folder with the CIFAR-10 files...
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
    root = Path(directory or os.environ.get("GSNR_REF_DATA") or ".")
    patterns = ("data_batch_*.bin*", "train*.bin*") if split == "train" else ("test*.bin*",)
    for folder in (root, root / "cifar10"):
        paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
        if paths:
            records = np.concatenate([_read_cifar10_file(path) for path in paths])
            pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return pixels / 255.0, records[:, 0].astype(np.int64)
    raise FileNotFoundError(
        f"directory is {str(root)!r}; expected a folder with the CIFAR-10 files, binary version, "
        f"but there is no {' or '.join(patterns)}"
    )


def _read_cifar10_file(path: Path) -> Array:
    with _open_regular(path) as file:
        return parse_cifar10(path, file)


def parse_cifar10(name: str | Path, file: BinaryIO) -> Array:
    """Read CIFAR-10 records (n_images, 3073), gzipped or not, from a file that is open.

    Memory follows the data that are there; of a packed file no more is unpacked than the 60,000
    images that there are. `name` is for errors.
    """
    content = _take(name, _unpacked(file), _CIFAR10_BYTES + 1)
    if len(content) > _CIFAR10_BYTES:
        raise ValueError(f"{name}: oversized; expected at most 60000 images of 3073 bytes")
    records = np.frombuffer(content, np.uint8)
    if len(records) == 0 or len(records) % _CIFAR10_RECORD or records[::_CIFAR10_RECORD].max() > 9:
        raise ValueError(
            f"{name}: {len(content)} bytes; expected a multiple of 3073, each a label byte, 0 to "
            "9, and 3072 pixels"
        )
    return records.reshape(-1, _CIFAR10_RECORD)
