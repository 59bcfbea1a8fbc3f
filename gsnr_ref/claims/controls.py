"""Planted controls: cases that violate an assumption, where the identity must break.

And the twin of one: with the reuse factor it holds.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from gsnr_ref.claims.claim import Check, Claim, Settings, title
from gsnr_ref.claims.population import (
    STANDARD_ERRORS,
    finite_support,
    population_moments,
    sampled,
)
from gsnr_ref.contract import Array, Population
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.predicted import predicted_osgr
from gsnr_ref.osgr.reused import reuse_factor
from gsnr_ref.osgr.step import mean_decrease, step
from toy_models.cases import Case

_COPIES = 5
_FITTING_STEPS = 50
_FITTING_RATE = 0.5
_FITTED_SETS = 60
_FITTED_N = 50


class CorrelatedDraws:
    """A population whose draws come in equal copies: right distribution, not independent.

    Examples
    --------
    >>> from toy_models import ProductRegression
    >>> x, _ = CorrelatedDraws(ProductRegression()).sample(np.random.default_rng(0), 10)
    >>> len(x), len(np.unique(x, axis=0))
    (10, 2)
    """

    def __init__(self, population: Population) -> None:
        self.population = population

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Draw n samples that come in equal copies of five."""
        x, y = self.population.sample(rng, -(-n // _COPIES))
        return np.repeat(x, _COPIES, axis=0)[:n], np.repeat(y, _COPIES, axis=0)[:n]


def correlated_draws(case: Case, settings: Settings) -> list[Claim]:
    """Control: correlated draws break the identity"""
    n = 50
    moments, _ = population_moments(case, settings.seed)
    measured = measured_osgr(
        case.model,
        case.params,
        CorrelatedDraws(case.population),
        n=n,
        learning_rate=settings.learning_rate,
        n_trials=max(200, settings.n_trials // 2),
        seed=settings.seed,
        n_test=500,
        n_jobs=settings.n_jobs,
    )
    return [_control(correlated_draws, case, n, settings, measured, predicted_osgr(moments, n))]


def fitted_parameters(case: Case, settings: Settings) -> list[Claim]:
    """Control: parameters fitted to the training set break the identity"""
    n, measured, fitted = _FITTED_N, *_measured_at_fitted(case, settings)
    signals, noises = zip(*(test.signal_and_noise() for _, test in fitted), strict=True)
    predicted = sum(signals) / (sum(signals) + sum(noises) / n)  # collapsed form, over all sets
    return [_control(fitted_parameters, case, n, settings, measured[0], predicted)]


def fitted_with_reuse(case: Case, settings: Settings) -> list[Claim]:
    """With the reuse factor κ the identity holds at the fitted parameters"""
    (whole, half), fitted = _measured_at_fitted(case, settings)
    squares, noises = [], []
    for training, _ in fitted:
        square, noise = training.signal_and_noise(ddof=1)
        squares.append(square)
        noises.append(noise / _FITTED_N)
    factor = reuse_factor(*zip(*fitted, strict=True)).value
    right = 1 - factor * sum(noises) / sum(squares)  # 4.2
    # R(λ) − R(λ/2) is half of the term in λ, which alone separates the sides; losses are near 1.
    rounding = 1e-15 / abs(float(whole.training_decreases.mean()))
    bound = 4 * abs(whole.value - half.value) + rounding
    reason = "twice the term in λ, seen by halving λ; rounding"
    rate = settings.learning_rate
    name = title(fitted_with_reuse)
    return [Claim(name, "4.2", whole.value, right, bound, reason, case.name, _FITTED_N, rate)]


@lru_cache(maxsize=1)
def _measured_at_fitted(
    case: Case, settings: Settings
) -> tuple[list[MeasuredOSGR], list[tuple[GradientMoments, GradientMoments]]]:
    """OSGR at fitted parameters, by steps of λ and λ/2; moments of their sets and of all data."""
    n, population = _FITTED_N, finite_support(case)
    weights, rates = np.full(n, 1 / n), (settings.learning_rate, settings.learning_rate / 2)
    training, test, fitted_moments = [], [], []
    for rng in np.random.default_rng([settings.seed, 3]).spawn(_FITTED_SETS):
        x, y = population.sample(rng, n)
        fitted = case.params
        for _ in range(_FITTING_STEPS):
            fitted, _ = step(case.model, fitted, x, y, weights, _FITTING_RATE)
        before = case.model.loss(fitted, population.x, population.y)
        for rate in rates:
            moved, own_before = step(case.model, fitted, x, y, weights, rate)
            training.append(mean_decrease(own_before, case.model.loss(moved, x, y), weights))
            after = case.model.loss(moved, population.x, population.y)
            test.append(mean_decrease(before, after, population.probabilities))
        moments, _ = population_moments(replace(case, params=fitted), settings.seed)
        fitted_moments.append((gradient_moments(case.model, fitted, x, y), moments))
    measured = [MeasuredOSGR.of(np.array(training[k::2]), np.array(test[k::2])) for k in (0, 1)]
    return measured, fitted_moments


def _control(
    check: Check, case: Case, n: int, settings: Settings, measured: MeasuredOSGR, predicted: float
) -> Claim:
    return Claim(
        title(check),
        "22",
        measured.value,
        predicted,
        STANDARD_ERRORS * measured.standard_error,
        sampled(f"{len(measured.test_decreases)} steps", []),
        case.name,
        n,
        settings.learning_rate,
        control=True,
    )
