from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import (
    InputError,
    RangeError,
    enumerated_osgr,
    gradient_moments,
    predicted_osgr,
)
from tests.oracles.exact import fractions
from toy_models import MLP, FinitePopulation, LinearRegression, ProductRegression


def all_sequences(x, y, p, weight, n, rate):
    """OSGR of linear regression without bias by all kⁿ sequences, in rational arithmetic."""

    def loss(w, i):
        return (sum(a * b for a, b in zip(x[i], w, strict=True)) - y[i]) ** 2 / 2

    training = test = Fraction(0)
    for draw in product(range(len(x)), repeat=n):
        chance = Fraction(1)
        gradient = [Fraction(0)] * len(weight)
        for i in draw:
            chance *= p[i]
            residual = sum(a * b for a, b in zip(x[i], weight, strict=True)) - y[i]
            gradient = [g + a * residual / n for g, a in zip(gradient, x[i], strict=True)]
        moved = [w - rate * g for w, g in zip(weight, gradient, strict=True)]
        training += chance * sum(loss(weight, i) - loss(moved, i) for i in draw) / n
        test += chance * sum(q * (loss(weight, i) - loss(moved, i)) for i, q in enumerate(p))
    return training, test


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4), st.integers(1, 20))
def test_multinomial_counts_equal_all_sequences_as_fractions(seed, n_points, n, rate):
    rng = np.random.default_rng(seed)
    x, weight = fractions(rng.integers(-3, 4, (n_points, 2))), fractions(rng.integers(-3, 4, 2))
    x[0, 0] += Fraction(1, 3)
    y = fractions(rng.integers(-5, 6, n_points)) / 7 + 100
    p = fractions(rng.integers(1, 9, n_points))
    p = p / p.sum()
    params = {"linear.weight": weight[:, None]}
    result = enumerated_osgr(
        LinearRegression(2, bias=False), params, FinitePopulation(x, y, p), n, Fraction(1, rate)
    )
    training, test = all_sequences(x, y, p, weight, n, Fraction(1, rate))
    assert (result.training_decrease, result.test_decrease) == (training, test)
    assert type(result.value) is Fraction


def test_floats_match_fractions():
    rng = np.random.default_rng(0)
    x, y = rng.integers(-3, 4, (4, 2)) / 4, rng.integers(-3, 4, (4, 1)) / 4
    weight = rng.integers(-3, 4, (2, 1)) / 8
    values = [
        enumerated_osgr(
            LinearRegression(2, bias=False), {"linear.weight": w}, FinitePopulation(a, b), 5, 0.25
        ).value
        for a, b, w in ((x, y, weight), (fractions(x), fractions(y), fractions(weight)))
    ]
    assert values[0] == pytest.approx(float(values[1]), rel=1e-13)


def test_the_identity_is_exact_in_the_limit():
    """The loss is quadratic: 4ΔL(λ/2) − ΔL(λ) is λ times its derivative at 0, exactly."""
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 6):
        x, y = fractions(rng.integers(-3, 4, (3, 2))), fractions(rng.integers(5, 9, (3, 1)))
        params = {"linear.weight": fractions([[1], [-2]]) / 3, "linear.bias": fractions([1])}
        model, population = LinearRegression(2), FinitePopulation(x, y)
        whole, half = (
            enumerated_osgr(model, params, population, n, rate)
            for rate in (Fraction(1, 2), Fraction(1, 4))
        )
        slopes = [
            4 * b - a
            for a, b in (
                (whole.test_decrease, half.test_decrease),
                (whole.training_decrease, half.training_decrease),
            )
        ]
        moments = gradient_moments(model, params, x, y)
        assert slopes[0] / slopes[1] == predicted_osgr(moments, n)


@pytest.mark.parametrize("seed", range(5))
def test_it_converges_to_the_prediction_with_order_one(seed):
    rng = np.random.default_rng(seed)
    model = MLP((2, 3, 1))
    params = model.init(seed)
    population = FinitePopulation(rng.normal(size=(3, 2)), rng.normal(size=3), [0.2, 0.3, 0.5])
    moments = gradient_moments(
        model, params, population.x, population.y, weights=population.probabilities
    )
    predicted = predicted_osgr(moments, 3)
    errors = [
        enumerated_osgr(model, params, population, 3, rate).value - predicted
        for rate in (2e-4, 1e-4)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.02)  # the next term is O(λ)


MODEL = LinearRegression(1)
POPULATION = FinitePopulation(np.ones((5, 1)), np.arange(5.0))
BAD = [
    ({"n": 0}, InputError, "n is 0"),
    ({"learning_rate": -1.0}, InputError, "learning_rate is -1.0"),
    ({"learning_rate": np.nan}, InputError, "learning_rate is nan"),
    ({"n": 60, "max_datasets": 1000}, InputError, "5 points: 635376 datasets; expected at most"),
    ({"population": ProductRegression()}, InputError, "expected x, y and probabilities"),
    ({"learning_rate": 1e200}, RangeError, "expected a smaller learning_rate"),
    (
        {"population": FinitePopulation(np.zeros((2, 1)), np.zeros(2))},
        RangeError,
        "expected params where the gradient is not zero",
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input_is_named(change, error, message):
    arguments = {
        "model": MODEL,
        "params": MODEL.init(0),
        "population": POPULATION,
        "n": 2,
        "learning_rate": 0.1,
    }
    with pytest.raises(error, match=message):
        enumerated_osgr(**arguments | change)
