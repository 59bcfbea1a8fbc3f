"""The laws of reuse: by their order in 1/n on enumerated populations, and measured on digits."""

from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import InputError, RangeError, gradient_moments, reuse_factor, reuse_law
from gsnr_ref.closed_form import trained_location_model
from gsnr_ref.osgr.step import step
from tests.oracles.curved_location import CurvedLocation
from tests.oracles.exact import fractions
from tests.oracles.trained import along_training, linear_gradients, perceptron_gradients
from toy_models import (
    MLP,
    FinitePopulation,
    LinearRegression,
    ProductRegression,
    load_digits,
    make_case,
)

X = np.array([[1.0, 2.0], [-1.0, 1.0], [2.0, -1.0]])
Y = np.array([1.0, 0.0, -2.0])
P = np.array([0.25, 0.5, 0.25])
RATE, STEPS = 0.1, 6


def linear():
    weight = np.array([0.5, -1 / 3])
    model, params = LinearRegression(2, bias=False), {"linear.weight": weight[:, None]}
    return model, params, linear_gradients, weight


def perceptron():
    model = MLP((2, 2, 1))
    params = model.init(0)
    return model, params, perceptron_gradients, np.concatenate([v.ravel() for v in params.values()])


@pytest.mark.parametrize("rate", [0.05, 0.1])
@pytest.mark.parametrize("problem", [linear, perceptron])
def test_what_the_laws_leave_out_is_of_order_1_over_n(problem, rate):  # 4.5, 4.10, 4.11
    model, params, gradients, theta = problem()
    law = reuse_law(model, params, FinitePopulation(X, Y, P), rate, STEPS)
    laws = np.array([law.reuse_factor, law.scaled_gap, law.scaled_shortfall])
    small, large = (along_training(gradients, theta, X, Y, P, n, rate, STEPS) for n in (128, 256))
    # The coefficient of 1/n crosses 0 at some steps, so the order is that of all steps together.
    errors = [np.linalg.norm((enumerated - laws)[:, 1:], axis=1) for enumerated in (small, large)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx([1, 1, 1], abs=0.1)
    scale = np.abs(laws).max(axis=1, keepdims=True)
    assert np.abs((2 * large - small - laws) / scale).max() < 1e-3
    assert laws[:2, 0].tolist() == [1, 0]


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1, 2)], ids=str)
def test_on_the_curved_location_model_the_laws_are_the_closed_form_exactly(rate):
    h, theta, y = fractions([1, 3]), fractions([3, -2]), fractions([[0, 1], [2, -1], [1, 3]])
    p = np.array([Fraction(1, 2), Fraction(1, 6), Fraction(1, 3)])
    population = FinitePopulation(fractions(np.zeros((3, 1))), y, p)
    law = reuse_law(CurvedLocation(h), {"location.bias": theta}, population, rate, 5)
    mean = p @ y
    variance = p @ (y - mean) ** 2
    for t in range(6):
        closed = trained_location_model(theta, mean, variance, h, 7, rate, t)
        assert law.reuse_factor[t] == closed.reuse_factor
        assert law.scaled_gap[t] == 7 * closed.gap
        signal = (closed.mean**2).sum()
        assert law.scaled_shortfall[t] == closed.reuse_factor * closed.variance.sum() / signal


def test_the_rational_case_is_rational_and_is_what_floats_give():
    case = make_case("rational", "linear")
    floats = make_case("finite", "linear")
    params = {name: value.astype(float) for name, value in case.params.items()}
    exact = reuse_law(case.model, case.params, case.population, Fraction(1, 10), 3)
    rounded = reuse_law(floats.model, params, floats.population, 0.1, 3)
    for name in ("reuse_factor", "scaled_gap", "scaled_shortfall"):
        values = getattr(exact, name)
        assert {type(v) for v in values} == {Fraction}
        assert values.astype(float) == pytest.approx(getattr(rounded, name), rel=1e-12)


def test_at_a_minimum_the_gap_is_takeuchis_and_nothing_is_left_to_reuse():
    model, params, _, _ = linear()
    law = reuse_law(model, params, FinitePopulation(X, Y, P), 0.3, 300)
    hessian = (X * P[:, None]).T @ X
    minimum = np.linalg.solve(hessian, X.T @ (P * Y))
    gradients = X * (X @ minimum - Y)[:, None]
    covariance = (gradients * P[:, None]).T @ gradients
    takeuchi = np.trace(np.linalg.solve(hessian, covariance))
    assert law.scaled_gap[-1] == pytest.approx(takeuchi, rel=1e-9)
    assert law.reuse_factor[-1] == pytest.approx(0, abs=1e-9)


def test_samples_are_the_points_of_the_expectations_over_i():
    """Three copies of every point: one of each, as `samples`, says it all."""
    model, params, _, _ = perceptron()
    whole = reuse_law(model, params, FinitePopulation(X, Y), RATE, STEPS)
    copies = FinitePopulation(np.tile(X, (3, 1)), np.tile(Y, 3))
    some = reuse_law(model, params, copies, RATE, STEPS, samples=[3, 1, 8])
    for name in ("reuse_factor", "scaled_gap", "scaled_shortfall"):
        assert getattr(some, name) == pytest.approx(getattr(whole, name), rel=1e-10)


def test_bad_input_is_named():
    case = make_case("finite", "linear")
    good = (case.model, case.params)
    with pytest.raises(InputError, match="population is ProductRegression; expected x, y"):
        reuse_law(*good, ProductRegression(), 0.1, 1)
    with pytest.raises(InputError, match=r"n_steps is -1; expected a whole number, 0 or more"):
        reuse_law(*good, case.population, 0.1, -1)
    with pytest.raises(InputError, match=r"samples is \[4\]; expected indices of 0 to 3"):
        reuse_law(*good, case.population, 0.1, 1, samples=[4])
    for samples in ([], [0.0], [[0]], [-1]):
        with pytest.raises(InputError, match=r"samples is .*; expected indices of 0 to 3"):
            reuse_law(*good, case.population, 0.1, 1, samples=samples)
    with pytest.raises(RangeError, match="leaves the range of float64"):
        reuse_law(*good, case.population, 1e60, 6)


@pytest.mark.simulation
def test_on_a_digits_perceptron_the_law_is_what_is_measured():
    """610 parameters, 40 sets of 200; the laws of a population of 1,797 images."""
    x, y = load_digits()
    model, n, n_sets, n_steps = MLP((64, 8, 10), loss="cross_entropy"), 200, 40, 100
    population, params = FinitePopulation(x, y), model.init(0)
    law = reuse_law(model, params, population, RATE, n_steps)
    pairs = [[] for _ in range(n_steps + 1)]
    for rng in np.random.default_rng(0).spawn(n_sets):
        own, theta = population.sample(rng, n), params
        for at_step in pairs:
            at_step.append([gradient_moments(model, theta, *data) for data in (own, (x, y))])
            theta, _ = step(model, theta, *own, np.full(n, 1 / n), RATE)
    measured = [reuse_factor(*zip(*at_step, strict=True)) for at_step in pairs]
    values, errors = np.array([(m.value, m.standard_error) for m in measured]).T
    within = np.abs(values - law.reuse_factor) <= 2 * errors
    assert within[1:].mean() >= 0.9
