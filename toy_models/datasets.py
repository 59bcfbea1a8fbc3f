"""Real data: handwritten digits, MNIST, and randomly relabelled copies."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from .affine_maps import Array
from .binary_files import open_regular, parse_cifar10, read_idx

MNIST_SHA256 = {  # of the uncompressed files
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MNIST_BYTES = 60_000 * 28 * 28


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
    with open_regular(path) as file:
        return parse_cifar10(path, file)
