"""What follows from the identity: the numbered statements 3.1 to 3.10, and equation 28.

Numbers "3.k" are this package's own: the paper does not have them. The docs derive them.
"""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
from autograd import grad

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.exact import Counted, N, moments_of
from gsnr_ref.claims.identity import STANDARD_ERRORS, finite_support
from gsnr_ref.closed_form import (
    finite_linear_regression,
    gaussian_linear_regression,
    holdout_linear_regression,
    location_model,
)
from gsnr_ref.contract import flat, map_structure
from gsnr_ref.feature_learning import feature_learning_terms, layer_inputs
from gsnr_ref.gradients.tapped import tapped_layers
from gsnr_ref.moments import GradientMoments, mixed_moments
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.expansion import osgr_expansion
from gsnr_ref.osgr.measured import measured_osgr
from gsnr_ref.osgr.preconditioned import preconditioned_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr, effective_gsnr, predicted_osgr
from gsnr_ref.related import (
    coherence,
    osgr_from_coherence,
    osgr_from_noise_scale,
    simple_noise_scale,
)
from gsnr_ref.signal_to_noise import gsnr
from toy_models import FinitePopulation, GaussianLinear, LinearRegression
from toy_models.cases import Case


def collapsed_form(case: Case, settings: Settings) -> list[Claim]:
    """Collapsed form: R = ‖g̃‖²/(‖g̃‖² + tr Σ/n) = 1/(1 + 1/(n r_eff)), from every training set"""
    counted = Counted(case)
    squares = sum(chance * (g @ g) for chance, _, g in counted.datasets())
    left = counted.mean @ counted.mean / squares
    right = collapsed_osgr(counted.moments, N)
    by_gsnr = 1 / (1 + 1 / (N * effective_gsnr(counted.moments)))
    return [counted.claim(collapsed_form, "3.1", left, side) for side in (right, by_gsnr)]


def noise_scale(case: Case, settings: Settings) -> list[Claim]:
    """Noise scale: R = 1/(1 + B/n) with B = tr Σ/‖g̃‖²"""
    counted = Counted(case)
    left = predicted_osgr(counted.moments, N)
    right = osgr_from_noise_scale(simple_noise_scale(counted.moments), N)
    return [counted.claim(noise_scale, "3.2", left, right)]


def spearman_brown(case: Case, settings: Settings) -> list[Claim]:
    """Coherence: R = nα/(1 + (n−1)α), with α = R(Z, 1)"""
    counted = Counted(case)
    alpha = predicted_osgr(counted.moments, 1)
    claims = [counted.claim(spearman_brown, "3.3", alpha, coherence(counted.moments))]
    right = osgr_from_coherence(alpha, 7)
    left = predicted_osgr(counted.moments, 7)
    return [
        replace(claims[0], n=1),
        replace(counted.claim(spearman_brown, "3.3", left, right), n=7),
    ]


def order_two(case: Case, settings: Settings) -> list[Claim]:
    """R(λ) − R₀ − c₁λ falls with order 2 in the learning rate"""
    claims = []
    for n in (1, 2, 5):
        r0, c1 = osgr_expansion(case.model, case.params, finite_support(case), n)
        rates = (2e-3, 1e-3)
        rests = [
            enumerated_osgr(case.model, case.params, finite_support(case), n, rate).value
            - r0
            - c1 * rate
            for rate in rates
        ]
        order = math.log2(abs(rests[0] / rests[1]))
        reason = "next term of the series, λ³"
        title = str(order_two.__doc__)
        claims.append(Claim(title, "3.4", order, 2.0, 0.05, reason, case.name, n, rates[1]))
    return claims


def any_learning_rate(case: Case, settings: Settings) -> list[Claim]:
    """Quadratic loss: R(λ) = (‖g̃‖² − λB′/2)/(A − λB/2) at every learning rate"""
    points, params, counted = finite_support(case), case.params, Counted(case)
    claims = []
    for n, rate in product((1, 3), (Fraction(1, 10), Fraction(1))):
        closed = finite_linear_regression(
            points.x, points.y, params["linear.weight"], n, params["linear.bias"],
            points.probabilities,
        )  # fmt: skip
        value = rate if counted.exact else float(rate)
        left = enumerated_osgr(case.model, params, points, n, value).value
        claim = counted.claim(any_learning_rate, "3.4", left, closed.osgr(value))
        claims.append(replace(claim, n=n, learning_rate=value))
    return claims


def preconditioned_step(case: Case, settings: Settings) -> list[Claim]:
    """Preconditioned step with a fixed diagonal: R = Σp g̃²/Σp(g̃² + ρ²/n)"""
    counted = Counted(case)
    p, start = {}, 1
    for name in case.model.trainable:  # 1, 2, 3, ...
        size = case.params[name].size
        p[name] = np.arange(start, start + size).reshape(case.params[name].shape)
        start += size
    factors = flat(p)
    training: Any = 0
    test: Any = 0
    for chance, rows, g_d in counted.datasets():
        training += chance * counted.slope(factors * g_d, rows)
        for i, share in enumerate(counted.p):
            test += chance * share * counted.slope(factors * g_d, [i])
    right = preconditioned_osgr(counted.moments, N, p)
    return [counted.claim(preconditioned_step, "3.5", test / training, right, limit=True)]


def preconditioner_on_the_best(case: Case, settings: Settings) -> list[Claim]:
    """Preconditioner on the parameter of largest GSNR: R is its supremum n r/(n r + 1)"""
    counted = Counted(case)
    ratios = flat(gsnr(counted.moments))
    best = max(ratios)
    p = map_structure(lambda r: np.where(r == best, 1, 0), gsnr(counted.moments))
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
    title, reason = str(preconditioner_that_hurts.__doc__), "exact: a sign"
    return [Claim(title, "3.5", math.copysign(1, change), -1.0, 0.0, reason, "two parameters", 1)]


def without_replacement(case: Case, settings: Settings) -> list[Claim]:
    """Hold-out split without replacement: every split against the closed form"""
    counted, params = Counted(case), case.params
    size = len(counted.x)
    claims = []
    for n in range(1, size):
        training: Any = 0
        test: Any = 0
        for index in combinations(range(size), n):
            rows, rest = list(index), [i for i in range(size) if i not in index]
            g_d = counted.g[rows].sum(axis=0) / n
            training += counted.decrease(g_d, rows, counted.rate)
            test += counted.decrease(g_d, rest, counted.rate)
        weight, bias = params["linear.weight"], params["linear.bias"]
        closed = holdout_linear_regression(counted.x, counted.y, weight, n, bias)
        left, right = test / training, closed.osgr(counted.rate)
        claim = counted.claim(without_replacement, "3.6", left, right)
        claims.append(replace(claim, n=n, learning_rate=counted.rate))
    return claims


def size_of_the_test_set(case: Case, settings: Settings) -> list[Claim]:
    """The size of the test set does not change E ΔL[D′]: n′ = 2 and 3 against 1"""
    counted = Counted(case)

    def expected(size: int) -> Any:
        return sum(
            p * q * counted.decrease(g, rows, counted.rate)
            for p, _, g in counted.datasets()
            for q, rows, _ in counted.datasets(size)
        )

    one = expected(1)
    return [
        replace(
            counted.claim(size_of_the_test_set, "3.7", expected(size), one),
            learning_rate=counted.rate,
        )
        for size in (2, 3)
    ]


def random_labels(case: Case, settings: Settings) -> list[Claim]:
    """Random labels with probability p: moments are mixtures, so R is known at every p"""
    counted = Counted(case)
    size = len(counted.x)
    third: Any = Fraction(1, 3) if counted.exact else 1 / 3
    share = third * 3 / size
    every_x, every_y = np.repeat(counted.x, size, axis=0), np.tile(counted.y, size)
    uniform_p = np.repeat(counted.p, size) * share
    true_p = np.repeat(counted.p, size) * np.eye(size, dtype=int).ravel()
    uniform = moments_of(every_x, every_y, case, uniform_p)
    claims = []
    for probability in (third, 2 * third):
        noisy_p = (1 - probability) * true_p + probability * uniform_p
        noisy = FinitePopulation(every_x, every_y, noisy_p)
        name = f"{case.name}, p = {float(probability):.3g}"
        noisy_case = replace(case, name=name, population=noisy)
        left = predicted_osgr(Counted(noisy_case).moments, N)
        right = collapsed_osgr(mixed_moments(counted.moments, uniform, probability), N)
        claim = counted.claim(random_labels, "3.8", left, right)
        claims.append(replace(claim, case=name))
    return claims


def gaussian_regression(case: Case, settings: Settings) -> list[Claim]:
    """Gaussian linear regression: measured OSGR equals the closed form, at any learning rate"""
    covariance = np.array([[1.0, 0.3, 0.0], [0.3, 2.0, 0.0], [0.0, 0.0, 0.5]])
    population = GaussianLinear([1.0, -2.0, 0.5], covariance, noise=1.0)
    weights, rate, title = np.array([0.5, 0.5, 0.0]), 0.05, str(gaussian_regression.__doc__)
    model, params = LinearRegression(3, bias=False), {"linear.weight": weights[:, None]}
    claims = []
    for n in (2, 10):
        closed = gaussian_linear_regression(weights, population.weights, covariance, 1.0, n)
        measured = measured_osgr(
            model, params, population, n, rate, n_trials=4000, seed=settings.seed, n_test=100,
            n_jobs=settings.n_jobs,
        )  # fmt: skip
        bound = STANDARD_ERRORS * measured.standard_error
        reason = "4 standard errors of 4000 steps"
        name = "gaussian, without bias"
        right = closed.osgr(rate)
        claims.append(Claim(title, "3.9", measured.value, right, bound, reason, name, n, rate))
    return claims


def location(case: Case, settings: Settings) -> list[Claim]:
    """Location model: R(λ) = (g̃² − λA/2)/((1 − λ/2)A), from every training set"""
    y = np.array([Fraction(0), Fraction(3)])
    p = np.array([Fraction(2, 3), Fraction(1, 3)])  # mean 1, variance 2
    population = FinitePopulation(np.array([[Fraction(1)]] * 2), y, p)
    model, theta, rate = LinearRegression(1, bias=False), Fraction(3), Fraction(1, 10)
    params = {"linear.weight": np.array([[theta]])}
    title, claims = str(location.__doc__), []
    for n in (1, 4):
        left = enumerated_osgr(model, params, population, n, rate).value
        right = location_model(theta, Fraction(1), Fraction(2), n).osgr(rate)
        reason = "exact: fractions"
        claims.append(Claim(title, "3.10", left, right, 0.0, reason, "location", n, rate))
    return claims


def feature_learning_term(case: Case, settings: Settings) -> list[Claim]:
    """Δg_D in a step of the earlier layers, δ frozen: each weight's own term, and all terms"""
    points, params, model = finite_support(case), case.params, case.model
    x, y = points.x, points.y
    layer = list(model.layers)[-1]
    weight = params[f"{layer}.weight"]
    terms = feature_learning_terms(model, params, x, y, layer)
    deltas = tapped_layers(model, params, x, y)[layer].deltas[:, 0] / len(x)
    earlier = [k for k in model.trainable if k.rpartition(".")[0] != layer]
    rate = 1e-4

    def mean_gradient(theta: Any) -> Any:
        return np.asarray(layer_inputs(model, params | theta, x, y, layer)).T @ deltas

    def measured(part: Any) -> Any:
        """Central difference of mean δ a along the step that the weights `part` would cause."""

        def frozen_loss(theta: Any) -> Any:
            inputs = layer_inputs(model, params | {k: theta[k] for k in earlier}, x, y, layer)
            return ((inputs @ part) * deltas).sum()

        step = grad(frozen_loss)({k: params[k] for k in earlier})
        ahead, back = (
            mean_gradient({k: params[k] - sign * rate * step[k] for k in earlier})
            for sign in (1, -1)
        )
        return (ahead - back) / (2 * rate)

    own = np.zeros_like(weight)
    for s, c in np.ndindex(weight.shape):
        alone = np.zeros_like(weight)
        alone[s, c] = weight[s, c]
        own[s, c] = measured(alone)[s, c]
    title, bound = str(feature_learning_term.__doc__), 1e-6
    reason = "λ² of central differences"
    pairs = ((own, terms.diagonal), (measured(weight), terms.complete))
    return [
        Claim(
            title, "28", float(np.abs(left - right).max() / np.abs(right).max()), 0.0, bound,
            f"{reason}, of the largest change", case.name, None, rate,
        )
        for left, right in pairs
    ]  # fmt: skip
