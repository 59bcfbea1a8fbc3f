"""The paper's equations 2 to 22, each by counting every training set.

In rational arithmetic where the case allows it, with equal fractions on both sides.
"""

from dataclasses import replace
from typing import Any

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.counting import Counted, N
from gsnr_ref.claims.population import finite_support
from gsnr_ref.contract import flat
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.predicted import osgr_weights, predicted_osgr
from gsnr_ref.signal_to_noise import gsnr
from toy_models.cases import Case


def gsnr_is_its_definition(case: Case, settings: Settings) -> list[Claim]:
    """GSNR is squared mean over variance: Σ r by plain sums equals Σ r from streamed moments"""
    counted = Counted(case)
    total: Any = 0
    for j in range(counted.g.shape[1]):
        mean = sum(p * g for p, g in zip(counted.p, counted.g[:, j], strict=True))
        variance = sum(p * (g - mean) ** 2 for p, g in zip(counted.p, counted.g[:, j], strict=True))
        total += mean**2 / variance
    right = flat(gsnr(counted.moments)).sum()
    claim = counted.claim(gsnr_is_its_definition, "2", total, right)
    return [replace(claim, n=None)]


def osgr_is_its_definition(case: Case, settings: Settings) -> list[Claim]:
    """OSGR over all kⁿ sequences of draws equals OSGR over multinomial counts"""
    counted = Counted(case)
    rate = counted.rate
    training, test = counted.expected(lambda g_d, rows: counted.decrease(g_d, rows, rate))
    right = enumerated_osgr(case.model, case.params, finite_support(case), N, rate).value
    claim = counted.claim(osgr_is_its_definition, "5", test / training, right)
    return [replace(claim, learning_rate=rate)]


def mean_and_variance_of_g_d(case: Case, settings: Settings) -> list[Claim]:
    """g_D = g̃ + ε: largest distance of E g_D from g̃, and of Var g_D from ρ²/n"""
    counted = Counted(case)
    mean = sum(chance * g_d for chance, _, g_d in counted.datasets())
    square = sum(chance * (g_d - counted.mean) ** 2 for chance, _, g_d in counted.datasets())
    distances = abs(mean - counted.mean).max(), abs(square - counted.variance / N).max()
    zero = 0 * counted.mean[0]
    return [counted.claim(mean_and_variance_of_g_d, "10", d, zero) for d in distances]


def g_of_the_test_set_is_independent(case: Case, settings: Settings) -> list[Claim]:
    """g_D′ = g̃ + ε′, independent of g_D: E g_D·g_D′ = ‖g̃‖²"""
    counted = Counted(case)
    left = sum(p * q * (g @ h) for p, _, g in counted.datasets() for q, _, h in counted.datasets(1))
    right = counted.mean @ counted.mean
    return [counted.claim(g_of_the_test_set_is_independent, "11", left, right)]


def training_decrease_is_first_order(case: Case, settings: Settings) -> list[Claim]:
    """ΔL[D] = λ g_D·g_D + O(λ²): largest distance over all training sets"""
    counted = Counted(case)
    worst = max(abs(counted.slope(g, rows) - g @ g) for _, rows, g in counted.datasets())
    return [counted.claim(training_decrease_is_first_order, "12", worst, 0 * worst, limit=True)]


def decrease_on_the_test_set_is_first_order(case: Case, settings: Settings) -> list[Claim]:
    """ΔL[D′] = λ g_D·g_D′ + O(λ²): largest distance over all training and test sets"""
    counted = Counted(case)
    worst = max(
        abs(counted.slope(g, rows) - g @ h)
        for _, _, g in counted.datasets()
        for _, rows, h in counted.datasets()
    )
    return [
        counted.claim(decrease_on_the_test_set_is_first_order, "13", worst, 0 * worst, limit=True)
    ]


def gap_is_the_noise(case: Case, settings: Settings) -> list[Claim]:
    """E(ΔL[D] − ΔL[D′]) = λ Σσ² + O(λ²)"""
    counted = Counted(case)
    training, test = counted.expected(counted.slope)
    right = counted.variance.sum() / N
    return [counted.claim(gap_is_the_noise, "14", training - test, right, limit=True)]


def osgr_from_mean_squares(case: Case, settings: Settings) -> list[Claim]:
    """R = 1 − (1/n) Σ [E g_D²/Σ E g_D²]/(r + 1/n), the left side from losses"""
    counted = Counted(case)
    training, test = counted.expected(counted.slope)
    squares = sum(chance * g * g for chance, _, g in counted.datasets())
    ratios = flat(gsnr(counted.moments))
    one = training / training
    right = one - (squares / squares.sum() / (ratios + one / N)).sum() / N
    return [counted.claim(osgr_from_mean_squares, "19", test / training, right, limit=True)]


def weights_are_shares(case: Case, settings: Settings) -> list[Claim]:
    """W_j = E ΔL_j[D]/E ΔL[D]: largest distance from the share of E g_D² over all training sets"""
    counted = Counted(case)
    squares = sum(chance * g * g for chance, _, g in counted.datasets())
    worst = abs(squares / squares.sum() - flat(osgr_weights(counted.moments, N))).max()
    return [counted.claim(weights_are_shares, "21", worst, 0 * worst)]


def losses_give_the_prediction(case: Case, settings: Settings) -> list[Claim]:
    """R = 1 − (1/n) Σ W/(r + 1/n), the left side from losses over all training sets"""
    counted = Counted(case)
    training, test = counted.expected(counted.slope)
    right = predicted_osgr(counted.moments, N)
    return [counted.claim(losses_give_the_prediction, "22", test / training, right, limit=True)]
