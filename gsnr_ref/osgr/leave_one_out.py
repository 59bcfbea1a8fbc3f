"""The gap, OSGR and κ along training, from the training set alone (4.12).

Imports ``contract``, ``gradients``, ``parallel``, ``osgr/curvature`` and ``osgr/ratio``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Model,
    Params,
    check_batch,
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
    losses_apart,
    mean_gradient,
    own_hessians_times,
    times_each,
)
from gsnr_ref.osgr.ratio import quotient
from gsnr_ref.parallel import one_blas_thread


@dataclass(frozen=True)
class LeaveOneOutRun:
    """What `leave_one_out_run` returns: arrays over its steps.

    Attributes
    ----------
    steps : ndarray of int, shape (n_recorded,)
        Number of steps taken.
    gap, osgr, reuse_factor : ndarray, shape (n_recorded,)
        Expected test loss less training loss; R_h; κ. Fractions where everything was exact.
    gap_error, osgr_error, reuse_factor_error : ndarray, shape (n_recorded,)
        Standard errors over the n samples, by a jackknife at fixed q_i; see `leave_one_out_run`.

    Examples
    --------
    >>> zero = np.zeros(1)
    >>> LeaveOneOutRun(np.array([5]), zero, zero, zero, zero, zero, zero).steps
    array([5])
    """

    steps: Array
    gap: Array
    osgr: Array
    reuse_factor: Array
    gap_error: Array
    osgr_error: Array
    reuse_factor_error: Array


@np.errstate(all="ignore")
def leave_one_out_run(
    model: Model, params: Params, x: Any, y: Any, learning_rate: Any, steps: Sequence[int]
) -> LeaveOneOutRun:
    """Gap, OSGR and κ at steps of gradient descent on D, without any other data.

    The run on D carries q_i for every sample, the first-order effect of leaving sample i out of
    the whole run. At θ_t + q_i sample i is as good as unseen.

    Parameters
    ----------
    model : Model
        With taps; its loss must be twice differentiable along the run.
    params : dict of str to ndarray
        The start, independent of D.
    x, y : array_like, one entry a sample
        D, n ≥ 3 samples.
    learning_rate : float or Fraction
    steps : sequence of int
        Numbers of steps at which to look, increasing, 0 or more.

    Returns
    -------
    LeaveOneOutRun

    Raises
    ------
    InputError
        If an argument does not fit.
    RangeError
        If a gradient leaves the range of float64.

    Notes
    -----
    With D∖i the samples without i, and H_{D∖i} = (nH_D − H_i)/(n − 1), all at θ_t:

    q_{i,0} = 0, q_{i,t+1} = q_{i,t} − λH_{D∖i} q_{i,t} − λ(g_D − g_i)/(n − 1).

    Then gap ≈ mean_i [L_i(θ_t + q_i) − L_i(θ_t)], and R_h and κ are `held_out_osgr` and
    `reuse_factor` of the n pairs (D∖i, sample i) at θ_t + q_i: losses and gradients are evaluated
    there, not linearized. So at step 0, R_h is `debiased_osgr` with n − 1, and κ is 1.

    Against n real runs, each without one sample: equal for losses that are quadratic in the
    parameters; else the gap and R_h lack terms of order 1/n², and κ, which is n times a difference,
    of order 1/n. It ends where the first order does: deep into interpolation, and on unstable runs
    (λ times the largest curvature above 2). The recursion is iterative approximate
    cross-validation (Luo, Ren and Barber, ICML 2023).

    The standard errors leave each sample out of both its roles, but do not run without it. They are
    the spread over training sets in the first steps, and wider than it later, 2 to 3 times for R_h
    in the tests. The gap is the expected one: that of one training set scatters far more.

    On digits (perceptron of 610 parameters, n = 200, λ = 0.1, means of 10 sets, steps 10 to 300)
    the gap came within 11 % of held-out data, R_h within 0.05. With 30 % random labels the gap came
    within 10 %, and R_h within 0.06 to step 100; at 300 it was 0.17 where held-out data gave 0.35.

    A step takes a Hessian-vector product for each sample, or for each parameter where these are
    fewer; a recorded step takes the gradients of n² samples. With fewer samples than parameters n
    real runs cost no more.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> params = {"linear.weight": np.array([[3.0]])}
    >>> x, y = np.ones((4, 1)), np.array([0.0, 2.0, 1.0, 1.0])
    >>> run = leave_one_out_run(LinearRegression(1, bias=False), params, x, y, 0.5, steps=[0, 1, 2])
    >>> run.reuse_factor  # (1 − λ)ᵗ
    array([1.  , 0.5 , 0.25])
    """
    check_learning_rate(learning_rate)
    x, y = check_batch(model, params, x, y)
    n = check_count("number of samples", len(x), 3)
    steps = _checked_steps(steps)
    losses = model.loss(params, x, y)
    ones, rate = numbers_like(losses, np.ones(n)), numbers_like(losses, learning_rate)
    like = {name: params[name] for name in model.trainable}
    moves = np.zeros((n, sum(part.size for part in like.values())), ones.dtype)  # q_i
    recorded = []
    with one_blas_thread(), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for step in range(steps[-1] + 1):
            gradient, hessian_times = mean_gradient(model, params, x, y, ones / n)
            check_run(gradient, moves, learning_rate)
            if step in steps:
                recorded.append(_looked_at(model, params, x, y, as_named(moves, like)))
            if step == steps[-1]:
                break
            gradients = flat_rows(per_sample_gradients(model, params, x, y))
            carried = times_each(hessian_times, moves, like)  # H_D q_i
            own = flat_rows(own_hessians_times(model, params, x, y, as_named(moves, like)))
            without = (n * carried - own) / (n - 1)  # H_{D∖i} q_i
            apart = (flat(gradient) - gradients) / (n - 1)  # g_{D∖i} − g_D
            moves = moves - rate * (without + apart)  # 4.12
            params = dict(params) | {name: params[name] - rate * gradient[name] for name in like}
    columns = [np.array(column) for column in zip(*recorded, strict=True)]
    return LeaveOneOutRun(np.array(steps), *columns)


def _looked_at(model: Model, params: Params, x: Array, y: Array, moves: Params) -> tuple[Any, ...]:
    """Gap, R_h and κ of the n pairs (D∖i, sample i), each at θ + q_i; then their errors."""
    n = len(x)
    rises = losses_apart(model, params, x, y, moves) - model.loss(params, x, y)
    pairs: list[Any] = []
    fewer: list[Any] = []
    for i in range(n):
        moved = dict(params) | {name: params[name] + move[i] for name, move in moves.items()}
        g = flat_rows(per_sample_gradients(model, moved, x, y))
        squares = (g * g).sum(axis=1)
        rest, rest_squares = g.sum(axis=0) - g[i], squares.sum() - squares[i]  # sums over D∖i
        pairs.append(_terms(rest, rest_squares, n - 1, g[i]))
        others, others_squares = (v.astype(float) for v in (rest - g, rest_squares - squares))
        without = _terms(others, others_squares, n - 2, g[i].astype(float))  # and without each j
        without[:, i] = 0
        fewer.append(without)
    across, length, noise = sum(pairs)
    osgr, factor = quotient(across, length), quotient(length - across, noise)  # 4.1, 4.2
    across, length, noise = sum(fewer)
    jackknifed = rises.astype(float) / (n - 1), across / length, (length - across) / noise
    errors = [float(np.sqrt((n - 1) * values.var())) for values in jackknifed]
    return rises.sum() / n, osgr, factor, *errors


def _terms(total: Array, squares: Any, m: int, own: Array) -> Array:
    """g_D·g_D′, ‖g_D‖² and tr S/m, from the sums of m gradients and of their squared lengths."""
    mean = total / m
    length = (mean * mean).sum(axis=-1)
    return np.array([mean @ own, length, (squares - m * length) / (m * (m - 1))])


def _checked_steps(steps: Sequence[int]) -> list[int]:
    checked = [check_count("steps", step, 0) for step in steps]
    if not checked or any(b <= a for a, b in pairwise(checked)):
        raise InputError(f"steps is {list(steps)}; expected increasing whole numbers, 0 or more")
    return checked
