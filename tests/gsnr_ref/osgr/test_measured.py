import sys

import numpy as np
import pytest
from scipy import stats

from gsnr_ref import (
    InputError,
    MeasuredOSGR,
    RangeError,
    enumerated_osgr,
    gradient_moments,
    measured_osgr,
    predicted_osgr,
)
from toy_models import MLP, FinitePopulation, GaussianLinear, LinearRegression, make_case

RNG = np.random.default_rng(0)
FINITE = FinitePopulation(RNG.normal(size=(4, 2)), RNG.normal(size=4), [0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("learning_rate", [1e-3, 0.3])
def test_it_agrees_with_the_enumeration_at_any_learning_rate(learning_rate):
    model = MLP((2, 3, 1))
    params = model.init(0)
    exact = enumerated_osgr(model, params, FINITE, 3, learning_rate)
    measured = measured_osgr(model, params, FINITE, 3, learning_rate, n_trials=2000)
    assert abs(measured.value - exact.value) < 4 * measured.standard_error
    for name in ("training_decreases", "test_decreases"):
        drawn = getattr(measured, name)
        error = drawn.std(ddof=1) / np.sqrt(len(drawn))
        assert abs(drawn.mean() - getattr(exact, name[:-1])) < 4 * error


def test_drawn_test_sets_have_the_same_expectation():
    model, population = LinearRegression(3), make_case("gaussian", "linear").population
    params = model.init(0)
    moments = gradient_moments(model, params, *population.sample(np.random.default_rng(9), 400_000))
    predicted = predicted_osgr(moments, 20)
    for n_test in (None, 1, 200):
        result = measured_osgr(model, params, population, 20, 1e-5, seed=1, n_test=n_test)
        # the prediction's own error: its moments come from 400,000 samples
        assert abs(result.value - predicted) < 4 * result.standard_error + 1e-3


def test_the_standard_error_matches_a_bootstrap_and_the_spread_over_seeds():
    model = LinearRegression(2)
    params = model.init(0)
    results = [
        measured_osgr(model, params, FINITE, 5, 1e-3, n_trials=200, seed=seed) for seed in range(60)
    ]
    first = results[0]
    resampled = stats.bootstrap(
        (first.training_decreases, first.test_decreases),
        lambda a, b, axis=-1: b.mean(axis) / a.mean(axis),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        method="basic",
        rng=np.random.default_rng(0),
    )
    assert first.standard_error == pytest.approx(resampled.standard_error, rel=0.1)
    spread = np.std([r.value for r in results], ddof=1)
    typical = np.mean([r.standard_error for r in results])
    # the standard deviation of 60 values is itself known to 1/√120 = 9 %
    assert typical == pytest.approx(spread, rel=4 * 0.092)


@pytest.mark.parametrize("name", ["digits/mlp", "gaussian/linear"])
def test_the_number_of_jobs_does_not_change_a_digit(name):
    case = make_case(*name.split("/"))
    arguments = (case.model, case.params, case.population, 30, 1e-3)
    one, two = (measured_osgr(*arguments, n_trials=40, seed=5, n_jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(one.training_decreases, two.training_decreases)
    assert np.array_equal(one.test_decreases, two.test_decreases)


def test_without_threadpoolctl_one_process_still_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    model = LinearRegression(2)
    assert measured_osgr(model, model.init(0), FINITE, 3, 1e-3, n_trials=10).standard_error > 0


def test_without_joblib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    model = LinearRegression(2)
    with pytest.raises(ImportError, match=r"gsnr-ref\[experiments\]"):
        measured_osgr(model, model.init(0), FINITE, 3, 1e-3, n_trials=10, n_jobs=2)


def test_it_is_a_ratio_of_means_never_a_mean_of_ratios():
    result = MeasuredOSGR.of(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    assert result.value == 0.5
    assert "training_decreases" not in repr(result)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_interval_has_student_s_t_with_one_degree_less_than_trials(confidence):
    rng = np.random.default_rng(0)
    result = MeasuredOSGR.of(rng.normal(2, 1, 10), rng.normal(1, 1, 10))
    expected = stats.t.interval(confidence, 9, result.value, result.standard_error)
    assert result.interval(confidence) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(InputError, match="confidence is 95; expected between 0 and 1"):
        result.interval(95)


BAD = [
    ({"n": 0}, InputError, "n is 0"),
    ({"n_trials": 1}, InputError, "n_trials is 1; expected a whole number, 2 or more"),
    ({"n_test": 0}, InputError, "n_test is 0"),
    ({"n_jobs": 0}, InputError, "n_jobs is 0"),
    ({"seed": -1}, InputError, "seed is -1"),
    ({"learning_rate": 0}, InputError, "learning_rate is 0"),
    ({"learning_rate": "fast"}, InputError, "learning_rate is 'fast'"),
    ({"population": object()}, InputError, "population is object"),
    ({"learning_rate": 1e300}, RangeError, "expected a smaller learning_rate"),
    ({"learning_rate": 1e-300}, RangeError, "expected a larger learning_rate"),
    (
        {"population": FinitePopulation(np.array([[np.nan, 1.0]]), np.ones(1))},
        InputError,
        "x holds 1 NaN",
    ),
    ({"population": GaussianLinear([1.0])}, ValueError, "expected .n_samples, 2"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input_is_named(change, error, message):
    model = LinearRegression(2)
    arguments = {
        "model": model,
        "params": model.init(0),
        "population": FINITE,
        "n": 2,
        "learning_rate": 0.1,
        "n_trials": 3,
    }
    with pytest.raises(error, match=message):
        measured_osgr(**arguments | change)
