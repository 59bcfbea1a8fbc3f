"""Closed forms against enumeration, as fractions, and against Monte Carlo."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    collapsed_osgr,
    enumerated_osgr,
    gradient_moments,
    gsnr,
    holdout_osgr,
    mixed_moments,
    per_sample_gradients,
    predicted_osgr,
)
from gsnr_ref.closed_form import (
    finite_linear_regression,
    gaussian_linear_regression,
    holdout_linear_regression,
    location_model,
)
from tests.oracles.exact import exact_linear_gradients, exact_moments, fractions
from tests.oracles.splits import osgr_of_draws, osgr_of_splits
from toy_models import FinitePopulation, LinearRegression, SoftmaxRegression

RATES = [Fraction(1, 1000), Fraction(1, 10), Fraction(1)]
numbers = st.integers(-4, 4).map(Fraction)


@st.composite
def regressions(draw, max_points=4):
    """x with its column of ones, y, and the weights: all Fractions."""
    n_points = draw(st.integers(2, max_points), label="n_points")
    n_features, n_outputs = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def table(rows, columns):
        size = rows * columns
        flat = draw(st.lists(numbers, min_size=size, max_size=size))
        return fractions(np.array(flat).reshape(rows, columns))

    x, y = table(n_points, n_features), table(n_points, n_outputs)
    counts = draw(st.lists(st.integers(1, 5), min_size=n_points, max_size=n_points))
    p = np.array([Fraction(c, sum(counts)) for c in counts])
    return x, y, table(n_features, n_outputs) / 3, table(1, n_outputs)[0], p


@given(regressions(), st.integers(1, 3), st.sampled_from(RATES))
def test_finite_linear_regression_equals_counting_every_draw(problem, n, rate):
    x, y, weight, bias, p = problem
    closed = finite_linear_regression(x, y, weight, n, bias, p)
    with_ones = np.concatenate([x, fractions(np.ones((len(x), 1)))], axis=1)
    both = np.concatenate([weight, bias[None]])
    gradients = exact_linear_gradients(weight, bias, x, y)
    for part, g in zip(np.split(closed.mean, [weight.size]), gradients, strict=True):
        assert (part == exact_moments(g, p)[1].ravel()).all()
    if closed.training_decrease(rate) == 0:
        return
    assert closed.osgr(rate) == osgr_of_draws(with_ones, y, both, p, n, rate)
    population = FinitePopulation(x, y, p)
    model = LinearRegression(x.shape[1], y.shape[1])
    params = {"linear.weight": weight, "linear.bias": bias}
    enumerated = enumerated_osgr(model, params, population, n, rate)
    assert closed.osgr(rate) == enumerated.value
    assert closed.training_decrease(rate) == enumerated.training_decrease
    assert closed.test_decrease(rate) == enumerated.test_decrease
    moments = gradient_moments(model, params, x, y, weights=p)
    assert closed.osgr() == predicted_osgr(moments, n)


@given(regressions(max_points=5), st.data())
def test_a_holdout_split_equals_counting_every_split(problem, data):
    x, y, weight, _, _ = problem
    n = data.draw(st.integers(1, len(x) - 1), label="n")
    rate = data.draw(st.sampled_from(RATES), label="rate")
    closed = holdout_linear_regression(x, y, weight, n)
    if closed.training_decrease(rate) == 0:
        return
    assert closed.osgr(rate) == osgr_of_splits(x, y, weight, n, rate)
    whole = GradientMoments(len(x), closed.mean, closed.variance * len(x))
    limit = holdout_osgr(whole, n)
    assert limit == closed.osgr() or closed.training_slope == 0


def test_floats_match_fractions():
    x, y, w = (
        fractions([[1, 2], [-1, 1], [2, -1]]),
        fractions([[1], [0], [3]]),
        fractions([[1], [2]]),
    )
    p = [Fraction(1, 3)] * 3
    for n in (1, 2, 7, 1000):
        exact = finite_linear_regression(x, y, w, n, probabilities=p).osgr(Fraction(1, 8))
        floats = finite_linear_regression(x.astype(float), y.astype(float), w.astype(float), n)
        assert floats.osgr(0.125) == pytest.approx(float(exact), rel=1e-12)
    exact = holdout_linear_regression(x, y, w, 2).osgr(Fraction(1, 8))
    floats = holdout_linear_regression(*(a.astype(float) for a in (x, y, w)), 2)
    assert floats.osgr(0.125) == pytest.approx(float(exact), rel=1e-12)


@given(numbers, numbers, st.integers(1, 50), st.sampled_from(RATES))
def test_the_location_model_is_regression_on_a_constant(theta, mean, n, rate):
    y = fractions([mean - 2, mean + 1])  # with probabilities 1/3 and 2/3: mean, variance 2
    p = [Fraction(1, 3), Fraction(2, 3)]
    location = location_model(theta, mean, Fraction(2), n)
    regression = finite_linear_regression(fractions([[1], [1]]), y, [theta], n, probabilities=p)
    assert location.osgr(rate) == regression.osgr(rate)
    assert location.gsnr[0] == regression.gsnr[0] == (theta - mean) ** 2 / Fraction(2)
    r = location.gsnr[0]
    assert location.osgr() == (1 / (1 + 1 / (n * r)) if r else 0)  # the identity


def test_half_at_one_over_n():
    assert location_model(Fraction(1), 0, Fraction(7), 7).osgr() == Fraction(1, 2)


GAUSSIAN = {
    "e": np.array([0.5, -1.0, 0.3]),
    "c": np.array([[1.0, 0.4, 0.0], [0.4, 2.0, -0.3], [0.0, -0.3, 0.5]]),
}


@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_gaussian_linear_regression_against_monte_carlo(n, noise):
    e, c, rate = GAUSSIAN["e"], GAUSSIAN["c"], 0.1
    closed = gaussian_linear_regression(e, np.zeros(3), c, noise, n)
    rng = np.random.default_rng(n)
    trials = 4_000_000 // n
    training, test = [], []
    root = np.linalg.cholesky(c)
    for _ in range(4):
        x = rng.standard_normal((trials // 4, n, 3)) @ root.T
        residuals = x @ e - noise * rng.standard_normal((trials // 4, n))
        step = rate * np.einsum("tni,tn->ti", x, residuals) / n
        moved = residuals - np.einsum("tni,ti->tn", x, step)
        training.append((residuals**2 - moved**2).mean(axis=1) / 2)
        new = e - step
        test.append((e @ c @ e - np.einsum("ti,ij,tj->t", new, c, new)) / 2)
    training, test = np.concatenate(training), np.concatenate(test)
    value = test.mean() / training.mean()
    error = (test - value * training).std() / len(test) ** 0.5 / training.mean()
    assert error < 1e-3
    assert abs(value - closed.osgr(rate)) < 4 * error
    for drawn, exact in (
        (training, closed.training_decrease(rate)),
        (test, closed.test_decrease(rate)),
    ):
        assert abs(drawn.mean() - exact) < 4 * drawn.std() / len(drawn) ** 0.5


def test_gaussian_gsnr_is_below_1_and_equals_the_formula():
    closed = gaussian_linear_regression(GAUSSIAN["e"], np.zeros(3), GAUSSIAN["c"], 0.7, 10)
    ce = GAUSSIAN["c"] @ GAUSSIAN["e"]
    residual = GAUSSIAN["e"] @ ce + 0.49
    assert np.allclose(closed.gsnr, ce**2 / (residual * np.diag(GAUSSIAN["c"]) + ce**2), rtol=1e-14)
    assert (closed.gsnr < 1).all()


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_one_gaussian_feature_has_chi_squared_moments(n):
    """With C = 1 and no noise B = e² E s³ = n(n+2)(n+4)/n³ for s = χ²_n/n."""
    closed = gaussian_linear_regression([Fraction(3)], [Fraction(1)], [[Fraction(1)]], 0, n)
    assert closed.training_curvature == Fraction(4 * n * (n + 2) * (n + 4), n**3)
    assert closed.training_slope == Fraction(4 * n * (n + 2), n**2)


@given(st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_label_noise_is_a_mixture(tenths, seed):
    """Against the same population written out, label by label."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((6, 2)), rng.integers(0, 3, 6)
    model = SoftmaxRegression(2, 3)
    params, p = model.init(seed), tenths / 10
    every_x, every_y = np.repeat(x, 3, axis=0), np.tile(np.arange(3), 6)
    weights = p / 18 + (1 - p) / 6 * (every_y == np.repeat(y, 3))
    noisy = gradient_moments(model, params, every_x, every_y, weights=weights)
    clean = gradient_moments(model, params, x, y)
    uniform = gradient_moments(model, params, every_x, every_y)
    mixed = mixed_moments(clean, uniform, p)
    for name in clean.mean:
        assert np.allclose(mixed.mean[name], noisy.mean[name], rtol=1e-11, atol=1e-13)
        assert np.allclose(mixed.variance()[name], noisy.variance()[name], rtol=1e-9, atol=1e-13)


def test_holdout_holds_for_any_model():
    """A softmax model: E g_D·g_D and E g_D·g_D′ over every split."""
    from itertools import combinations

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)), rng.integers(0, 3, 6)
    model = SoftmaxRegression(2, 3)
    g = np.concatenate(
        [v.reshape(6, -1) for v in per_sample_gradients(model, model.init(0), x, y).values()],
        axis=1,
    )
    for n in range(1, 6):
        training = test = 0.0
        for rows in combinations(range(6), n):
            rest = [i for i in range(6) if i not in rows]
            training += g[list(rows)].mean(0) @ g[list(rows)].mean(0)
            test += g[list(rows)].mean(0) @ g[rest].mean(0)
        value = holdout_osgr(GradientMoments.from_samples(g), n)
        assert value == pytest.approx(test / training, rel=1e-12)


@pytest.mark.parametrize(
    "closed",
    [
        location_model(1.5, 0.2, 0.7, 20),
        gaussian_linear_regression(GAUSSIAN["e"], np.zeros(3), GAUSSIAN["c"], 0.5, 20),
        finite_linear_regression([[1.0, 2.0], [0.5, -1.0], [2.0, 0.1]], [1.0, 2, 0], [0.3, 1], 20),
    ],
)
def test_the_identity_at_a_small_learning_rate(closed):
    moments = GradientMoments(1, closed.mean, closed.variance)
    assert closed.osgr(0.0) == pytest.approx(predicted_osgr(moments, 20), rel=1e-12)
    assert closed.osgr(0.0) == pytest.approx(collapsed_osgr(moments, 20), rel=1e-12)
    assert closed.osgr(1e-6) == pytest.approx(closed.osgr(0.0), rel=1e-4)
    assert np.allclose(closed.gsnr, gsnr(moments), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: location_model(1.0, 0.0, -1.0, 3), "variance is -1.0"),
        (lambda: location_model(1.0, 0.0, 1.0, 0), "n is 0; expected a whole number, 1 or more"),
        (lambda: gaussian_linear_regression([1.0], [1.0], np.eye(2), 0.0, 3), "covariance"),
        (lambda: finite_linear_regression([[1.0]], [[1.0, 2.0]], [1.0], 3), "x has shape"),
        (lambda: holdout_linear_regression([[1.0], [2.0]], [1, 1], [1], 2), "n is 2; .* 1 to 1"),
        (lambda: holdout_osgr(GradientMoments(5, [1.0], [1.0]), 5), "n is 5 .* count 5"),
        (lambda: mixed_moments(*[GradientMoments(1, [1.0], [1.0])] * 2, 1.5), "probability is 1.5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
