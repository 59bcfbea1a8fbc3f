"""OSGR at trained parameters: as fractions over every training set, trained on each."""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from scipy import stats

from gsnr_ref import (
    GradientMoments,
    InputError,
    debiased_osgr,
    finite_step_osgr,
    gap_ledger,
    gradient_moments,
    held_out_osgr,
    reuse_factor,
)
from tests.oracles.curved_location import CurvedLocation
from tests.oracles.exact import exact_moments, fractions
from tests.oracles.trained import decreases, slopes, trained_sets
from toy_models import MLP, FinitePopulation, LinearRegression, make_case

RATES = [Fraction(1, 10), Fraction(1, 2)]
CASE = make_case("rational", "linear")
X, Y, P = CASE.population.x, CASE.population.y, CASE.population.probabilities
WITH_ONES = [[*row, Fraction(1)] for row in X.tolist()]  # the bias is the last weight
TARGETS = [[v] for v in Y.tolist()]
START = [[v] for v in (*CASE.params["linear.weight"][:, 0], CASE.params["linear.bias"][0])]
LAYERS = {"linear.weight": (0, 1), "linear.bias": (2,)}


def params_of(w):
    return {"linear.weight": fractions(w[:2]), "linear.bias": fractions(w[2])}


@cache
def every_set(n, rate, n_steps):
    """(rows, trained weights, moments on the rows, on the population) and the chances."""
    sets, chances = [], []
    for rows, chance, w in trained_sets(WITH_ONES, TARGETS, START, P, n, rate, n_steps):
        take = list(rows)
        training = gradient_moments(CASE.model, params_of(w), X[take], Y[take])
        test = gradient_moments(CASE.model, params_of(w), X, Y, weights=P)
        sets.append((rows, w, training, test))
        chances.append(chance)
    assert sum(chances) == 1
    return sets, chances


def expected_slopes(sets, chances, rate, moving=None):
    """E ΔL[D]/λ and E ΔL[D′]/λ as λ → 0, of real steps."""
    each = [slopes(WITH_ONES, TARGETS, w, rows, P, rate, moving=moving) for rows, w, _, _ in sets]
    return [sum(c * s[k] for c, s in zip(chances, each, strict=True)) for k in (0, 1)]


def exact_noise(w, rows):
    """Tr S/n with 1/(n − 1), by plain sums."""
    residuals = [sum(a * b[0] for a, b in zip(WITH_ONES[i], w)) - TARGETS[i][0] for i in rows]  # noqa: B905
    gradients = [[a * r for a in WITH_ONES[i]] for i, r in zip(rows, residuals, strict=True)]
    _, _, m2 = exact_moments(gradients)
    return m2.sum() / (len(rows) - 1) / len(rows)


@pytest.mark.parametrize("n_steps", range(6))
@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_reuse_factor_makes_the_identity_hold(n, rate, n_steps):  # 4.2, 4.3
    sets, chances = every_set(n, rate, n_steps)
    training, test = expected_slopes(sets, chances, rate)
    noise = sum(c * exact_noise(w, rows) for c, (rows, w, _, _) in zip(chances, sets, strict=True))
    factor = reuse_factor([d for *_, d, _ in sets], [t for *_, t in sets], chances)
    assert type(factor.value) is Fraction
    assert test / training == 1 - factor.value * noise / training
    assert (factor.value == 1) == (n_steps == 0)
    assert factor.standard_error == 0


@pytest.mark.parametrize("n_steps", range(6))
@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_held_out_osgr_is_the_limit_of_real_steps(n, rate, n_steps):  # 4.1
    sets, chances = every_set(n, rate, n_steps)
    training, test = expected_slopes(sets, chances, rate)
    value = held_out_osgr([d for *_, d, _ in sets], [t for *_, t in sets], chances).value
    assert type(value) is Fraction
    assert value == test / training


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_the_identity_holds_for_every_dataset(rate):  # 4.2
    for rows, w, training, test in every_set(3, rate, 4)[0]:
        training_slope, test_slope = slopes(WITH_ONES, TARGETS, w, rows, P, rate)
        if len(set(rows)) == 1 or training_slope == 0:
            continue  # no gradient varies, κ is a/0 or 0/0
        factor = reuse_factor(training, test).value
        assert test_slope / training_slope == 1 - factor * (1 - debiased_osgr(training))


@pytest.mark.parametrize("n_steps", range(6))
@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_by_layer(n, rate, n_steps):  # 4.8
    sets, chances = every_set(n, rate, n_steps)
    training, _ = expected_slopes(sets, chances, rate)
    whole = held_out_osgr([d for *_, d, _ in sets], [t for *_, t in sets], chances).value
    added = 0
    for layer, moving in LAYERS.items():
        own, fresh = expected_slopes(sets, chances, rate, moving)  # that layer stepped alone
        parts = [[s[k].select([layer]) for s in sets] for k in (2, 3)]
        assert held_out_osgr(*parts, chances).value == fresh / own
        added += own / training * (fresh / own)  # W_l R_l
    assert added == whole


@pytest.mark.parametrize("n_steps", range(6))
@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_finite_step_is_exact_on_every_dataset(n, rate, n_steps):  # 4.7
    for rows, w, _, _ in every_set(n, rate, n_steps)[0]:
        training, test = decreases(WITH_ONES, TARGETS, w, rows, P, rate)
        if training == 0:
            continue
        own = FinitePopulation(X[list(rows)], Y[list(rows)])
        found = finite_step_osgr(CASE.model, params_of(w), own, CASE.population, rate)
        assert found.value == test / training
        assert found.raises_the_training_loss == (training <= 0)
        corrected = (1 - rate * found.test_quotient / 2) / (1 - rate * found.training_quotient / 2)
        assert found.value == found.held_out * corrected


def moments_along(model, paths, training, test, rate, n_steps):
    """Moments on both sets before each step of a run on the training set, and the gap's growth."""
    (x, y), (x_test, y_test, p) = training, test
    params, ledgers = paths, ([], [])
    gaps = []
    for step in range(n_steps + 1):
        training_loss = model.loss(params, x, y).sum() / len(x)
        gaps.append((p * model.loss(params, x_test, y_test)).sum() - training_loss)
        if step == n_steps:
            return *ledgers, gaps[-1] - gaps[0]
        ledgers[0].append(gradient_moments(model, params, x, y))
        ledgers[1].append(gradient_moments(model, params, x_test, y_test, weights=p))
        mean = ledgers[0][-1].mean
        params = params | {name: params[name] - rate * g for name, g in mean.items()}
    return None


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_ledger_is_the_gap_where_all_samples_share_one_hessian(n, rate):  # 4.6
    points = fractions([[0, 1], [2, -1], [1, 3]])
    model, params = CurvedLocation(fractions([1, 3])), {"location.bias": fractions([3, -2])}
    test = (fractions(np.zeros((3, 1))), points, fractions([1, 1, 1]) / 3)
    for rows in combinations_with_replacement(range(3), n):
        training = (fractions(np.zeros((n, 1))), points[list(rows)])
        own, fresh, growth = moments_along(model, params, training, test, rate, 5)
        entries = gap_ledger(own, fresh, rate)
        assert entries.shape == (5,)
        assert entries.sum() == growth
        if n > 1 and len(set(rows)) > 1:  # λκ_t tr S_t/n
            factors = [reuse_factor(*pair).value for pair in zip(own, fresh, strict=True)]
            noises = [d.signal_and_noise(ddof=1)[1] / n for d in own]
            assert list(entries) == [rate * k * s for k, s in zip(factors, noises, strict=True)]


@pytest.mark.parametrize("model", [LinearRegression(2), MLP((2, 3, 1))], ids=["linear", "mlp"])
def test_elsewhere_the_ledger_leaves_out_a_term_of_order_1_in_the_learning_rate(model):  # 4.6
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 2)), rng.standard_normal(9)
    test, params = (x[5:], y[5:], np.full(4, 1 / 4)), model.init(0)
    errors = []
    for n_steps in (64, 128, 256):
        rate = 1.6 / n_steps
        *sets, growth = moments_along(model, params, (x[:5], y[:5]), test, rate, n_steps)
        errors.append(gap_ledger(*sets, rate).sum() - growth)
    # The next term shifts an observed order by about (its share of the error)·λ.
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([1, 1], abs=0.05)


def test_the_error_is_the_jackknifes_and_nan_for_one_pair():
    rng = np.random.default_rng(0)
    training, test = (
        [GradientMoments.from_samples(rng.normal(1, 1, (5, 2))) for _ in range(4)] for _ in range(2)
    )
    for function in (held_out_osgr, reuse_factor):
        without = [
            function(training[:i] + training[i + 1 :], test[:i] + test[i + 1 :]).value
            for i in range(4)
        ]
        expected = np.sqrt(3 / 4 * ((np.array(without) - np.mean(without)) ** 2).sum())
        assert function(training, test).standard_error == pytest.approx(expected, rel=1e-9)
        assert np.isnan(function(training[0], test[0]).standard_error)
        assert np.isnan(function(training[0], test[0]).interval()).all()
        result = function(training, test)
        expected_ends = stats.t.interval(0.9, 3, result.value, result.standard_error)
        assert result.interval(0.9) == pytest.approx(expected_ends, rel=1e-12)
        given = function(training, test, [0.25] * 4)
        assert given.interval() == (given.value, given.value)
        with pytest.raises(InputError, match="confidence is 1; expected between 0 and 1"):
            given.interval(1)


@pytest.mark.simulation
def test_at_independent_parameters_1_is_rejected_at_the_nominal_rate():  # 4.3
    """Student's t with M − 1 degrees of freedom, M = 10, at 95 %: 24 settings, 1,000 times each.

    Not with few parameters of GSNR 0.01: then κ is a ratio over products of two numbers near 0, and
    1 is rejected in 10 to 14 %.
    """
    rng, n_sets, n_times = np.random.default_rng(0), 10, 1000
    quantile = stats.t.ppf(0.975, n_sets - 1)
    draws = {"normal": rng.standard_normal, "exponential": lambda s: rng.exponential(1, s) - 1}
    rates = {}
    for kind, n, n_params, mean in product(draws, (5, 20, 100), (1, 5, 50), (0.1, 1.0)):
        if mean < 1 and n_params < 50:
            continue
        shape, scale = (n_sets, n, n_params), rng.exponential(1, n_params)
        rejected = 0
        for _ in range(n_times):
            training, test = (
                [GradientMoments(n, g.mean(axis=0), n * g.var(axis=0)) for g in drawn]
                for drawn in ((draws[kind](shape) + mean) * scale for _ in range(2))
            )
            found = reuse_factor(training, test)
            rejected += abs(found.value - 1) > quantile * found.standard_error
        rates[kind, n, n_params, mean] = rejected / n_times
    assert len(rates) == 24
    # A rate has a standard error of 0.7 %, their mean of 0.15 %.
    assert max(rates.values()) < 0.09
    assert 0.045 < np.mean(list(rates.values())) < 0.065


def test_degenerate_sets():
    same = GradientMoments.from_samples(fractions([[2], [2]]))
    dead = GradientMoments.from_samples(fractions([[0], [0]]))
    fresh = GradientMoments.from_samples(fractions([[1]]))
    assert reuse_factor(same, fresh).value == np.inf
    assert reuse_factor(fresh.merge(fresh), same).value == -np.inf
    assert np.isnan(reuse_factor(same, same).value)
    assert np.isnan(held_out_osgr(dead, fresh).value)


def test_bad_input_is_named():
    one, two = (GradientMoments.from_samples(np.ones((k, 2))) for k in (1, 2))
    for function in (held_out_osgr, reuse_factor):
        with pytest.raises(InputError, match="training has 1 sets and test 2"):
            function([two], [two, two])
        with pytest.raises(InputError, match="training has 0 sets"):
            function([], [])
        with pytest.raises(InputError, match="structures differ"):
            function(two, GradientMoments.from_samples({"a": [1.0]}))
        with pytest.raises(
            InputError, match=r"training has a mean of shape \(2,\) and test \(3,\)"
        ):
            function(two, GradientMoments.from_samples(np.ones((1, 3))))
        with pytest.raises(InputError, match="chances has 2 numbers; expected 1"):
            function(two, two, [0.5, 0.5])
    with pytest.raises(InputError, match="count of training is 1; expected a whole number, 2"):
        reuse_factor(one, two)
    with pytest.raises(InputError, match="learning_rate is 0"):
        gap_ledger([one], [one], 0)
