"""Gradients without a derivation: numbers that remember what they were computed from.

Imports nothing of ``gsnr_ref``. A `Node` holds a Fraction or a ball; arithmetic on nodes goes on a
tape, and `derivatives` walks it backwards. So a layer that states its forward pass has its exact
gradient too.
"""

from fractions import Fraction
from typing import Any

from tests.certify.scalars import Scalar


class Node:
    """A number on a tape, with the nodes it came from and its derivative by each.

    Parameters
    ----------
    tape : list of Node
        To which it is appended: what comes later depends on what came before.
    value : Scalar
    parents : sequence of (Node, Scalar)
    """

    __slots__ = ("parents", "place", "tape", "value")

    def __init__(self, tape: list["Node"], value: Scalar, parents: Any = ()) -> None:
        self.tape, self.value, self.parents, self.place = tape, value, parents, len(tape)
        tape.append(self)

    def _next(self, value: Scalar, *parents: tuple["Node", Scalar]) -> "Node":
        return Node(self.tape, value, parents)

    def __add__(self, other: Any) -> "Node":
        if isinstance(other, Node):
            return self._next(self.value + other.value, (self, 1), (other, 1))
        return self._next(self.value + other, (self, 1))

    def __mul__(self, other: Any) -> "Node":
        if isinstance(other, Node):
            parts = (self, other.value), (other, self.value)
            return self._next(self.value * other.value, *parts)
        return self._next(self.value * other, (self, other))

    def __truediv__(self, other: Any) -> "Node":
        if isinstance(other, Node):
            quotient = self.value / other.value
            parts = (self, 1 / other.value), (other, -quotient / other.value)
            return self._next(quotient, *parts)
        return self._next(self.value / other, (self, 1 / (0 * self.value + other)))

    def __rtruediv__(self, other: Any) -> "Node":
        quotient = other / self.value
        return self._next(quotient, (self, -quotient / self.value))

    def __neg__(self) -> "Node":
        return self._next(-self.value, (self, -1))

    def __sub__(self, other: Any) -> "Node":
        if isinstance(other, Node):
            return self._next(self.value - other.value, (self, 1), (other, -1))
        return self._next(self.value - other, (self, 1))

    def __rsub__(self, other: Any) -> "Node":
        return self._next(other - self.value, (self, -1))

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> "Node":
        value = self.value.exp()
        return self._next(value, (self, value))

    def log(self) -> "Node":
        return self._next(self.value.log(), (self, 1 / self.value))

    def sqrt(self) -> "Node":
        value = self.value.sqrt()
        return self._next(value, (self, 1 / (2 * value)))

    def tanh(self) -> "Node":
        value = self.value.tanh()
        return self._next(value, (self, 1 - value * value))

    def erf(self) -> "Node":
        slope = 2 * (-self.value * self.value).exp() / self.value.pi().sqrt()  # 2/√π e^(−z²)
        return self._next(self.value.erf(), (self, slope))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > other)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < other)

    def is_zero(self) -> bool:  # asked where it is neither above nor below 0
        return isinstance(self.value, Fraction) or bool(self.value.is_zero())


def derivatives(outputs: list[Node], deltas: list[Scalar], leaves: list[Node]) -> list[Scalar]:
    """Σ_c deltas[c] · ∂outputs[c]/∂leaf for each leaf; all are on one tape."""
    slopes: dict[int, Scalar] = {}
    for output, delta in zip(outputs, deltas, strict=True):
        slopes[output.place] = slopes.get(output.place, 0) + delta
    for node in reversed(leaves[0].tape):
        if node.place in slopes:
            for parent, derivative in node.parents:
                term = slopes[node.place] * derivative
                slopes[parent.place] = slopes.get(parent.place, 0) + term
    return [slopes.get(leaf.place, 0 * leaf.value) for leaf in leaves]
