"""The series in the learning rate: its coefficients, and the order of what it leaves out."""

from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import (
    InputError,
    RangeError,
    enumerated_osgr,
    osgr_expansion,
)
from gsnr_ref.closed_form import finite_linear_regression
from toy_models import MLP, FinitePopulation, LinearRegression, ProductRegression, make_case

RATE = 2e-3


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus"])
@pytest.mark.parametrize("seed", range(3))
def test_observed_orders_are_1_and_2(seed, activation, loss):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    x = rng.standard_normal((4, 2))
    y = rng.standard_normal((4, 2)) if loss == "squared" else rng.integers(0, 2, 4)
    model = MLP((2, 3, 2), activation, loss)
    params, population = model.init(seed), FinitePopulation(x, y)
    r0, c1 = osgr_expansion(model, params, population, n)
    values = [
        enumerated_osgr(model, params, population, n, rate).value for rate in (RATE, RATE / 2)
    ]
    first = [v - r0 for v in values]
    second = [v - r0 - c1 * rate for v, rate in zip(values, (RATE, RATE / 2), strict=True)]
    # The next term shifts an observed order by about (its share of the error)·λ.
    assert np.log2(first[0] / first[1]) == pytest.approx(1, abs=0.02)
    assert np.log2(second[0] / second[1]) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_a_quadratic_loss_has_the_closed_form_coefficients(n):
    rng = np.random.default_rng(n)
    x, y, weight = rng.standard_normal((5, 2)), rng.standard_normal(5), rng.standard_normal((2, 1))
    p = np.array([0.1, 0.2, 0.3, 0.2, 0.2])
    closed = finite_linear_regression(x, y, weight, n, [0.4], p)
    params = {"linear.weight": weight, "linear.bias": np.array([0.4])}
    r0, c1 = osgr_expansion(LinearRegression(2), params, FinitePopulation(x, y, p), n)
    a = closed.training_slope
    expected = (closed.osgr() * closed.training_curvature - closed.test_curvature) / (2 * a)
    assert r0 == pytest.approx(closed.osgr(), rel=1e-12)
    assert c1 == pytest.approx(expected, rel=1e-11)


def test_a_frozen_layer_takes_no_part():
    model = MLP((2, 3, 1), frozen=("layer1",))
    rng = np.random.default_rng(0)
    population = FinitePopulation(rng.standard_normal((4, 2)), rng.standard_normal(4))
    params = model.init(0)
    features = np.tanh(population.x @ params["layer1.weight"] + params["layer1.bias"])
    closed = finite_linear_regression(
        features, population.y, params["layer2.weight"], 3, params["layer2.bias"]
    )
    r0, c1 = osgr_expansion(model, params, population, 3)
    a = closed.training_slope
    assert r0 == pytest.approx(closed.osgr(), rel=1e-12)
    assert c1 == pytest.approx(
        (closed.osgr() * closed.training_curvature - closed.test_curvature) / (2 * a), rel=1e-10
    )


def test_bad_input_is_named():
    model, params = (
        LinearRegression(1),
        {"linear.weight": np.ones((1, 1)), "linear.bias": np.ones(1)},
    )
    with pytest.raises(InputError, match="population is ProductRegression"):
        osgr_expansion(model, params, ProductRegression(), 3)
    with pytest.raises(RangeError, match="every gradient is 0"):
        osgr_expansion(model, params, FinitePopulation(np.ones((1, 1)), np.array([2.0])), 3)


@pytest.mark.parametrize("n", [1, 3])
def test_fractions_give_the_derivative_of_the_closed_form_at_0_exactly(n):
    case = make_case("rational", "linear")
    x, y, p = (getattr(case.population, name) for name in ("x", "y", "probabilities"))
    weight, bias = case.params["linear.weight"], case.params["linear.bias"]
    closed = finite_linear_regression(x, y, weight, n, bias, p)
    r0, c1 = osgr_expansion(case.model, case.params, case.population, n)
    assert type(r0) is type(c1) is Fraction
    a = closed.training_slope
    assert r0 == closed.osgr()
    assert c1 == (r0 * closed.training_curvature - closed.test_curvature) / (2 * a)
