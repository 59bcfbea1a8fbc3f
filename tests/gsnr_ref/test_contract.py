"""What comes in: any nesting of mappings, no list of arrays, and no model of another framework."""

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    InputError,
    enumerated_osgr,
    feature_learning_terms,
    gradient_moments,
    gsnr,
    measured_osgr,
    osgr_expansion,
    per_sample_gradients,
)
from gsnr_ref.contract import as_array, as_arrays, check_finite
from toy_models import MLP, FinitePopulation, LinearRegression


class Frozen(Mapping):
    """A mapping that is no dict, as Flax's FrozenDict."""

    def __init__(self, entries):
        self.entries = entries

    def __getitem__(self, key):
        return self.entries[key]

    def __iter__(self):
        return iter(self.entries)

    def __len__(self):
        return len(self.entries)


RNG = np.random.default_rng(0)
G = RNG.standard_normal((5, 2, 3)), RNG.standard_normal((5, 3))
PLAIN = {"params": {"Dense_0": {"kernel": G[0], "bias": G[1]}}}


@pytest.mark.parametrize("kind", [Frozen, MappingProxyType])
def test_any_nesting_of_mappings_is_a_structure(kind):
    tree = kind({"params": kind({"Dense_0": kind({"kernel": G[0], "bias": G[1]})})})
    moments, expected = (GradientMoments.from_samples(samples) for samples in (tree, PLAIN))
    for moments_of in (
        moments,
        moments.merge(expected),
        GradientMoments(5, kind(moments.mean), kind(moments.m2)),
        GradientMoments.from_batch_means(tree, 4),
    ):
        for result in (moments_of.mean, moments_of.variance(ddof=1), gsnr(moments_of)):
            assert type(result) is type(result["params"]) is type(result["params"]["Dense_0"])
            assert type(result) is dict
            assert result["params"]["Dense_0"]["kernel"].shape == (2, 3)
    kernel = moments.m2["params"]["Dense_0"]["kernel"]
    assert (kernel == expected.m2["params"]["Dense_0"]["kernel"]).all()


@pytest.mark.parametrize("kind", [Frozen, MappingProxyType])
@pytest.mark.parametrize("method", ["tapped", "loop"])
def test_params_may_be_any_mapping(kind, method):
    model = MLP((2, 3, 1))
    params, x, y = model.init(0), RNG.standard_normal((4, 2)), RNG.standard_normal(4)
    expected = gradient_moments(model, params, x, y, method=method).mean
    mean = gradient_moments(model, kind(params), x, y, method=method).mean
    assert type(mean) is dict
    assert all((mean[name] == expected[name]).all() for name in expected)


def test_every_route_takes_any_mapping_of_params():
    model, population = MLP((1, 2, 1)), FinitePopulation(RNG.standard_normal((3, 1)), np.ones(3))
    params = model.init(0)
    routes = [
        lambda params: measured_osgr(model, params, population, 2, 0.1, n_trials=2).value,
        lambda params: enumerated_osgr(model, params, population, 2, 0.1).value,
        lambda params: osgr_expansion(model, params, population, 2).c1,
        lambda params: feature_learning_terms(
            model, params, population.x, population.y, "layer2"
        ).complete[0, 0],
    ]
    for route in routes:
        assert route(Frozen(params)) == route(params)


class NoDimensions:
    """An array that speaks DLPack and nothing else."""

    def __dlpack__(self, **kwargs):
        return G[0].__dlpack__(**kwargs)


@pytest.mark.parametrize("value", [[G[1], G[1]], (G[1], G[1]), [[G[1]], [G[1]]], [NoDimensions()]])
def test_a_list_of_arrays_is_refused_with_a_word_on_dicts_and_stack(value):
    message = "samples is a (list|tuple) of arrays; expected a dict .*np.stack"
    with pytest.raises(InputError, match=message):
        GradientMoments.from_samples(value)
    with pytest.raises(InputError, match=message):
        GradientMoments.from_samples({"layer": {"kernel": value}})
    with pytest.raises(InputError, match="mean is a"):
        GradientMoments(2, value, value)


def test_a_list_of_one_dict_a_sample_is_refused():
    with pytest.raises(InputError, match="samples is a list of arrays"):
        GradientMoments.from_samples([{"w": 1.0}, {"w": 2.0}])


def test_lists_of_numbers_are_arrays():
    for numbers in ([1.0, 3.0], [np.float64(1), np.float64(3)], (np.array(1.0), np.array(3.0))):
        assert GradientMoments.from_samples(numbers).mean == 2.0
    assert GradientMoments.from_samples([[1.0, 2.0], [3.0, 2.0]]).mean.tolist() == [2.0, 2.0]


class Estimator:
    """Like scikit-learn's."""

    def fit(self, x, y):
        return self


class Module:
    """Like Keras' model: it has both names, for other things."""

    trainable = True
    loss = "mse"


class OneName(MLP):
    """A string is no tuple of names."""

    trainable = "layer1.weight"

    def __init__(self):
        pass


X, Y = np.ones((2, 1)), np.ones(2)
POPULATION = FinitePopulation(X, Y)
CALLS = [
    lambda model: per_sample_gradients(model, {}, X, Y),
    lambda model: gradient_moments(model, {}, X, Y),
    lambda model: gradient_moments(model, {}, [(X, Y)], method="loop"),
    lambda model: measured_osgr(model, {}, POPULATION, 2, 0.1, n_trials=2),
    lambda model: enumerated_osgr(model, {}, POPULATION, 2, 0.1),
    lambda model: osgr_expansion(model, {}, POPULATION, 2),
    lambda model: feature_learning_terms(model, {}, X, Y, "layer2"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("model", [Estimator(), Module(), OneName(), MLP])
def test_a_foreign_model_is_sent_to_from_samples(call, model):
    with pytest.raises(InputError, match=r"^model is \w+; expected .*from_samples$"):
        call(model)


def test_params_that_are_no_mapping_are_named():
    with pytest.raises(InputError, match="params is list; expected a dict of arrays"):
        gradient_moments(MLP((1, 1)), [X], X, Y)


@pytest.mark.parametrize("mask", [False, [[True, False], [False, False]]])
def test_masked_arrays_are_refused_by_name_wherever_they_stand(mask):
    masked = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=mask)
    model = LinearRegression(2)
    params = model.init(0)
    x, y = np.ones((2, 2)), np.ones(2)
    hidden = params | {"linear.weight": np.ma.array(params["linear.weight"])}
    for call in (
        lambda: as_array("x", masked),
        lambda: as_array("x", [[1.0, np.ma.masked], [2.0, 3.0]]),
        lambda: as_arrays("x", {"a": {"b": masked}}),
        lambda: GradientMoments.from_samples(masked),
        lambda: GradientMoments.from_samples({"w": masked}),
        lambda: GradientMoments.from_samples(x, weights=masked[0]),
        lambda: gradient_moments(model, params, masked, y),
        lambda: gradient_moments(model, hidden, x, y),
    ):
        with pytest.raises(InputError, match="masked array; expected a plain one"):
            call()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fractions(), min_size=1, max_size=6),
    st.sampled_from(
        [1j, None, "1", b"1", [1], np.array([1.0]), np.ma.masked, np.datetime64("nat", "s")]
    ),
    st.integers(0, 5),
)
def test_objects_that_are_no_real_numbers_are_refused(values, bad, place):
    array = np.empty(len(values) + 1, dtype=object)
    array[:] = [Fraction(0), *values]
    assert as_array("x", array) is array
    place %= len(array)
    array[place] = bad
    with pytest.raises(InputError, match=rf"x holds .* at \({place},\); expected real numbers"):
        as_array("x", array)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fractions(), min_size=1, max_size=6),
    st.sampled_from([float("nan"), float("inf"), -np.inf, np.float32("nan")]),
    st.integers(0, 5),
)
def test_objects_that_are_not_finite_are_refused(values, bad, place):
    array = np.array([*values, Fraction(0)], dtype=object)
    check_finite("x", array)
    place %= len(array)
    array[place] = bad
    with pytest.raises(InputError, match=rf"x holds 1 NaN or infinite values, first at \({place},"):
        check_finite("x", array)
    with pytest.raises(InputError, match="samples"):
        GradientMoments.from_samples(array)
