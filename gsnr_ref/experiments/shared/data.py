"""What the experiments train on. Imports ``contract`` and ``toy_models``."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from gsnr_ref.contract import Array
from toy_models import ConvNet, load_cifar10, load_digits, load_mnist

Samples = tuple[Array, Array]


class Pool(NamedTuple):
    """Images to draw from, float32, (n, height, width, n_channels), and their classes."""

    x: Array
    y: Array


@cache
def pool(data: str) -> Pool:
    """All images of a name, "mnist", "cifar10" or "digits": the population Z.

    Training and test images together: sets drawn from them with replacement are independent and of
    one distribution, as the theory has it; the published test sets are not quite of that of the
    training sets (MNIST's were written by other people). Kept for the next cell of the process.
    """
    if data == "digits":
        x, y = load_digits()
        return Pool(x.astype(np.float32).reshape(-1, 8, 8, 1), y)
    if data not in ("mnist", "cifar10"):
        raise ValueError(f"data is {data!r}; expected 'digits', 'mnist' or 'cifar10'")
    load = load_mnist if data == "mnist" else load_cifar10
    shape = (28, 28, 1) if data == "mnist" else (32, 32, 3)
    (train_x, train_y), (test_x, test_y) = (load(split=split) for split in ("train", "test"))
    images = [x.astype(np.float32).reshape(-1, *shape) for x in (train_x, test_x)]
    return Pool(np.concatenate(images), np.concatenate([train_y, test_y]))


def sequences(task: str) -> Samples:
    """The population of a task: rows of a digit image, or sequences to compare halves of.

    "order": ten steps of two features; the class tells which of the first feature's sums over the
    first and the last five steps is larger, and the second feature is noise.
    """
    if task != "order":
        images = pool(task)
        return images.x[..., 0], images.y
    x = np.random.default_rng(3).standard_normal((20_000, 10, 2)).astype(np.float32)
    return x, (x[:, :5, 0].sum(axis=1) > x[:, 5:, 0].sum(axis=1)).astype(np.int64)


def draw(
    images: Array, labels: Array, n: int, noise: float, seed: int | Sequence[int]
) -> tuple[Array, Array]:
    """n images, drawn with replacement, each label replaced with probability `noise`.

    A replaced label is uniform over the classes, as in `toy_models.randomize_labels`.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(images), n)
    y = labels[chosen]
    replaced = rng.random(n) < noise
    y[replaced] = rng.integers(0, labels.max() + 1, n)[replaced]
    return images[chosen], y


def convnet(data: str, channels: int, hidden: int = 120) -> ConvNet:
    """The paper's network for the images: `channels` in the first block, more in the later ones."""
    if data == "digits":
        return ConvNet((8, 8, 1), (channels, 2 * channels), (hidden,), 10, kernel=3, padding=1)
    if data == "mnist":
        return ConvNet((28, 28, 1), (channels, round(channels * 16 / 6)), (hidden,), 10)
    blocks = [channels * 2**k for k in range(4)]
    return ConvNet((32, 32, 3), blocks, (hidden, hidden // 2), 10, 3, padding=1, convolutions=2)
