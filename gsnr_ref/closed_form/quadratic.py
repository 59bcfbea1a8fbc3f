"""OSGR of a loss that is quadratic in the parameters. Imports ``notebook``.

Such a loss falls in one step by λ g·g − (λ²/2) gᵀHg, with nothing left out. So everything about a
population is in four numbers: ‖g̃‖², A = E‖g_D‖², B′ = E g_DᵀHg_D and B = E g_DᵀH_Dg_D, with H the
population's and H_D the training set's Hessian.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gsnr_ref.notebook import ShownAsTable

Array = NDArray[Any]
#: A float; a Fraction where everything is exact, for which `Any` stands here.
Number: TypeAlias = float | Any


@dataclass(frozen=True)
class ClosedForm(ShownAsTable):
    """GSNR, and OSGR at any learning rate, of a loss that is quadratic in the parameters.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_params,)
        g̃ and ρ² of the per-sample gradient.
    test_slope, training_slope : float or Fraction
        E ΔL[D′]/λ and E ΔL[D]/λ as λ → 0: ‖g̃‖² and A, where the test set is independent.
    test_curvature, training_curvature : float or Fraction
        B′ and B.

    Examples
    --------
    >>> from gsnr_ref.closed_form import location_model
    >>> location_model(theta=2.0, mean=0.0, variance=4.0, n=1).gsnr
    array([1.])
    """

    mean: Array
    variance: Array
    test_slope: Number
    training_slope: Number
    test_curvature: Number
    training_curvature: Number

    @property
    def gsnr(self) -> Array:
        """GSNR r = g̃²/ρ²: equation 2; ``inf`` and ``nan`` as in `gsnr_ref.gsnr`."""
        return divide(self.mean * self.mean, self.variance)

    def test_decrease(self, learning_rate: Number) -> Number:
        """E ΔL[D′] = λ‖g̃‖² − λ²B′/2."""
        return learning_rate * (self.test_slope - learning_rate * self.test_curvature / 2)

    def training_decrease(self, learning_rate: Number) -> Number:
        """E ΔL[D] = λA − λ²B/2."""
        return learning_rate * (self.training_slope - learning_rate * self.training_curvature / 2)

    def osgr(self, learning_rate: Number = 0) -> Number:
        """OSGR R(λ) = (‖g̃‖² − λB′/2)/(A − λB/2): equation 5; its limit at 0."""
        test = self.test_slope - learning_rate * self.test_curvature / 2
        training = self.training_slope - learning_rate * self.training_curvature / 2
        return divide(np.asarray(test), np.asarray(training)).item()


def divide(numerator: Array, denominator: Array) -> Array:
    """Quotient with inf for a/0 and nan for 0/0, for exact numbers too."""
    if denominator.dtype == object:
        pairs = list(zip(numerator.ravel(), denominator.ravel(), strict=True))
        quotients = [a / b if b else float("inf" if a else "nan") for a, b in pairs]
        result = np.empty(denominator.shape, dtype=object)
        result.ravel()[:] = quotients
        return result
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator / denominator)


def check_n(n: Any, smallest: int = 1, largest: float = np.inf) -> None:
    whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if not whole or not smallest <= n <= largest:
        span = f"{smallest} or more" if largest == np.inf else f"{smallest} to {largest}"
        raise ValueError(f"n is {n!r}; expected a whole number, {span}")
