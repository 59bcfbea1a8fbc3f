"""Other steps: any learning rate, and preconditioned: statements 3.4, 3.5, 3.9 and 3.10."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings, title
from gsnr_ref.claims.counting import Counted, N
from gsnr_ref.claims.population import STANDARD_ERRORS, finite_support, sampled
from gsnr_ref.closed_form import (
    finite_linear_regression,
    gaussian_linear_regression,
    location_model,
)
from gsnr_ref.contract import flat
from gsnr_ref.moments import GradientMoments
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.expansion import osgr_expansion
from gsnr_ref.osgr.measured import measured_osgr
from gsnr_ref.osgr.preconditioned import preconditioned_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr
from gsnr_ref.signal_to_noise import gsnr
from toy_models import FinitePopulation, GaussianLinear, LinearRegression
from toy_models.cases import Case


def order_two(case: Case, settings: Settings) -> list[Claim]:
    """R(λ) − R₀ − c₁λ falls with order 2 in the learning rate"""
    points, rates = finite_support(case), (2e-3, 1e-3)
    reason = "next term of the series, λ³"
    claims = []
    for n in (1, 2, 5):
        r0, c1 = osgr_expansion(case.model, case.params, points, n)
        rests = [
            enumerated_osgr(case.model, case.params, points, n, rate).value - r0 - c1 * rate
            for rate in rates
        ]
        order = math.log2(abs(rests[0] / rests[1]))
        name = title(order_two)
        claims.append(Claim(name, "3.4", order, 2.0, 0.05, reason, case.name, n, rates[1]))
    return claims


def any_learning_rate(case: Case, settings: Settings) -> list[Claim]:
    """Quadratic loss: R(λ) = (‖g̃‖² − λB′/2)/(A − λB/2) at every learning rate"""
    counted, params = Counted(case), case.params
    x, y, p = counted.x, counted.y, counted.p
    weight, bias = params["linear.weight"], params["linear.bias"]
    claims = []
    for n, fraction in product((1, 3), (Fraction(1, 10), Fraction(1))):
        rate = fraction if counted.exact else float(fraction)
        left = enumerated_osgr(case.model, params, finite_support(case), n, rate).value
        right = finite_linear_regression(x, y, weight, n, bias, p).osgr(rate)
        claim = counted.claim(any_learning_rate, "3.4", left, right)
        claims.append(replace(claim, n=n, learning_rate=rate))
    return claims


def preconditioned_step(case: Case, settings: Settings) -> list[Claim]:
    """Preconditioned step with a fixed diagonal: R = Σp g̃²/Σp(g̃² + ρ²/n)"""
    counted = Counted(case)
    p = np.arange(1, len(counted.mean) + 1)
    training, test = counted.expected(lambda g_d, rows: counted.slope(p * g_d, rows))
    right = preconditioned_osgr(counted.moments, N, counted.by_name(p))
    return [counted.claim(preconditioned_step, "3.5", test / training, right, limit=True)]


def preconditioner_on_the_best(case: Case, settings: Settings) -> list[Claim]:
    """Preconditioner on the parameter of largest GSNR: R is its supremum n r/(n r + 1)"""
    counted = Counted(case)
    ratios = flat(gsnr(counted.moments))
    best = max(ratios)
    p = counted.by_name(np.where(ratios == best, 1, 0))
    left = preconditioned_osgr(counted.moments, N, p)
    right = N * best / (N * best + 1)
    return [counted.claim(preconditioner_on_the_best, "3.5", left, right)]


def preconditioner_that_hurts(case: Case, settings: Settings) -> list[Claim]:
    """A preconditioner does not always help: sign of the change of R with p = 1/√E g²"""
    # A strong steady parameter and a weak noisy one: dividing by √E g² makes them equals.
    samples = np.array([[10.0, 1.0], [10.1, -0.8]])
    moments = GradientMoments.from_samples(samples)
    p = 1 / np.sqrt((samples**2).mean(axis=0))
    change = preconditioned_osgr(moments, 1, p) - collapsed_osgr(moments, 1)
    name, reason = title(preconditioner_that_hurts), "exact: a sign"
    return [Claim(name, "3.5", math.copysign(1, change), -1.0, 0.0, reason, "two parameters", 1)]


def gaussian_regression(case: Case, settings: Settings) -> list[Claim]:
    """Gaussian linear regression: measured OSGR equals the closed form, at any learning rate"""
    covariance = np.array([[1.0, 0.3, 0.0], [0.3, 2.0, 0.0], [0.0, 0.0, 0.5]])
    population = GaussianLinear([1.0, -2.0, 0.5], covariance, noise=1.0)
    weights, rate, n_trials = np.array([0.5, 0.5, 0.0]), 0.05, 4000
    model, params = LinearRegression(3, bias=False), {"linear.weight": weights[:, None]}
    name, reason = title(gaussian_regression), sampled(f"{n_trials} steps", [])
    claims = []
    for n in (2, 10):
        measured = measured_osgr(
            model,
            params,
            population,
            n=n,
            learning_rate=rate,
            n_trials=n_trials,
            seed=settings.seed,
            n_test=100,
            n_jobs=settings.n_jobs,
        )
        left, bound = measured.value, STANDARD_ERRORS * measured.standard_error
        closed = gaussian_linear_regression(weights, population.weights, covariance, 1.0, n)
        right, on = closed.osgr(rate), "gaussian, without bias"
        claims.append(Claim(name, "3.9", left, right, bound, reason, on, n, rate))
    return claims


def location(case: Case, settings: Settings) -> list[Claim]:
    """Location model: R(λ) = (g̃² − λA/2)/((1 − λ/2)A), from every training set"""
    y = np.array([Fraction(0), Fraction(3)])
    p = np.array([Fraction(2, 3), Fraction(1, 3)])  # mean 1, variance 2
    population = FinitePopulation(np.array([[Fraction(1)]] * 2), y, p)
    model, theta, rate = LinearRegression(1, bias=False), Fraction(3), Fraction(1, 10)
    params = {"linear.weight": np.array([[theta]])}
    name, reason = title(location), "exact: fractions"
    claims = []
    for n in (1, 4):
        left = enumerated_osgr(model, params, population, n, rate).value
        right = location_model(theta, Fraction(1), Fraction(2), n).osgr(rate)
        claims.append(Claim(name, "3.10", left, right, 0.0, reason, "location", n, rate))
    return claims
