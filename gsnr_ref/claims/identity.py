"""The claims that `gsnr-ref verify` checks: from gradients to the identity of equation 22.

Each function takes a case and its settings and returns claims; its docstring is the explanation
that ``--list`` prints.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.contract import FiniteSupport, InputError, is_finite_population
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.measured import measured_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr, predicted_osgr
from gsnr_ref.osgr.step import step
from toy_models.cases import Case

#: Standard errors that a sampled value may lie from the truth: 1 in 16,000 does by chance.
STANDARD_ERRORS = 4.0
SAMPLED = " and the sampled population"
_POPULATION_BATCHES = 20
_POPULATION_BATCH = 20_000


@lru_cache(maxsize=4)
def population_moments(case: Case, seed: int) -> tuple[GradientMoments, list[GradientMoments]]:
    """Moments of the population, and of independent pieces of a sample if they are only estimated.

    Examples
    --------
    >>> from toy_models import make_case
    >>> moments, pieces = population_moments(make_case("finite", "mlp"), seed=0)
    >>> moments.count, pieces
    (1.0, [])
    """
    model, params, population = case.model, case.params, case.population
    if is_finite_population(population):
        x, y, p = population.x, population.y, population.probabilities
        return gradient_moments(model, params, x, y, weights=p), []
    streams = np.random.default_rng([seed, 1]).spawn(_POPULATION_BATCHES)
    batches = (population.sample(rng, _POPULATION_BATCH) for rng in streams)
    pieces = [gradient_moments(model, params, [batch]) for batch in batches]
    total = pieces[0]
    for piece in pieces[1:]:
        total = total.merge(piece)
    return total, pieces


def finite_support(case: Case) -> FiniteSupport:
    """Return the case's population, which must be finite."""
    if not is_finite_population(case.population):
        raise InputError(f"case {case.name} has no finite population; expected one")
    return case.population


def tapped_equals_loop(case: Case, settings: Settings) -> list[Claim]:
    """Tapped gradients equal the loop's"""
    x, y = case.population.sample(np.random.default_rng(settings.seed), 50)
    tapped, loop = (
        per_sample_gradients(case.model, case.params, x, y, method) for method in ("tapped", "loop")
    )
    scale = {name: np.abs(g).max() or 1.0 for name, g in loop.items()}
    worst = max(float(np.abs(tapped[k] - loop[k]).max() / scale[k]) for k in loop)
    bound = 1e-12
    reason = "rounding, of the layer's largest gradient"
    return [Claim(_title(tapped_equals_loop), "1", worst, 0.0, bound, reason, case.name)]


def mean_of_g_d(case: Case, settings: Settings) -> list[Claim]:
    """E g_D·g̃ = ‖g̃‖², and E‖g_D‖² = ‖g̃‖² + tr Σ/n: mean g̃ and variance ρ²/n"""
    moments, pieces = population_moments(case, settings.seed)
    rng = np.random.default_rng([settings.seed, 2])
    n_draws = settings.n_trials
    claims = []
    for n in settings.ns:
        products, squares = [], []
        for _ in range(n_draws):
            x, y = case.population.sample(rng, n)
            stepped, _ = step(case.model, case.params, x, y, np.full(n, 1 / n), 1.0)
            g_d = {name: case.params[name] - stepped[name] for name in case.model.trainable}
            products.append(sum(float((g_d[k] * moments.mean[k]).sum()) for k in g_d))
            squares.append(sum(float((g * g).sum()) for g in g_d.values()))
        draws = f"4 standard errors of {n_draws} draws{SAMPLED if pieces else ''}"
        signal = _signal(moments)
        # Sampled moments stand on both sides of the first claim: their error counts twice.
        signal_error = 2 * _error([_signal(piece) for piece in pieces])
        expected_error = _error([_signal(piece) + _noise(piece) / n for piece in pieces])
        for title, drawn, right, error in (
            ("E g_D·g̃ = ‖g̃‖²", products, signal, signal_error),
            ("E‖g_D‖² = ‖g̃‖² + tr Σ/n", squares, signal + _noise(moments) / n, expected_error),
        ):
            bound = STANDARD_ERRORS * math.hypot(_error(drawn), error)
            left = float(np.mean(drawn))
            claims.append(Claim(title, "10-14", left, right, bound, draws, case.name, n))
    return claims


def _signal(moments: GradientMoments) -> float:
    return float(moments.signal_and_noise()[0])


def _noise(moments: GradientMoments) -> float:
    return float(moments.signal_and_noise()[1])


def _error(values: Sequence[float]) -> float:
    """Standard error of the mean; 0 where there is nothing to estimate."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) else 0.0


def forms_agree(case: Case, settings: Settings) -> list[Claim]:
    """Equation 22 equals the collapsed form"""
    moments, _ = population_moments(case, settings.seed)
    claim = Claim(_title(forms_agree), "22", 0.0, 0.0, 1e-12, "rounding", case.name)
    return [
        replace(claim, left=predicted_osgr(moments, n), right=collapsed_osgr(moments, n), n=n)
        for n in settings.ns
    ]


def measured_equals_predicted(case: Case, settings: Settings) -> list[Claim]:
    """Measured OSGR equals predicted OSGR at a small learning rate"""
    moments, pieces = population_moments(case, settings.seed)
    claims = []
    for n in settings.ns:
        measured = measured_osgr(
            case.model,
            case.params,
            case.population,
            n,
            settings.learning_rate,
            n_trials=settings.n_trials,
            seed=settings.seed,
            n_jobs=settings.n_jobs,
        )
        predicted = predicted_osgr(moments, n)
        estimated = _error([predicted_osgr(piece, n) for piece in pieces])
        error = math.hypot(measured.standard_error, estimated)
        claims.append(
            Claim(
                _title(measured_equals_predicted),
                "22",
                measured.value,
                predicted,
                STANDARD_ERRORS * error,
                f"4 standard errors of {settings.n_trials} steps{SAMPLED if pieces else ''}",
                case.name,
                n,
                settings.learning_rate,
            )
        )
    return claims


def converges_with_order_one(case: Case, settings: Settings) -> list[Claim]:
    """Enumerated OSGR converges to the prediction with order 1 in the learning rate"""
    moments, _ = population_moments(case, settings.seed)
    claims = []
    for n in (1, 2, 5):
        rates = (2e-3, 1e-3)
        errors = [
            enumerated_osgr(case.model, case.params, finite_support(case), n, rate).value
            - predicted_osgr(moments, n)
            for rate in rates
        ]
        order = math.log2(abs(errors[0] / errors[1]))
        reason = "next term of the series, λ²"
        title = _title(converges_with_order_one)
        claims.append(Claim(title, "22", order, 1.0, 0.02, reason, case.name, n, rates[1]))
    return claims


def exact_in_rational_arithmetic(case: Case, settings: Settings) -> list[Claim]:
    """Enumerated OSGR equals the prediction exactly as the learning rate goes to 0"""
    # The loss is quadratic, so ΔL = λa − λ²b, and 4ΔL(λ/2) − ΔL(λ) = λa without rounding or limit.
    points = finite_support(case)
    gradients = per_sample_gradients(case.model, case.params, points.x, points.y, "loop")
    moments = GradientMoments.from_samples(gradients, weights=points.probabilities)
    claims = []
    for n in (1, 2, 5):
        whole, half = (
            enumerated_osgr(case.model, case.params, points, n, Fraction(1, k)) for k in (10, 20)
        )
        slope_test = 4 * half.test_decrease - whole.test_decrease
        slope_training = 4 * half.training_decrease - whole.training_decrease
        left, right = slope_test / slope_training, predicted_osgr(moments, n)
        title = _title(exact_in_rational_arithmetic)
        claims.append(Claim(title, "22", left, right, 0.0, "exact: fractions", case.name, n, "→ 0"))
    return claims


def _title(function: Any) -> str:
    return str(function.__doc__)
