"""The laws of reuse: κ, the gap and OSGR along training, to leading order in 1/n (4.5, 4.10, 4.11).

Imports ``contract``, ``gradients``, ``parallel``, ``osgr/curvature``, ``osgr/ratio`` and
``osgr/support``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    FiniteSupport,
    InputError,
    Model,
    Params,
    as_array,
    check_count,
    check_learning_rate,
    flat,
    flat_rows,
    numbers_like,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.osgr.curvature import (
    as_named,
    check_run,
    mean_gradient,
    own_hessians_times,
    times_each,
)
from gsnr_ref.osgr.ratio import quotient
from gsnr_ref.osgr.support import checked_support
from gsnr_ref.parallel import one_blas_thread


@dataclass(frozen=True)
class ReuseLaw:
    """What `reuse_law` returns: arrays over the steps 0 to n_steps, none of which depends on n.

    Attributes
    ----------
    reuse_factor : ndarray, shape (n_steps + 1,)
        κ_t, 1 at step 0; ``nan`` where no gradient varies.
    scaled_gap : ndarray, shape (n_steps + 1,)
        n · E(test loss − training loss), in the units of the loss.
    scaled_shortfall : ndarray, shape (n_steps + 1,)
        n(1 − R_h) = κ_t/(effective GSNR at step t); ``inf`` where the mean gradient is 0.

    Examples
    --------
    >>> ReuseLaw(np.ones(1), np.zeros(1), np.array([2.0])).scaled_shortfall
    array([2.])
    """

    reuse_factor: Array
    scaled_gap: Array
    scaled_shortfall: Array


@np.errstate(all="ignore")
def reuse_law(
    model: Model,
    params: Params,
    population: FiniteSupport,
    learning_rate: Any,
    n_steps: int,
    *,
    samples: Sequence[int] | None = None,
) -> ReuseLaw:
    """κ, the generalization gap and OSGR after t steps on D, to leading order in 1/n.

    Gradient descent runs on the population's loss, from the same start, and carries along the
    influence δ_i of every sample: θ_D − θ̄ = mean over D of δ_i + O(1/n). Nothing is fitted.

    Parameters
    ----------
    model : Model
        With taps; its loss must be twice differentiable along the run.
    params : dict of str to ndarray
        The start, independent of D.
    population : FinitePopulation, or anything with ``x``, ``y`` and ``probabilities``
    learning_rate : float or Fraction
    n_steps : int
        0 or more.
    samples : sequence of int, optional
        Indices of the points over which the expectations over i are taken; all if left out. A
        random subset of k points costs k influences, and a sampling error of about 1/√k.

    Returns
    -------
    ReuseLaw
        Fractions where the population and the params are, and the model's arithmetic is rational.

    Raises
    ------
    InputError
        If an argument does not fit.
    RangeError
        If the run leaves the range of float64.

    Notes
    -----
    With g̃, H, Σ the population's at θ̄_t, and E_i over its points:

    δ_{i,0} = 0, δ_{i,t+1} = (I − λH)δ_{i,t} − λ(g_i − g̃),

    κ_t = 1 + (E_i[(g_i − g̃)·Hδ_i] + E_i[g̃ᵀ(H_i − H)δ_i])/tr Σ + O(1/n)  (4.5),

    n · gap = −E_i[(g_i − g̃)·δ_i] + O(1/n)  (4.10),

    n(1 − R_h) = κ_t tr Σ/‖g̃‖² + O(1/n)  (4.11).

    Each step takes one Hessian-vector product on the population for each influence, or for each
    parameter where these are fewer, and one of every point's own Hessian. A few arrays of
    (n_samples, n_params) are held.

    At a minimum, where g̃ = 0 and δ_i = −H⁻¹g_i, the law of the gap is Takeuchi's information
    criterion, n · gap = tr(H⁻¹Σ), and κ = 0.

    Examples
    --------
    The location model with curvature 1, where κ_t = (1 − λ)ᵗ:

    >>> from toy_models import FinitePopulation, LinearRegression
    >>> population = FinitePopulation(np.ones((2, 1)), np.array([0.0, 2.0]))
    >>> params = {"linear.weight": np.array([[3.0]])}
    >>> law = reuse_law(LinearRegression(1, bias=False), params, population, 0.5, n_steps=2)
    >>> law.reuse_factor, law.scaled_gap
    (array([1.  , 0.5 , 0.25]), array([0.  , 0.5 , 0.75]))
    """
    n_steps = check_count("n_steps", n_steps, 0)
    check_learning_rate(learning_rate)
    x, y, probabilities = checked_support(model, params, population)
    losses = model.loss(params, x, y)
    p, rate = (numbers_like(losses, v) for v in (probabilities, learning_rate))
    chosen = _indices(samples, len(x))
    chances = p[chosen] / p[chosen].sum()  # of the points i in E_i
    like = {name: params[name] for name in model.trainable}
    influences = np.zeros((len(chosen), sum(part.size for part in like.values())), p.dtype)
    terms = []
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(n_steps + 1):
            gradient, hessian_times = mean_gradient(model, params, x, y, p)
            check_run(gradient, influences, learning_rate)
            some = (model, params, x[chosen], y[chosen])
            mean = flat(gradient)  # g̃
            apart = flat_rows(per_sample_gradients(*some)) - mean  # g_i − g̃
            carried = times_each(hessian_times, influences, like)  # Hδ_i
            own = flat_rows(own_hessians_times(*some, as_named(influences, like)))  # H_iδ_i
            noise = chances @ (apart * apart).sum(axis=1)  # tr Σ
            reuse = chances @ ((apart * carried).sum(axis=1) + (own - carried) @ mean)
            gap = -chances @ (apart * influences).sum(axis=1)  # 4.10
            terms.append((noise, reuse, gap, mean @ mean))
            influences = influences - rate * (carried + apart)  # δ_{i,t+1}
            params = dict(params) | {name: params[name] - rate * gradient[name] for name in like}
    return ReuseLaw(
        np.array([1 + quotient(reuse, noise) for noise, reuse, _, _ in terms]),  # 4.5
        np.array([gap for _, _, gap, _ in terms]),
        np.array([quotient(noise + reuse, signal) for noise, reuse, _, signal in terms]),  # 4.11
    )


def _indices(samples: Sequence[int] | None, n_points: int) -> Array:
    if samples is None:
        return np.arange(n_points)
    chosen = as_array("samples", samples)
    whole = chosen.ndim == 1 and chosen.size > 0 and chosen.dtype.kind in "iu"
    if not whole or not ((chosen >= 0) & (chosen < n_points)).all():
        raise InputError(f"samples is {samples!r}; expected indices of 0 to {n_points - 1}")
    return chosen
