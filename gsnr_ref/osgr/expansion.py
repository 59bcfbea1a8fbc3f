"""OSGR as a Taylor series in the learning rate: R(λ) = R₀ + c₁λ + O(λ²).

Imports ``autodiff``, ``contract``, ``gradients`` and ``osgr/support``. Hessians enter through
their products with vectors only.
"""

from typing import Any, NamedTuple

import numpy as np

from gsnr_ref.autodiff import grad
from gsnr_ref.contract import (
    FiniteSupport,
    Model,
    Params,
    RangeError,
    check_count,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.osgr.support import checked_support


class Expansion(NamedTuple):
    """The first two coefficients of OSGR as a series in the learning rate.

    Attributes
    ----------
    r0 : float
        The limit at a small learning rate: equation 22.
    c1 : float
        The slope there, in units of 1 / learning rate.

    Examples
    --------
    >>> Expansion(0.5, -0.1).c1
    -0.1
    """

    r0: float
    c1: float


def osgr_expansion(model: Model, params: Params, population: FiniteSupport, n: int) -> Expansion:
    """R₀ and c₁ of R(λ) = R₀ + c₁λ + O(λ²), for any model on a finite population.

    R₀ = ‖g̃‖²/A and c₁ = (R₀B − B′)/(2A), with A = ‖g̃‖² + tr Σ/n, B′ = g̃ᵀHg̃ + tr(HΣ)/n and
    B = [n(n−1)(n−2) g̃ᵀHg̃ + n(n−1) tr(H E ggᵀ) + 2n(n−1) g̃ᵀE[Hᵢgᵢ] + n E gᵢᵀHᵢgᵢ]/n³.

    Parameters
    ----------
    model : Model
        Its loss must be twice differentiable at `params`.
    params : dict of str to ndarray
    population : FinitePopulation, or anything with ``x``, ``y`` and ``probabilities``
        One Hessian-vector product and one backward pass a point, twice.
    n : int
        Size of the training set.

    Returns
    -------
    Expansion
        A pair (r0, c1).

    Raises
    ------
    InputError
        If an argument does not fit.
    RangeError
        If every gradient is 0.

    Notes
    -----
    By Taylor's theorem a step on D lowers the loss of a set S by λ g_S·g_D − (λ²/2) g_DᵀH_Sg_D +
    O(λ³). Taking expectations over training sets of n independent draws gives the coefficients:
    in B the three draws in gᵢᵀHⱼg_k may coincide.

    Examples
    --------
    >>> from toy_models import FinitePopulation, LinearRegression
    >>> population = FinitePopulation(np.array([[1.0], [1.0]]), np.array([0.0, 2.0]))
    >>> params = {"linear.weight": np.array([[3.0]])}  # gradients 3 and 1, Hessian 1
    >>> r0, c1 = osgr_expansion(LinearRegression(1, bias=False), params, population, n=1)
    >>> float(r0), float(round(c1, 12))
    (0.8, -0.1)
    """
    n = check_count("n", n)
    x, y, probabilities = checked_support(model, params, population)
    p = probabilities.astype(float)
    gradients = per_sample_gradients(model, params, x, y)
    rows = [{name: g[i] for name, g in gradients.items()} for i in range(len(x))]
    mean = {name: np.tensordot(p, g, axes=1) for name, g in gradients.items()}

    def hessian_times(vector: Params, points: Any, weights: Any) -> Params:
        """Hessian of the weighted loss of some points, times a vector."""
        moving = {name: params[name] for name in model.trainable}

        def loss(theta: Any) -> Any:
            full = {**params, **{name: theta[name] for name in moving}}
            return (weights * model.loss(full, x[points], y[points])).sum()

        def slope(theta: Params) -> Any:
            gradient = grad(loss)(theta)
            return sum((gradient[name] * vector[name]).sum() for name in moving)

        return grad(slope)(moving)

    everything = slice(None)
    own = [hessian_times(g, slice(i, i + 1), np.ones(1)) for i, g in enumerate(rows)]  # Hᵢgᵢ
    mean_hessian_mean = _dot(mean, hessian_times(mean, everything, p))
    spread = sum(
        pi * _dot(g, hessian_times(g, everything, p)) for pi, g in zip(p, rows, strict=True)
    )
    own_mean = sum(pi * _dot(mean, h) for pi, h in zip(p, own, strict=True))
    own_own = sum(pi * _dot(g, h) for pi, g, h in zip(p, rows, own, strict=True))

    signal = _dot(mean, mean)
    noise = sum(
        float(np.tensordot(p, (g - mean[name]) ** 2, axes=1).sum()) for name, g in gradients.items()
    )
    a = signal + noise / n
    if a == 0:
        raise RangeError("every gradient is 0; expected params where a step changes the loss")
    b_test = mean_hessian_mean + (spread - mean_hessian_mean) / n  # B′
    b_training = (
        n * (n - 1) * (n - 2) * mean_hessian_mean
        + n * (n - 1) * spread
        + 2 * n * (n - 1) * own_mean
        + n * own_own
    ) / n**3
    r0 = signal / a
    return Expansion(r0, float((r0 * b_training - b_test) / (2 * a)))


def _dot(one: Params, other: Params) -> float:
    return sum(float((one[name] * other[name]).sum()) for name in one)
