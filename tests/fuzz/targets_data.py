"""IDX and CIFAR-10 files."""

import gzip
import io

from toy_models.binary_files import parse_cifar10, parse_idx

#: No input is longer than this before it is unpacked; deflate packs at most 1,032 to 1.
MAX_BYTES = 1 << 20


def fuzz_idx(data):
    """An array of the shape that the header gives, holding the data, or a ValueError that names."""
    try:
        array = parse_idx("FILE", io.BytesIO(data), MAX_BYTES)
    except ValueError as error:
        named(error)
        return
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    assert header + array.tobytes() == plain


def fuzz_cifar10(data):
    """Records whose bytes are those of the file, or a ValueError that names the file."""
    try:
        records = parse_cifar10("FILE", io.BytesIO(data))
    except ValueError as error:
        named(error)
        return
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    assert records.tobytes() == plain
    assert records[:, 0].max() <= 9


def named(error):
    """A ValueError of the reader itself: one line of bounded length that names the file."""
    text = str(error)
    assert type(error) is ValueError, repr(error)
    assert text.startswith("FILE: "), text
    assert len(text) < 500, text
    assert text.isprintable(), text


def seeds_idx():
    plain = [
        bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]),
        bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]),
        bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(8)),
        bytes([0, 0, 8, 8]) + bytes([0, 0, 0, 1] * 8) + b"x",
        bytes([0, 0, 8, 1, 0x40, 0, 0, 0]) + b"claims a gibibyte",
    ]
    return plain + [gzip.compress(content, mtime=0) for content in [*plain, plain[0] + bytes(5000)]]


def seeds_cifar10():
    record = bytes([9]) + bytes(i % 251 for i in range(3072))
    plain = [record, record[:-1], record + bytes(3073), b"\x0a" + record[1:]]
    return plain + [gzip.compress(content, mtime=0) for content in [*plain, bytes(3073 * 10)]]
