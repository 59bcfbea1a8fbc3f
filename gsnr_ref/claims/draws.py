"""Other draws: splits, test sets and labels, statements 3.6 to 3.8."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.counting import Counted, N
from gsnr_ref.closed_form import holdout_linear_regression
from gsnr_ref.moments import gradient_moments, mixed_moments
from gsnr_ref.osgr.predicted import collapsed_osgr, predicted_osgr
from toy_models import FinitePopulation
from toy_models.cases import Case


def without_replacement(case: Case, settings: Settings) -> list[Claim]:
    """Hold-out split without replacement: every split against the closed form"""
    counted = Counted(case)
    weight, bias = case.params["linear.weight"], case.params["linear.bias"]
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

    one, claims = expected(1), []
    for size in (2, 3):
        claim = counted.claim(size_of_the_test_set, "3.7", expected(size), one)
        claims.append(replace(claim, learning_rate=counted.rate))
    return claims


def random_labels(case: Case, settings: Settings) -> list[Claim]:
    """Random labels with probability p: moments are mixtures, so R is known at every p"""
    counted = Counted(case)
    size = len(counted.x)
    third: Any = Fraction(1, 3) if counted.exact else 1 / 3
    share = third * 3 / size
    every_x, every_y = np.repeat(counted.x, size, axis=0), np.tile(counted.y, size)
    uniform_p = np.repeat(counted.p, size) * share
    true_p = np.repeat(counted.p, size) * np.eye(size, dtype=int).ravel()
    uniform = gradient_moments(case.model, case.params, every_x, every_y, weights=uniform_p)
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
