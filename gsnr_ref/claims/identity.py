"""Claims on any case: from gradients to the identity of equation 22."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings, title
from gsnr_ref.claims.population import (
    STANDARD_ERRORS,
    finite_support,
    population_moments,
    sampled,
    standard_error,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import GradientMoments
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.measured import measured_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr, predicted_osgr
from gsnr_ref.osgr.step import step
from toy_models.cases import Case


def tapped_equals_loop(case: Case, settings: Settings) -> list[Claim]:
    """Tapped gradients equal the loop's"""
    x, y = case.population.sample(np.random.default_rng(settings.seed), 50)
    tapped, loop = (
        per_sample_gradients(case.model, case.params, x, y, method) for method in ("tapped", "loop")
    )
    scale = {name: np.abs(g).max() or 1.0 for name, g in loop.items()}
    worst = max(float(np.abs(tapped[k] - loop[k]).max() / scale[k]) for k in loop)
    reason = "rounding, of the layer's largest gradient"
    return [Claim(title(tapped_equals_loop), "1", worst, 0.0, 1e-12, reason, case.name)]


def mean_of_g_d(case: Case, settings: Settings) -> list[Claim]:
    """E g_D·g̃ = ‖g̃‖², and E‖g_D‖² = ‖g̃‖² + tr Σ/n: mean g̃ and variance ρ²/n"""
    moments, pieces = population_moments(case, settings.seed)
    rng = np.random.default_rng([settings.seed, 2])
    claims = []
    for n in settings.ns:
        products, squares = [], []
        for _ in range(settings.n_trials):
            x, y = case.population.sample(rng, n)
            stepped, _ = step(case.model, case.params, x, y, np.full(n, 1 / n), 1.0)
            g_d = {name: case.params[name] - stepped[name] for name in case.model.trainable}
            products.append(sum(float((g_d[k] * moments.mean[k]).sum()) for k in g_d))
            squares.append(sum(float((g * g).sum()) for g in g_d.values()))
        signal, noise = _signal_and_noise(moments)
        of_pieces = [_signal_and_noise(piece) for piece in pieces]
        # Sampled moments stand on both sides of the first claim: their error counts twice.
        signal_error = 2 * standard_error([s for s, _ in of_pieces])
        square_error = standard_error([s + tr / n for s, tr in of_pieces])
        reason = sampled(f"{settings.n_trials} draws", pieces)
        for name, drawn, right, error in (
            ("E g_D·g̃ = ‖g̃‖²", products, signal, signal_error),
            ("E‖g_D‖² = ‖g̃‖² + tr Σ/n", squares, signal + noise / n, square_error),
        ):
            bound = STANDARD_ERRORS * math.hypot(standard_error(drawn), error)
            left = float(np.mean(drawn))
            claims.append(Claim(name, "10-14", left, right, bound, reason, case.name, n))
    return claims


def _signal_and_noise(moments: GradientMoments) -> tuple[float, float]:
    signal, noise = moments.signal_and_noise()
    return float(signal), float(noise)


def forms_agree(case: Case, settings: Settings) -> list[Claim]:
    """Equation 22 equals the collapsed form"""
    moments, _ = population_moments(case, settings.seed)
    claim = Claim(title(forms_agree), "22", 0.0, 0.0, 1e-12, "rounding", case.name)
    return [
        replace(claim, left=predicted_osgr(moments, n), right=collapsed_osgr(moments, n), n=n)
        for n in settings.ns
    ]


def measured_equals_predicted(case: Case, settings: Settings) -> list[Claim]:
    """Measured OSGR equals predicted OSGR at a small learning rate"""
    moments, pieces = population_moments(case, settings.seed)
    reason = sampled(f"{settings.n_trials} steps", pieces)
    rate, claims = settings.learning_rate, []
    for n in settings.ns:
        measured = measured_osgr(
            case.model,
            case.params,
            case.population,
            n=n,
            learning_rate=rate,
            n_trials=settings.n_trials,
            seed=settings.seed,
            n_jobs=settings.n_jobs,
        )
        left, right = measured.value, predicted_osgr(moments, n)
        estimated = standard_error([predicted_osgr(piece, n) for piece in pieces])
        bound = STANDARD_ERRORS * math.hypot(measured.standard_error, estimated)
        name = title(measured_equals_predicted)
        claims.append(Claim(name, "22", left, right, bound, reason, case.name, n, rate))
    return claims


def converges_with_order_one(case: Case, settings: Settings) -> list[Claim]:
    """Enumerated OSGR converges to the prediction with order 1 in the learning rate"""
    moments, _ = population_moments(case, settings.seed)
    points, rates = finite_support(case), (2e-3, 1e-3)
    name, reason = title(converges_with_order_one), "next term of the series, λ²"
    claims = []
    for n in (1, 2, 5):
        errors = [
            enumerated_osgr(case.model, case.params, points, n, rate).value
            - predicted_osgr(moments, n)
            for rate in rates
        ]
        order = math.log2(abs(errors[0] / errors[1]))
        claims.append(Claim(name, "22", order, 1.0, 0.02, reason, case.name, n, rates[1]))
    return claims


def exact_in_rational_arithmetic(case: Case, settings: Settings) -> list[Claim]:
    """Enumerated OSGR equals the prediction exactly as the learning rate goes to 0"""
    # The loss is quadratic, so ΔL = λa − λ²b, and 4ΔL(λ/2) − ΔL(λ) = λa without rounding or limit.
    points = finite_support(case)
    gradients = per_sample_gradients(case.model, case.params, points.x, points.y, "loop")
    moments = GradientMoments.from_samples(gradients, weights=points.probabilities)
    name, reason = title(exact_in_rational_arithmetic), "exact: fractions"
    claims = []
    for n in (1, 2, 5):
        whole, half = (
            enumerated_osgr(case.model, case.params, points, n, Fraction(1, k)) for k in (10, 20)
        )
        slope_test = 4 * half.test_decrease - whole.test_decrease
        slope_training = 4 * half.training_decrease - whole.training_decrease
        left, right = slope_test / slope_training, predicted_osgr(moments, n)
        claims.append(Claim(name, "22", left, right, 0.0, reason, case.name, n, "→ 0"))
    return claims
