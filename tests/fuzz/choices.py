"""Structured inputs made of bytes, so that a fuzzer's changes are changes of the structure."""

import struct

NUMBERS = (0, -0.0, 1, 64, 0.5, -1, 1e-300, 1e308, 5e-324, 1 / 3, "inf", "-inf", "nan")
WORDS = ("a", "linear.weight", "linear.bias", "1", "8", "\x1b[2J", "<b>", "\u202e", "\ud800", "]]>")


class Choices:
    """Choices that bytes make, one after the other; zeros when the bytes are used up."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        """The next n bytes."""
        piece = self.data[self.at : self.at + n]
        self.at += n
        return piece + bytes(n - len(piece))

    def below(self, n):
        """A number from 0 to n − 1, n at most 256."""
        return self.take(1)[0] % n

    def one_of(self, options):
        """One of a sequence."""
        return options[self.below(len(options))]

    def text(self):
        """A word, known or not."""
        if self.below(2):
            return self.one_of(WORDS)
        return self.take(self.below(16)).decode("utf-8", "surrogateescape")

    def number(self):
        """A number as it stands in JSON, now and then one that is none."""
        kind = self.below(4)
        if kind == 0:
            return self.one_of(NUMBERS)
        if kind == 1:
            return int.from_bytes(self.take(2), "big", signed=True)
        [value] = struct.unpack("<d", self.take(8))
        return value if abs(value) < float("inf") else str(value)

    def tree(self, depth=4):
        """Nested objects and lists of numbers and words."""
        kind = self.below(8) if depth else 0
        if kind < 3:
            return self.number()
        if kind == 3:
            return self.one_of((None, True, self.text()))
        parts = [self.tree(depth - 1) for _ in range(self.below(4))]
        return parts if kind < 6 else {self.text(): part for part in parts}
