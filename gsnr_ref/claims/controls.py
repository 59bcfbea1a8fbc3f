"""Planted controls: cases that violate an assumption, where the identity must break."""

from dataclasses import replace

import numpy as np

from gsnr_ref.claims.claim import Check, Claim, Settings, title
from gsnr_ref.claims.population import (
    STANDARD_ERRORS,
    finite_support,
    population_moments,
    sampled,
)
from gsnr_ref.contract import Array, Population
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.predicted import predicted_osgr
from gsnr_ref.osgr.step import mean_decrease, step
from toy_models.cases import Case

_COPIES = 5
_FITTING_STEPS = 50
_FITTING_RATE = 0.5
_FITTED_SETS = 60


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
    n, population = 50, finite_support(case)
    weights = np.full(n, 1 / n)
    training, test, noises, signals = [], [], [], []
    for rng in np.random.default_rng([settings.seed, 3]).spawn(_FITTED_SETS):
        x, y = population.sample(rng, n)
        fitted = case.params
        for _ in range(_FITTING_STEPS):
            fitted, _ = step(case.model, fitted, x, y, weights, _FITTING_RATE)
        moved, before = step(case.model, fitted, x, y, weights, settings.learning_rate)
        training.append(mean_decrease(before, case.model.loss(moved, x, y), weights))
        before, after = (case.model.loss(p, population.x, population.y) for p in (fitted, moved))
        test.append(mean_decrease(before, after, population.probabilities))
        moments, _ = population_moments(replace(case, params=fitted), settings.seed)
        signal, noise = moments.signal_and_noise()
        signals.append(signal)
        noises.append(noise)
    measured = MeasuredOSGR.of(np.array(training), np.array(test))
    predicted = sum(signals) / (sum(signals) + sum(noises) / n)  # collapsed form, over all sets
    return [_control(fitted_parameters, case, n, settings, measured, predicted)]


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
