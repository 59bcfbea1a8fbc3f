"""The location model with curvature as a case: all samples share one Hessian."""

from fractions import Fraction
from typing import Any

import numpy as np

from gsnr_ref.contract import Array
from toy_models import FinitePopulation
from toy_models.cases import Case


class CurvedLocation:
    """Loss Σ_j ½h_j(θ_j − y_j)², whose inputs say nothing.

    Examples
    --------
    >>> model = CurvedLocation(np.array([1.0, 3.0]))
    >>> model.loss({"location.bias": np.zeros(2)}, np.zeros((1, 1)), np.array([[1.0, 2.0]]))
    array([6.5])
    """

    trainable = ("location.bias",)

    def __init__(self, curvature: Array) -> None:
        self.curvature = curvature

    def loss(
        self, params: Any, x: Any, y: Any, tap: Any = lambda name, inputs, outputs: outputs
    ) -> Any:
        """Loss of each sample."""
        residual = tap("location", x, x * 0 + params["location.bias"]) - y
        return (self.curvature * residual * residual).sum(axis=1) / 2


def curved_location() -> Case:
    """Two parameters and three points, in fractions.

    Examples
    --------
    >>> curved_location().population.probabilities.sum()
    Fraction(1, 1)
    """
    exact = np.vectorize(Fraction, otypes=[object])
    y = exact([[0, 1], [2, -1], [1, 3]])
    p = np.array([Fraction(1, 2), Fraction(1, 6), Fraction(1, 3)])
    population = FinitePopulation(exact(np.zeros((3, 1), int)), y, p)
    model: Any = CurvedLocation(exact([1, 3]))
    return Case("location, curved", model, {"location.bias": exact([3, -2])}, population)
