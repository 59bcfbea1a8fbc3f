"""OSGR as a Taylor series in the learning rate: R(λ) = R₀ + c₁λ + O(λ²).

Imports ``contract``, ``gradients``, ``osgr/curvature`` and ``osgr/support``. Hessians enter through
their products with vectors.
"""

from typing import Any, NamedTuple

import numpy as np

from gsnr_ref.contract import (
    FiniteSupport,
    Model,
    Params,
    RangeError,
    check_count,
    flat_rows,
    is_exact,
    numbers_like,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.osgr.curvature import mean_gradient, own_hessians_times, times_each
from gsnr_ref.osgr.support import checked_support


class Expansion(NamedTuple):
    """The first two coefficients of OSGR as a series in the learning rate.

    Attributes
    ----------
    r0 : float or Fraction
        The limit at a small learning rate: equation 22.
    c1 : float or Fraction
        The slope there, in units of 1 / learning rate.

    Examples
    --------
    >>> Expansion(0.5, -0.1).c1
    -0.1
    """

    r0: Any
    c1: Any


@np.errstate(all="ignore")
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
        One Hessian-vector product a point, or a parameter where these are fewer.
    n : int
        Size of the training set.

    Returns
    -------
    Expansion
        A pair (r0, c1); Fractions where the population and the params are.

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
    >>> import numpy as np
    >>> from toy_models import FinitePopulation, LinearRegression
    >>> population = FinitePopulation(np.array([[1.0], [1.0]]), np.array([0.0, 2.0]))
    >>> params = {"linear.weight": np.array([[3.0]])}  # gradients 3 and 1, Hessian 1
    >>> r0, c1 = osgr_expansion(LinearRegression(1, bias=False), params, population, n=1)
    >>> float(r0), float(round(c1, 12))
    (0.8, -0.1)
    """
    n = check_count("n", n)
    x, y, probabilities = checked_support(model, params, population)
    losses = model.loss(params, x, y)
    p = numbers_like(losses, probabilities)
    gradients = per_sample_gradients(model, params, x, y)
    g, own = flat_rows(gradients), flat_rows(own_hessians_times(model, params, x, y, gradients))
    like = {name: params[name] for name in model.trainable}
    _, hessian_times = mean_gradient(model, params, x, y, p)
    mean = p @ g
    spread = p @ (g * times_each(hessian_times, g, like)).sum(axis=1)  # E gᵢᵀHgᵢ = tr(H E ggᵀ)
    mean_hessian_mean = mean @ times_each(hessian_times, mean[None], like)[0]  # g̃ᵀHg̃
    own_mean = mean @ (p @ own)  # g̃ᵀE[Hᵢgᵢ]
    own_own = p @ (g * own).sum(axis=1)  # E gᵢᵀHᵢgᵢ

    signal = mean @ mean
    a = signal + p @ ((g - mean) ** 2).sum(axis=1) / n
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
    c1 = (r0 * b_training - b_test) / (2 * a)  # 3.4
    return Expansion(r0, c1) if is_exact(losses) else Expansion(float(r0), float(c1))
