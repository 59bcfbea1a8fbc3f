"""Losses of one sample, in plain scalar arithmetic. Imports nothing of ``gsnr_ref``.

Two have their derivative written out by hand; the others go through a tape.
"""

from collections.abc import Callable
from typing import Any

from tests.certify.scalars import Scalar

Vector = list[Scalar]
Loss = dict[str, Any]


def squared_error(loss: Loss, outputs: Vector, y: Vector) -> tuple[Scalar, Vector]:
    """scale·½ Σ_c (o_c − y_c)², and its derivative."""
    scale = loss["scale"]
    residual = [o - t for o, t in zip(outputs, y, strict=True)]
    return scale * sum(r * r for r in residual) / 2, [scale * r for r in residual]


def cross_entropy(loss: Loss, outputs: Vector, y: int) -> tuple[Scalar, Vector]:
    """−scale·log softmax(o)[y], and its derivative softmax − 1."""
    scale = loss["scale"]
    exponentials = [(o - outputs[y]).exp() for o in outputs]  # e^(o_c − o_y), and 1 for c = y
    total = sum(exponentials)
    delta = [e / total for e in exponentials]
    delta[y] = -sum(e for c, e in enumerate(exponentials) if c != y) / total  # softmax − 1
    return scale * total.log(), [scale * d for d in delta]


def surprise(outputs: Vector, c: int) -> Scalar:
    """−log softmax(outputs)[c]."""
    return sum((o - outputs[c]).exp() for o in outputs).log()


def half_squares(loss: Loss, outputs: Vector, y: Vector) -> Scalar:
    """½ Σ_c (o_c − y_c)²."""
    return sum((o - t) * (o - t) for o, t in zip(outputs, y, strict=True)) / 2


def any_cross_entropy(loss: Loss, outputs: Vector, y: int) -> Scalar:
    """The cross-entropy with what the case adds to it: see its formula."""
    if y == loss.get("ignore_index"):
        return 0 * outputs[0]
    value = surprise(outputs, y)
    if smoothing := loss.get("label_smoothing"):
        everything = sum(surprise(outputs, c) for c in range(len(outputs))) / len(outputs)
        value = value * (1 - smoothing) + everything * smoothing
    weights = loss.get("class_weights")
    return value if weights is None else value * weights[y]


LOSSES_BY_HAND: dict[str, Callable[[Loss, Vector, Any], tuple[Scalar, Vector]]] = {
    "squared_error": squared_error,
    "cross_entropy": cross_entropy,
}
TAPED_LOSSES: dict[str, Callable[[Loss, Vector, Any], Scalar]] = {
    "squared_error": half_squares,
    "cross_entropy": any_cross_entropy,
}
