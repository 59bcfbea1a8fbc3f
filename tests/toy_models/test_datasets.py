import gzip
import os
import sys
import tracemalloc

import numpy as np
import pytest

from toy_models import (
    binary_files,
    datasets,
    load_cifar10,
    load_digits,
    load_mnist,
    randomize_labels,
    read_idx,
)

GOOD = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
HUGE = bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3 + b"\x00" * 10
LARGE = bytes([0, 0, 8, 1, 0x40, 0, 0, 0]) + b"\x00" * 10  # claims 1 GiB


def gzipped(content):
    """The same bytes whenever it is called: a gzip header holds the time, and ids name contents."""
    return gzip.compress(content, mtime=0)


def write(folder, content, name="file"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzipped])
def test_idx_is_read_plain_or_gzipped(tmp_path, pack):
    assert read_idx(write(tmp_path, pack(GOOD))).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "magic number is missing"),
        (b"\x00\x00", "magic number is 00 00"),
        (b"\x89PNG" + GOOD, "magic number is 89 50 4e 47"),
        (b"\x00\x00\x0d\x02" + GOOD[4:], "magic number is 00 00 0d 02"),
        (bytes([0, 0, 8, 0]), "0 dimensions"),
        (bytes([0, 0, 8, 200]) + bytes(900), "200 dimensions"),
        (GOOD[:9], "truncated; the header needs 12 bytes"),
        (GOOD[:-1], r"truncated; sizes \(2, 3\) need 6 bytes of data, there are 5"),
        (GOOD + b"7", r"oversized; sizes \(2, 3\) need 6 bytes of data, there are more"),
        (HUGE, r"sizes \(4294967295, .* need 79.*; expected 1 to 1073741824"),
        (LARGE, r"truncated; sizes \(1073741824,\) need 1073741824 bytes of data, there are 10"),
        (gzipped(LARGE), r"truncated; sizes \(1073741824,\)"),
        (bytes([0, 0, 8, 3]) + bytes(4) + b"\xff" * 8, "need 0 bytes of data; expected 1 to"),
        (gzipped(GOOD)[:-6], "truncated or corrupt gzip"),
        (gzipped(GOOD)[:-8] + bytes(8), "truncated or corrupt gzip"),
        (b"\x1f\x8b" + bytes(20), "truncated or corrupt gzip"),
    ],
)
def test_a_hostile_idx_file_gives_one_error_that_names_it(tmp_path, content, message):
    path = write(tmp_path, content, "hostile-idx")
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert "hostile-idx" in str(caught.value)


def peak_of(read, message):
    """Most bytes that a read, which is refused, has taken at a time; NumPy's are counted too."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        GOOD + bytes(50_000_000),
        LARGE,
        gzipped(GOOD + bytes(50_000_000)),
        gzipped(LARGE),
    ],
    ids=["too long", "too short", "bomb", "packed and too short"],
)
def test_memory_follows_the_smaller_of_what_is_there_and_what_is_claimed(tmp_path, content):
    path = write(tmp_path, content)
    assert peak_of(lambda: read_idx(path), "oversized|truncated") < 4 << 20


def test_no_more_images_are_unpacked_than_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(binary_files, "MAX_CIFAR10_BYTES", 2 * 3073)
    path = write(tmp_path, gzipped(bytes(50_000_000)), "train.bin.gz")
    assert peak_of(lambda: load_cifar10(tmp_path), f"{path.name}: oversized") < 4 << 20


def test_more_than_max_bytes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="need 6 bytes of data; expected 1 to 5"):
        read_idx(write(tmp_path, GOOD), max_bytes=5)
    assert read_idx(write(tmp_path, GOOD), max_bytes=6).size == 6


def test_what_is_no_regular_file_is_refused_and_named(tmp_path):
    os.mkfifo(tmp_path / "train-pipe.bin")  # without a writer: to open it would wait for one
    for path in (tmp_path, "/dev/zero", tmp_path / "train-pipe.bin"):
        with pytest.raises(ValueError, match=f"{path}: is no regular file"):
            read_idx(path)
    with pytest.raises(ValueError, match=r"train-pipe\.bin: is no regular file"):
        load_cifar10(tmp_path)


@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_is_the_published_one(mnist_directory, split):
    x, y = load_mnist(mnist_directory, split)
    assert x.shape == ({"train": 60_000, "test": 10_000}[split], 784)
    assert (x.min(), x.max(), y.min(), y.max()) == (0, 1, 0, 9)


def test_mnist_is_found_through_the_environment(mnist_directory, monkeypatch):
    monkeypatch.setenv("GSNR_REF_DATA", str(mnist_directory))
    assert len(load_mnist(split="test")[0]) == 10_000


def test_mnist_with_other_contents_is_refused(tmp_path):
    write(tmp_path, GOOD, "t10k-images-idx3-ubyte")
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte: SHA-256 of the contents is"):
        load_mnist(tmp_path, "test")


def test_mnist_without_a_folder_is_downloaded(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    asked = []
    monkeypatch.delenv("GSNR_REF_DATA", raising=False)
    monkeypatch.setattr(
        pooch, "retrieve", lambda url, **_: asked.append(url) or write(tmp_path, GOOD)
    )
    with pytest.raises(ValueError, match="SHA-256"):
        load_mnist()
    assert asked == [datasets.MNIST_URL + "train-images-idx3-ubyte.gz"]


def test_a_failed_download_says_what_to_do(monkeypatch):
    pooch = pytest.importorskip("pooch")

    def fail(url, **_):
        raise OSError("no network")

    monkeypatch.delenv("GSNR_REF_DATA", raising=False)
    monkeypatch.setattr(pooch, "retrieve", fail)
    with pytest.raises(FileNotFoundError, match=r"no network.*GSNR_REF_DATA"):
        load_mnist()


@pytest.mark.parametrize(
    ("call", "module"), [(load_digits, "sklearn.datasets"), (load_mnist, "pooch")]
)
def test_a_missing_extra_is_named(monkeypatch, call, module):
    monkeypatch.delenv("GSNR_REF_DATA", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"gsnr-ref\[experiments\]"):
        call()


def test_split_is_checked():
    with pytest.raises(ValueError, match="split is 'validation'"):
        load_mnist(split="validation")


def test_digits_are_real_and_scaled():
    x, y = load_digits()
    assert (x.shape, x.min(), x.max()) == ((1797, 64), 0, 1)
    assert np.bincount(y).min() >= 170


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_randomized_labels_are_the_mixture(probability):
    y = np.arange(100_000) % 10
    noisy = randomize_labels(y, probability, seed=3)
    expected = probability * 0.9
    error = np.sqrt(expected * (1 - expected) / len(y))
    assert abs((noisy != y).mean() - expected) <= 4 * error
    for label in range(10):  # a replaced label is uniform over all classes, its own included
        share = (noisy[y == label] == (label + 1) % 10).mean()
        chance = probability / 10
        assert abs(share - chance) <= 4 * np.sqrt(chance * (1 - chance) / 10_000)


def test_randomized_labels_leave_their_argument_alone():
    y = np.arange(10)
    randomize_labels(y, 1.0, seed=0)
    assert np.array_equal(y, np.arange(10))
    assert randomize_labels(np.array([], int), 0.5, 0).size == 0


@pytest.mark.parametrize(
    ("y", "probability", "message"),
    [([0.5], 0.1, "dtype float64"), ([[1]], 0.1, "shape"), ([1], 1.5, "probability is 1.5")],
)
def test_randomize_labels_names_bad_input(y, probability, message):
    with pytest.raises(ValueError, match=message):
        randomize_labels(np.array(y), probability, 0)


def cifar_file(path, n, label=None):
    records = np.random.default_rng(0).integers(0, 256, (n, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(n) % 10 if label is None else label
    path.write_bytes(gzipped(records.tobytes()) if path.suffix == ".gz" else records.tobytes())
    return records


def test_cifar10_is_read_channels_last(tmp_path):
    first = cifar_file(tmp_path / "data_batch_1.bin", 3)
    second = cifar_file(tmp_path / "data_batch_2.bin.gz", 2)
    x, y = load_cifar10(tmp_path)
    assert (x.shape, y.tolist()) == ((5, 32, 32, 3), [0, 1, 2, 0, 1])
    assert x[1, 4, 5, 2] == first[1, 1 + 2 * 1024 + 4 * 32 + 5] / 255
    assert x[4, 0, 0, 0] == second[1, 1] / 255
    (tmp_path / "cifar10").mkdir()
    cifar_file(tmp_path / "cifar10" / "test_batch.bin", 4)
    assert load_cifar10(tmp_path, "test")[0].shape == (4, 32, 32, 3)


def test_what_is_no_cifar10_file_is_named(tmp_path):
    (tmp_path / "train.bin").write_bytes(b"\0" * 3074)
    with pytest.raises(ValueError, match=r"train\.bin: 3074 bytes; expected a multiple of 3073"):
        load_cifar10(tmp_path)
    cifar_file(tmp_path / "train.bin", 2, label=10)
    with pytest.raises(ValueError, match="each a label byte, 0 to 9"):
        load_cifar10(tmp_path)
    with pytest.raises(ValueError, match="split is 'dev'"):
        load_cifar10(tmp_path, "dev")
    with pytest.raises(FileNotFoundError, match="there is no test"):
        load_cifar10(tmp_path, "test")
