from fractions import Fraction

import numpy as np
import pytest

from toy_models import FinitePopulation, GaussianLinear, ProductRegression, make_case

N = 200_000


def test_finite_population_draws_with_its_probabilities():
    p = np.array([0.1, 0.2, 0.7])
    population = FinitePopulation(np.arange(3.0)[:, None], np.arange(3), p)
    x, y = population.sample(np.random.default_rng(0), N)
    assert np.array_equal(x[:, 0], y)
    shares = np.bincount(y, minlength=3) / N
    assert (np.abs(shares - p) < 4 * np.sqrt(p * (1 - p) / N)).all()


def test_finite_population_of_fractions_has_exact_equal_probabilities():
    population = FinitePopulation(np.array([[Fraction(1)]] * 3), np.array([Fraction(1)] * 3))
    assert population.probabilities.tolist() == [Fraction(1, 3)] * 3
    assert population.sample(np.random.default_rng(0), 2)[0].dtype == object


def test_gaussian_linear_has_its_covariance_and_noise():
    covariance = np.array([[2.0, 0.6], [0.6, 1.0]])
    population = GaussianLinear([1.0, -3.0], covariance, noise=0.5)
    x, y = population.sample(np.random.default_rng(0), N)
    # The variance of an entry of a sample covariance is (C_ii C_jj + C_ij²)/N.
    error = np.sqrt((np.outer([2, 1], [2, 1]) + covariance**2) / N)
    assert (np.abs(np.cov(x.T) - covariance) < 4 * error).all()
    noise = y - x @ [1.0, -3.0]
    assert abs(noise.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * N)


def test_product_regression_is_a_product():
    x, y = ProductRegression(noise=0.25).sample(np.random.default_rng(0), 1000)
    assert np.abs(x).max() <= 1
    assert np.abs(y - x[:, 0] * x[:, 1]).max() <= 0.25


def test_populations_and_cases_are_shown_in_one_line():
    unequal = FinitePopulation(np.zeros((2, 3, 4)), np.zeros((2, 1)), [0.25, 0.75])
    assert repr(unequal) == "FinitePopulation(2 points, x (3, 4), y (1,), unequal probabilities)"
    assert repr(ProductRegression(0.5)) == "ProductRegression(noise=0.5)"
    assert repr(make_case("gaussian", "linear")) == (
        "Case(name='gaussian/linear', model=LinearRegression(3, 1), "
        "population=GaussianLinear(3 features, noise 1.0))"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FinitePopulation(np.zeros((0, 2)), np.zeros(0)), "positive number of points"),
        (lambda: FinitePopulation(np.zeros((2, 2)), np.zeros(3)), "the same positive number"),
        (lambda: FinitePopulation(np.zeros((2, 2)), np.zeros(2), [0.5]), "probabilities has shape"),
        (lambda: FinitePopulation(np.zeros((2, 2)), np.zeros(2), [0.5, 0.6]), "sum 1.1"),
        (lambda: FinitePopulation(np.zeros((2, 2)), np.zeros(2), [-0.5, 1.5]), "minimum -0.5"),
        (lambda: FinitePopulation(np.zeros((2, 2)), np.zeros(2), [np.nan, 1]), "minimum nan"),
        (lambda: GaussianLinear([1.0], [[1.0, 0.0], [0.0, 1.0]]), "weights has shape"),
        (lambda: GaussianLinear([1.0, 1.0], [[1.0, 2.0], [2.0, 1.0]]), "positive semidefinite"),
        (lambda: GaussianLinear([1.0], noise=-1), "noise is -1"),
        (lambda: ProductRegression(noise=np.inf), "noise is inf"),
        (lambda: make_case("moons", "mlp"), "data is 'moons'"),
        (lambda: make_case("digits", "linear"), "model is 'linear' on digits"),
    ],
)
def test_bad_populations_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
