"""A training set and its whole population at the parameters that were trained on the set.

Imports ``contract``, ``experiments/harness``, ``experiments/shared/data``,
``experiments/shared/descent``, ``inference``, ``moments``, ``osgr/curvature``, ``osgr/ratio`` and
``osgr/reused``.

The population is a fixed set of samples, from which training sets are drawn with replacement. So
the expectation over D′ is known, and the test loss is the population's.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from gsnr_ref.contract import Array, Model, Params, flat
from gsnr_ref.experiments.harness import Row
from gsnr_ref.experiments.shared.data import Samples
from gsnr_ref.experiments.shared.descent import losses, mean_gradient, moved
from gsnr_ref.inference import plug_in_osgr
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr import curvature
from gsnr_ref.osgr.ratio import ratio_of_means
from gsnr_ref.osgr.reused import SetRatio, held_out_osgr, reuse_factor

_CHUNK = 250  # samples whose second derivatives are held


@dataclass(frozen=True)
class Pair:
    """One training set D at one step, beside its population, and what its next step does.

    Losses are the means before the step, decreases what the step lowers them by, bends g_DᵀHg_D:
    each of D, then of the population.
    """

    training: GradientMoments
    population: GradientMoments
    losses: tuple[float, float]
    decreases: tuple[float, float]
    bends: tuple[float, float]


def pairs_along(
    model: Model,
    params: Params,
    training: Samples,
    population: Samples,
    learning_rate: float,
    steps: Collection[int],
) -> Iterator[tuple[int, Pair]]:
    """Gradient descent on a training set; the pair after each of these numbers of steps."""
    for step in range(max(steps) + 1):
        if step not in steps:
            params = moved(params, mean_gradient(model, params, *training), learning_rate)
            continue
        own, whole = (gradient_moments(model, params, *s) for s in (training, population))
        after = moved(params, own.mean, learning_rate)
        before = [losses(model, params, *s).mean() for s in (training, population)]
        later = [losses(model, after, *s).mean() for s in (training, population)]
        bends = [curvature_along(model, params, s, own.mean) for s in (training, population)]
        decreases = (float(before[0] - later[0]), float(before[1] - later[1]))
        yield step, Pair(own, whole, (before[0], before[1]), decreases, (bends[0], bends[1]))
        params = after


def curvature_along(model: Model, params: Params, samples: Samples, vector: Params) -> float:
    """vᵀHv, H the Hessian of the mean loss.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model, params = LinearRegression(1, bias=False), {"linear.weight": np.array([[2.0]])}
    >>> samples = np.array([[1.0], [3.0]]), np.ones(2)
    >>> curvature_along(model, params, samples, params)  # 2²·(1 + 9)/2
    20.0
    """
    (x, y), total = samples, 0.0
    vector = {name: v.astype(params[name].dtype) for name, v in vector.items()}
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)
        weights = np.full(len(x[rows]), 1 / len(x), params[next(iter(vector))].dtype)
        _, hessian_times = curvature.mean_gradient(model, params, x[rows], y[rows], weights)
        total += float(flat(vector).astype(float) @ flat(hessian_times(vector)).astype(float))
    return total


def difference_of_ratios(
    one: tuple[Array, Array], other: tuple[Array, Array]
) -> tuple[float, float]:
    """Ratio of means less another one over the same draws, and the error of the difference.

    Examples
    --------
    >>> one, other = np.array([1.0, 3.0]), np.array([2.0, 2.0])
    >>> difference_of_ratios((one, other), (one, other))
    (0.0, 0.0)
    """
    (a, b), (c, d) = one, other
    first, second = a.mean() / b.mean(), c.mean() / d.mean()
    residuals = (a - first * b) / b.mean() - (c - second * d) / d.mean()
    return float(first - second), float(residuals.std(ddof=1) / np.sqrt(len(residuals)))


@np.errstate(divide="ignore", invalid="ignore")
def pairs_row(pairs: list[Pair], learning_rate: float) -> Row:
    """What M training sets give at one step: every OSGR, κ, the gap, and what the step bends.

    "measured" is from the step; "held_out" R_h; "debiased" R̂; "paper" equation 25; "fresh" what a
    new training set has at these parameters; "finite" R_h with the curvature of 4.7. "apart" is
    measured − R_h on the same sets, with the error of that difference.
    """
    rate, n = learning_rate, pairs[0].training.count
    training, test = np.array([pair.decreases for pair in pairs]).T
    own, whole = ([getattr(p, name) for p in pairs] for name in ("training", "population"))
    means = [(flat(a.mean), flat(b.mean)) for a, b in zip(own, whole, strict=True)]
    across = np.array([g @ other for g, other in means])
    squares, noise = np.array([m.signal_and_noise(ddof=1) for m in own], dtype=float).T
    signal, spread = np.array([m.signal_and_noise() for m in whole], dtype=float).T
    bend, test_bend = np.array([pair.bends for pair in pairs]).T
    before, test_before = np.array([pair.losses for pair in pairs]).T
    ratios = {
        "measured": ratio_of_means(test, training),
        "held_out": _of(held_out_osgr(own, whole)),
        "debiased": ratio_of_means(squares - noise / n, squares),
        "fresh": ratio_of_means(signal, signal + spread / n),
        "finite": ratio_of_means(across - rate * test_bend / 2, squares - rate * bend / 2),
        "reuse_factor": _of(reuse_factor(own, whole)),
        "gap": ratio_of_means(test_before - before, np.ones(len(pairs))),
        "training_decrease": ratio_of_means(training, np.ones(len(pairs))),
        "apart": difference_of_ratios((test, training), (across, squares)),
    }
    row: Row = {"paper": plug_in_osgr(own)}
    for name, (value, error) in ratios.items():
        row |= {name: value, f"{name}_error": error}
    lambda_c, lambda_c_test = rate * bend / squares, rate * test_bend / across
    return row | {
        "training_loss": float(before.mean()),
        "test_loss": float(test_before.mean()),
        "largest_lambda_c": float(lambda_c.max()),
        "lambda_c": float(np.median(lambda_c)),
        "lambda_c_test": float(np.median(lambda_c_test)),
        "sets_past_edge": int(((lambda_c >= 2) | (training <= 0)).sum()),
    }


def _of(ratio: SetRatio) -> tuple[float, float]:
    return float(ratio.value), float(ratio.standard_error)
