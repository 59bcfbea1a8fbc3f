"""The location model with curvature, trained on the set that its OSGR is taken on.

Imports ``closed_form/quadratic`` only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.closed_form.quadratic import ClosedForm, check_n, divide


@dataclass(frozen=True)
class TrainedClosedForm(ClosedForm):
    """Closed form at parameters that have been trained on D: expectations are over D as well.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_params,)
        E g_D and ρ² of the per-sample gradient.
    test_slope, training_slope : float or Fraction
        E g_D·g_D′ and E‖g_D‖².
    test_curvature, training_curvature : float or Fraction
        E g_DᵀH_D′g_D and E g_DᵀH_Dg_D.
    reuse_factor : float or Fraction
        κ_t; does not depend on n.
    gap : float or Fraction
        E(test loss − training loss), in the units of the loss.

    Examples
    --------
    >>> trained_location_model([1.0], [0.0], [1.0], [1.0], 10, 0.5, n_steps=3).reuse_factor
    0.125
    """

    reuse_factor: Any
    gap: Any


def trained_location_model(
    theta: Any, mean: Any, variance: Any, curvature: Any, n: int, learning_rate: Any, n_steps: int
) -> TrainedClosedForm:
    """Loss Σ_j ½h_j(θ_j − y_j)² after t steps of gradient descent on a training set of n (4.4).

    With e = θ₀ − μ and ρ = 1 − λh: κ_t = Σh²s²ρᵗ/Σh²s², E‖g_D‖² = A_t = Σh²ρ²ᵗ(e² + s²/n),
    E g_D·g_D′ = A_t − Σh²s²ρᵗ/n, and R_t(λ) = (E g_D·g_D′ − λC_t/2)/(A_t − λC_t/2) with
    C_t = Σh³ρ²ᵗ(e² + s²/n), at every λ of the step that is looked at.

    Parameters
    ----------
    theta : array_like, shape (n_params,)
        The start θ₀, independent of D.
    mean, variance : array_like, shape (n_params,)
        μ and s² of y, whose distribution is else any.
    curvature : array_like, shape (n_params,)
        h, 0 or more.
    n : int
        Size of the training set.
    learning_rate : float or Fraction
        Of the t steps. The step after them has a λ of its own: ``closed.osgr(learning_rate)``.
    n_steps : int
        t, 0 or more.

    Returns
    -------
    TrainedClosedForm
        ``osgr()`` is R_h, ``osgr(learning_rate)`` is R_t(λ).

    Raises
    ------
    ValueError
        If `n` or `n_steps` is no size, shapes do not fit, or a variance or curvature is negative.

    Notes
    -----
    θ_t − ȳ = ρᵗ(θ₀ − ȳ), with ȳ the mean of D, gives g_D = hρᵗ(e − (ȳ − μ)) and
    g_D − g_D′ = h(ȳ′ − ȳ), which training does not change: 4.4 is the expectation of their
    products. As n → ∞, κ_t stays and R_h → 1. As t → ∞ with 0 < λh < 1, κ_t → 0 while 1 − R_h =
    κ_t(tr Σ/n)/A_t grows like ρ⁻ᵗ of the smallest curvature, and R_h falls without bound.

    Examples
    --------
    >>> from fractions import Fraction as F
    >>> closed = trained_location_model([F(2)], [F(0)], [F(1)], [F(1)], 4, F(1, 2), n_steps=1)
    >>> closed.reuse_factor, closed.osgr(), closed.osgr(F(1, 2))  # A = (4 + 1/4)/4
    (Fraction(1, 2), Fraction(15, 17), Fraction(43, 51))
    """
    check_n(n)
    check_n(n_steps, 0, name="n_steps")
    theta, mu, s2, h = (np.asarray(v) for v in (theta, mean, variance, curvature))
    if theta.ndim != 1 or not theta.shape == mu.shape == s2.shape == h.shape:
        shapes = [v.shape for v in (theta, mu, s2, h)]
        raise ValueError(
            f"theta, mean, variance and curvature have shapes {shapes}; expected (n_params,) in all"
        )
    for name, values in (("variance", s2), ("curvature", h)):
        if not (values >= 0).all():
            raise ValueError(f"{name} has minimum {values.min()}; expected 0 or more")
    e, shrink = theta - mu, (1 - learning_rate * h) ** n_steps  # ρᵗ
    squares = h * h * shrink * shrink * (e * e + s2 / n)  # E g_D², elementwise
    noise = h * h * s2  # ρ² of the per-sample gradient
    training = squares.sum()  # A_t
    curved = (h * squares).sum()  # C_t
    return TrainedClosedForm(
        mean=h * shrink * e,
        variance=noise,
        test_slope=training - (noise * shrink).sum() / n,
        training_slope=training,
        test_curvature=curved,
        training_curvature=curved,
        # 4.4
        reuse_factor=divide(np.asarray((noise * shrink).sum()), np.asarray(noise.sum())).item(),
        gap=(h * s2 * (1 - shrink)).sum() / n,
    )
