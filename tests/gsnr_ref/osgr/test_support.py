from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gsnr_ref import InputError, enumerated_osgr, measured_osgr, osgr_expansion
from toy_models import FinitePopulation, LinearRegression

MODEL = LinearRegression(1)
PARAMS = MODEL.init(0)
ROUTES = {
    "measured": lambda population: measured_osgr(MODEL, PARAMS, population, 2, 1e-3, n_trials=20),
    "enumerated": lambda population: enumerated_osgr(MODEL, PARAMS, population, 2, 1e-3),
    "expansion": lambda population: osgr_expansion(MODEL, PARAMS, population, 2),
}


def population_of(probabilities, x=None, y=None):
    """A population of the user's own, that checks nothing."""
    n = 3 if np.ndim(probabilities) == 0 else len(probabilities)
    x = np.arange(n, dtype=float)[:, None] if x is None else x
    y = np.arange(n, dtype=float) ** 2 + 1 if y is None else y
    draws = FinitePopulation(np.arange(3.0)[:, None], np.arange(3.0) ** 2 + 1)
    return SimpleNamespace(x=x, y=y, probabilities=probabilities, sample=draws.sample)


def are_probabilities(values):
    """By another route: as exact numbers."""
    exact = [Fraction(v) for v in values]
    return min(exact) >= 0 and abs(sum(exact) - 1) <= Fraction(1, 10**12)


@pytest.mark.parametrize("route", ROUTES)
@given(
    st.lists(
        st.one_of(
            st.integers(-2, 5), st.floats(-1, 2, allow_subnormal=False), st.just(0.25), st.just(0.5)
        ),
        min_size=1,
        max_size=4,
    )
)
@example([3, 1, 2])
@example([2.0, -1.0])
@example([0.25, 0.75])
@example([0.1] * 10)
def test_only_probabilities_are_taken(route, values):
    miss = abs(sum(Fraction(v) for v in values) - 1)
    assume(abs(miss - Fraction(1, 10**12)) > 1e-14)  # at the bound the rounding of the sum decides
    population = population_of(np.array(values))
    if are_probabilities(values):
        ROUTES[route](population)
        return
    with pytest.raises(InputError, match=r"population\.probabilities (sum to|has a minimum of) "):
        ROUTES[route](population)


BAD = [
    (None, "is None; expected real numbers"),
    ([None, 0.5, 0.5], "holds None at .0,.; expected real numbers"),
    (1.0, "is 1.0; expected one number for each of 3 points"),
    ([[0.5], [0.25], [0.25]], "expected one number for each of 3 points"),
    ([np.nan, 0.5, 0.5], "holds 1 NaN"),
    (["a", "b", "c"], "dtype"),
    ([Fraction(1, 3)] * 2 + [Fraction(1, 3) + Fraction(1, 10**30)], "expected 1"),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("probabilities", "message"), BAD)
def test_what_are_no_probabilities_is_named(route, probabilities, message):
    with pytest.raises(InputError, match=rf"population\.probabilities.* {message}"):
        ROUTES[route](population_of(probabilities))


@pytest.mark.parametrize("route", ROUTES)
def test_points_that_do_not_fit_are_named(route):
    with pytest.raises(InputError, match="the same number of samples"):
        ROUTES[route](population_of(np.full(3, 1 / 3), y=np.zeros(2)))
    with pytest.raises(InputError, match="population is object"):
        ROUTES[route](object())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_probabilities_may_miss_1_by_the_rounding_of_their_dtype(dtype):
    for n in (3, 7, 50):
        ROUTES["expansion"](population_of(np.full(n, 1 / n, dtype)))


def test_lists_are_read_like_arrays():
    as_lists = population_of([0.25, 0.5, 0.25], [[0.0], [1.0], [2.0]], [1.0, 2.0, 5.0])
    as_arrays = population_of(np.array([0.25, 0.5, 0.25]))
    for route in ROUTES.values():
        assert repr(route(as_lists)) == repr(route(as_arrays))


def test_a_population_that_draws_another_number_is_refused():
    class Stingy:
        def sample(self, rng, n):
            return np.ones((1, 1)), np.ones(1)

    with pytest.raises(InputError, match="gave 1 samples; expected n = 2"):
        measured_osgr(MODEL, PARAMS, Stingy(), 5, 1e-3, n_trials=2)
