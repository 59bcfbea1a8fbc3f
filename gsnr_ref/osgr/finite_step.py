"""OSGR of one pair of sets at a finite learning rate: 4.7.

Imports ``contract``, ``osgr/curvature`` and ``osgr/ratio``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    FiniteSupport,
    InputError,
    Model,
    Params,
    check_batch,
    check_learning_rate,
    flat,
    is_finite_population,
    numbers_like,
)
from gsnr_ref.osgr.curvature import mean_gradient
from gsnr_ref.osgr.ratio import quotient


@dataclass(frozen=True)
class FiniteStep:
    """What `finite_step_osgr` returns: floats, or Fractions where everything was exact.

    Attributes
    ----------
    value : float or Fraction
        ΔL[D′]/ΔL[D] = R_h (1 − λc′/2)/(1 − λc/2), to second order in λ.
    held_out : float or Fraction
        R_h = g_D·g_D′/‖g_D‖², the limit at λ → 0.
    training_quotient : float or Fraction
        c = g_DᵀH_Dg_D/‖g_D‖², in units of 1/learning rate: the curvature of the training loss along
        the step.
    test_quotient : float or Fraction
        c′ = g_DᵀH_D′g_D/(g_D·g_D′); ``inf`` where the two gradients are orthogonal.
    learning_rate : float or Fraction

    Examples
    --------
    >>> FiniteStep(0.5, 0.5, 1.0, 1.0, learning_rate=0.1).raises_the_training_loss
    False
    """

    value: Any
    held_out: Any
    training_quotient: Any
    test_quotient: Any
    learning_rate: Any

    @property
    def raises_the_training_loss(self) -> bool:
        """Whether λc ≥ 2 (edge of stability): the ratio then means nothing."""
        return bool(self.learning_rate * self.training_quotient >= 2)


@np.errstate(all="ignore")
def finite_step_osgr(
    model: Model, params: Params, training: FiniteSupport, test: FiniteSupport, learning_rate: Any
) -> FiniteStep:
    """ΔL[D′]/ΔL[D] of one step on D, with the curvature of both losses along the step (4.7).

    Parameters
    ----------
    model : Model
        Its loss must be twice differentiable at `params`.
    params : dict of str to ndarray
        Where the step starts; they may have seen D.
    training, test : FinitePopulation, or anything with ``x``, ``y`` and ``probabilities``
        D and D′: sets, whose samples count the same, or a population.
    learning_rate : float or Fraction

    Returns
    -------
    FiniteStep

    Raises
    ------
    InputError
        If an argument does not fit.

    Notes
    -----
    A step on D lowers the loss of a set S by λ g_D·g_S − (λ²/2) g_DᵀH_Sg_D + O(λ³). Losses that are
    quadratic in the parameters have no further terms, and `value` is exact at every λ. The Hessians
    enter through one product with g_D each.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import FinitePopulation, LinearRegression
    >>> model, params = LinearRegression(1, bias=False), {"linear.weight": np.array([[1.0]])}
    >>> training, test = (FinitePopulation(np.array([[x]]), np.zeros(1)) for x in (1.0, 0.5))
    >>> step = finite_step_osgr(model, params, training, test, learning_rate=0.5)
    >>> float(step.value), float(step.held_out)  # losses from 1/2 to 1/8, and from 1/8 to 1/32
    (0.25, 0.25)
    """
    check_learning_rate(learning_rate)
    gradient, hessian_times = _curved("training", model, params, training)
    test_gradient, test_hessian_times = _curved("test", model, params, test)
    g, other = flat(gradient), flat(test_gradient)
    squares, across = g @ g, g @ other
    bend, test_bend = g @ flat(hessian_times(gradient)), g @ flat(test_hessian_times(gradient))
    rate = numbers_like(g, learning_rate)[()]
    return FiniteStep(
        quotient(across - rate * test_bend / 2, squares - rate * bend / 2),  # 4.7
        quotient(across, squares),
        quotient(bend, squares),
        quotient(test_bend, across),
        rate,
    )


def _curved(
    name: str, model: Model, params: Params, samples: FiniteSupport
) -> tuple[Params, Callable[[Params], Params]]:
    """Mean gradient on a set, and what multiplies its Hessian by a vector."""
    if not is_finite_population(samples):
        raise InputError(f"{name} is {type(samples).__name__}; expected x, y and probabilities")
    x, y = check_batch(model, params, samples.x, samples.y)
    weights = numbers_like(model.loss(params, x, y), samples.probabilities)
    return mean_gradient(model, params, x, y, weights)
