"""Contenders in NumPy: this package, plain mean gradients, and two passes over given gradients."""

from functools import reduce
from typing import Any

import numpy as np
from autograd import grad

from gsnr_ref import (
    GradientMoments,
    enumerated_osgr,
    gradient_moments,
    measured_osgr,
    osgr_interval,
)
from tests.benchmarks.work import MODELS, Work, batches, data
from toy_models import FinitePopulation, LinearRegression

Array = Any


def ours(work: Work) -> Any:
    """This package."""
    if work.kind in MODELS:
        model, params, x, y = data(work)
        # The model itself is looked at in the first call of a process alone, as by any user.
        if work.streamed:

            def moments() -> GradientMoments:
                return gradient_moments(model, params, iter(batches(work, x, y)))
        else:

            def moments() -> GradientMoments:
                return gradient_moments(model, params, x, y)
    elif work.kind == "from_samples":
        samples = _samples(work)

        def moments() -> GradientMoments:
            return GradientMoments.from_samples(samples)
    else:
        function = FUNCTIONS[work.kind](work)

        def run() -> None:
            function()

        return run, run

    def call() -> Any:
        found = moments()
        mean, variance = found.mean, found.variance()
        if isinstance(mean, dict):
            return list(mean.values()), list(variance.values())
        return [mean], [variance]

    return call, call


def _samples(work: Work) -> Array:
    rng = np.random.default_rng(0)
    return rng.standard_normal((work.n, *work.sizes), dtype=np.dtype(work.dtype))


def _merge(work: Work) -> Any:
    rng = np.random.default_rng(0)
    pieces = [GradientMoments.from_samples(rng.normal(size=(3, *work.sizes))) for _ in range(2)]
    return lambda: reduce(GradientMoments.merge, pieces)


def _enumerated_osgr(work: Work) -> Any:
    rng, model = np.random.default_rng(0), LinearRegression(2)
    population = FinitePopulation(rng.normal(size=(*work.sizes, 2)), rng.normal(size=work.sizes))
    params = model.init(0)
    return lambda: enumerated_osgr(model, params, population, work.n, 1e-3)


def _measured_osgr(work: Work) -> Any:
    model, params, x, y = data(Work("dense", work.sizes, 1000))
    population = FinitePopulation(x, y)
    return lambda: measured_osgr(model, params, population, work.n, 1e-3, n_trials=20, seed=0)


def _osgr_interval(work: Work) -> Any:
    samples = _samples(work) + 1
    return lambda: osgr_interval(samples)


FUNCTIONS = {
    "merge": _merge,
    "enumerated_osgr": _enumerated_osgr,
    "measured_osgr": _measured_osgr,
    "osgr_interval": _osgr_interval,
}


def mean_gradient(work: Work) -> Any:
    """One forward and one backward pass by hand, over all samples, in the dtype of the data."""
    _, params, x, y = data(work)
    call = {"dense": _perceptron, "linear": _linear_regression}[work.kind]

    def run() -> Any:
        return call(params, x, y), None

    return run, run


def _perceptron(params: Any, x: Array, y: Array) -> list[Array]:
    hidden = np.tanh(x @ params["layer1.weight"] + params["layer1.bias"])
    logits = hidden @ params["layer2.weight"] + params["layer2.bias"]
    logits -= logits.max(axis=1, keepdims=True)
    deltas = np.exp(logits)
    deltas /= deltas.sum(axis=1, keepdims=True)
    deltas[np.arange(len(y)), y] -= 1
    deltas /= len(y)
    hidden_deltas = deltas @ params["layer2.weight"].T * (1 - hidden * hidden)
    return [
        x.T @ hidden_deltas,
        hidden_deltas.sum(axis=0),
        hidden.T @ deltas,
        deltas.sum(axis=0),
    ]


def _linear_regression(params: Any, x: Array, y: Array) -> list[Array]:
    deltas = (x @ params["linear.weight"] + params["linear.bias"] - y[:, None]) / len(y)
    return [x.T @ deltas, deltas.sum(axis=0)]


def autograd_mean_gradient(work: Work) -> Any:
    """The gradient of the mean loss of the same toy model, by autograd."""
    model, params, x, y = data(work)
    gradient = grad(lambda p: model.loss(p, x, y).mean())

    def run() -> Any:
        return list(gradient(params).values()), None

    return run, run


def two_pass(work: Work) -> Any:
    """Mean and variance of given gradients, as one writes them, in the dtype of the data."""
    return _two_pass(_samples(work), work.dtype)


def two_pass_in_float64(work: Work) -> Any:
    """The same, accumulated in float64 as this package does."""
    return _two_pass(_samples(work), "float64")


def _two_pass(samples: Array, dtype: str) -> Any:
    def run() -> Any:
        mean = samples.mean(axis=0, dtype=dtype)
        return [mean], [((samples - mean) ** 2).mean(axis=0)]

    return run, run
