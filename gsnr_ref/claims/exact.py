"""Equations of the definitions and of the identity, each by counting every dataset.

In rational arithmetic where the case allows it, with equal fractions on both sides. Everything on
the left is a plain sum over sequences of draws: no code is shared with the routes on the right.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.identity import finite_support
from gsnr_ref.contract import Array, flat, is_exact
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.enumerated import enumerated_osgr
from gsnr_ref.osgr.predicted import osgr_weights, predicted_osgr
from gsnr_ref.signal_to_noise import gsnr
from toy_models.cases import Case

N = 2  # draws in a training set: k² sequences


class Counted:
    """Every sequence of N draws from a case's points, with its probability and mean gradient.

    Examples
    --------
    >>> from toy_models import make_case
    >>> sum(p for p, _, _ in Counted(make_case("rational", "linear")).datasets())
    Fraction(1, 1)
    """

    def __init__(self, case: Case) -> None:
        points = finite_support(case)
        self.case, self.x, self.y, self.p = case, points.x, points.y, points.probabilities
        rows = per_sample_gradients(case.model, case.params, self.x, self.y, "loop")
        self.g = np.concatenate([g.reshape(len(self.x), -1) for g in rows.values()], axis=1)
        self.exact = is_exact(self.g)
        self.rate: Any = Fraction(1, 10) if self.exact else 1e-3
        self.moments = gradient_moments(case.model, case.params, self.x, self.y, weights=self.p)
        self.mean, self.variance = flat(self.moments.mean), flat(self.moments.variance())

    def datasets(self, n: int = N) -> Iterator[tuple[Any, list[int], Array]]:
        """Probability, indices and g_D of every sequence of n draws."""
        for index in product(range(len(self.x)), repeat=n):
            rows = list(index)
            yield np.prod(self.p[rows]), rows, self.g[rows].sum(axis=0) / n

    def decrease(self, g_d: Array, rows: list[int], rate: Any) -> Any:
        """Decrease of the mean loss on the points `rows` in the step θ ← θ − λ g_D."""
        model, params = self.case.model, self.case.params
        moved, start = dict(params), 0
        for name in model.trainable:
            part = g_d[start : start + params[name].size].reshape(params[name].shape)
            moved[name], start = params[name] - rate * part, start + params[name].size
        x, y = self.x[rows], self.y[rows]
        return (model.loss(params, x, y) - model.loss(moved, x, y)).sum() / len(rows)

    def slope(self, g_d: Array, rows: list[int]) -> Any:
        """ΔL/λ as λ → 0: exact where the loss is quadratic, else up to O(λ³) (Richardson)."""
        rate = self.rate if self.exact else 1e-4
        slopes = []
        for r in (rate, rate / 2):
            whole, half = self.decrease(g_d, rows, r), self.decrease(g_d, rows, r / 2)
            slopes.append((4 * half - whole) / r)
        return (4 * slopes[1] - slopes[0]) / 3

    def claim(
        self, function: Any, equation: str, left: Any, right: Any, limit: bool = False
    ) -> Claim:
        """Both sides of one equation; `limit` if the left side comes from a slope."""
        scale = max(abs(float(left)), abs(float(right)), 1e-3)
        if self.exact:
            bound, reason = 0.0, "exact: fractions"
        elif limit:
            largest = float((self.g * self.g).sum(axis=1).max())
            bound, reason = 1e-8 * max(1.0, largest), "λ³ at λ = 1e-4, for the largest gradient"
        else:
            bound, reason = 1e-12 * scale, "rounding"
        return Claim(str(function.__doc__), equation, left, right, bound, reason, self.case.name, N)


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
    training: Any = 0
    test: Any = 0
    for chance, rows, g_d in counted.datasets():
        training += chance * counted.decrease(g_d, rows, counted.rate)
        for i, p in enumerate(counted.p):
            test += chance * p * counted.decrease(g_d, [i], counted.rate)
    right = enumerated_osgr(case.model, case.params, finite_support(case), N, counted.rate).value
    claim = counted.claim(osgr_is_its_definition, "5", test / training, right)
    return [replace(claim, learning_rate=counted.rate)]


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
    distances = [abs(counted.slope(g, rows) - g @ g) for _, rows, g in counted.datasets()]
    zero = 0 * distances[0]
    return [counted.claim(training_decrease_is_first_order, "12", max(distances), zero, limit=True)]


def decrease_on_the_test_set_is_first_order(case: Case, settings: Settings) -> list[Claim]:
    """ΔL[D′] = λ g_D·g_D′ + O(λ²): largest distance over all training and test sets"""
    counted = Counted(case)
    distances = [
        abs(counted.slope(g, rows) - g @ h)
        for _, _, g in counted.datasets()
        for _, rows, h in counted.datasets()
    ]
    zero = 0 * distances[0]
    return [
        counted.claim(
            decrease_on_the_test_set_is_first_order, "13", max(distances), zero, limit=True
        )
    ]


def _expected_slopes(counted: Counted) -> tuple[Any, Any]:
    training = sum(chance * counted.slope(g, rows) for chance, rows, g in counted.datasets())
    test = sum(
        chance * p * counted.slope(g, [i])
        for chance, _, g in counted.datasets()
        for i, p in enumerate(counted.p)
    )
    return training, test


def gap_is_the_noise(case: Case, settings: Settings) -> list[Claim]:
    """E(ΔL[D] − ΔL[D′]) = λ Σσ² + O(λ²)"""
    counted = Counted(case)
    training, test = _expected_slopes(counted)
    right = counted.variance.sum() / N
    return [counted.claim(gap_is_the_noise, "14", training - test, right, limit=True)]


def osgr_from_mean_squares(case: Case, settings: Settings) -> list[Claim]:
    """R = 1 − (1/n) Σ [E g_D²/Σ E g_D²]/(r + 1/n), the left side from losses"""
    counted = Counted(case)
    training, test = _expected_slopes(counted)
    squares = sum(chance * g * g for chance, _, g in counted.datasets())
    ratios = flat(gsnr(counted.moments))
    one = training / training
    right = one - (squares / squares.sum() / (ratios + one / N)).sum() / N
    return [counted.claim(osgr_from_mean_squares, "19", test / training, right, limit=True)]


def weights_are_shares(case: Case, settings: Settings) -> list[Claim]:
    """W_j = E ΔL_j[D]/E ΔL[D]: largest distance from the share of E g_D² over all training sets"""
    counted = Counted(case)
    squares = sum(chance * g * g for chance, _, g in counted.datasets())
    distances = abs(squares / squares.sum() - flat(osgr_weights(counted.moments, N)))
    return [counted.claim(weights_are_shares, "21", distances.max(), 0 * distances[0])]


def losses_give_the_prediction(case: Case, settings: Settings) -> list[Claim]:
    """R = 1 − (1/n) Σ W/(r + 1/n), the left side from losses over all training sets"""
    counted = Counted(case)
    training, test = _expected_slopes(counted)
    right = predicted_osgr(counted.moments, N)
    return [counted.claim(losses_give_the_prediction, "22", test / training, right, limit=True)]


def moments_of(x: Any, y: Any, case: Case, p: Any) -> GradientMoments:
    """Moments of the case's model on other points."""
    return gradient_moments(case.model, case.params, x, y, weights=p)
