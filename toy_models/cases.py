"""The one registry of named, seeded cases: a model, its parameters, and a population."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from .affine_maps import AffineModel, Params, chosen
from .datasets import load_digits, load_mnist
from .linear_regression import LinearRegression
from .mlp import MLP
from .populations import FinitePopulation, GaussianLinear, ProductRegression
from .softmax_regression import SoftmaxRegression

#: Models that fit each kind of data. Two kinds are real, and two small enough to enumerate.
MODELS = {
    "digits": ("mlp", "softmax"),
    "mnist": ("mlp", "softmax"),
    "product": ("mlp", "linear"),
    "gaussian": ("linear", "mlp"),
    "finite": ("mlp", "linear"),
    "rational": ("linear",),
}


@dataclass(frozen=True, eq=False)  # arrays have no single truth value: a case equals itself
class Case:
    """A model at given parameters, and the population that its data come from.

    Examples
    --------
    >>> make_case("product", "linear").model
    LinearRegression(2, 1)
    """

    name: str
    model: AffineModel
    params: Params = field(repr=False)
    population: FinitePopulation | GaussianLinear | ProductRegression


def make_case(data: str, model: str, seed: int = 0, directory: str | Path | None = None) -> Case:
    """Return the case of a kind of data and a kind of model.

    Parameters
    ----------
    data : str
        A key of ``MODELS``.
    model : str
        One of ``MODELS[data]``.
    seed : int
        Of the initial parameters.
    directory : path, optional
        Where MNIST lies; see `load_mnist`.

    Returns
    -------
    Case

    Raises
    ------
    ValueError
        If there is no such case.

    Examples
    --------
    >>> make_case("finite", "mlp").population.x.shape
    (4, 2)
    """
    if model not in chosen("data", data, MODELS):
        raise ValueError(f"model is {model!r} on {data}; expected one of {list(MODELS[data])}")
    population = _population(data, directory)
    toy_model = _model(data, model)
    if data == "rational":
        weight = np.array([[Fraction(1, 2)], [Fraction(-1, 3)]])
        params: Params = {"linear.weight": weight, "linear.bias": np.array([Fraction(1, 5)])}
    else:
        params = toy_model.init(seed)
    return Case(f"{data}/{model}", toy_model, params, population)


def _population(
    data: str, directory: str | Path | None
) -> FinitePopulation | GaussianLinear | ProductRegression:
    if data == "digits":
        return FinitePopulation(*load_digits())
    if data == "mnist":
        return FinitePopulation(*load_mnist(directory))
    if data == "product":
        return ProductRegression()
    if data == "gaussian":
        return GaussianLinear([1.0, -2.0, 0.5], [[1.0, 0.3, 0.0], [0.3, 2.0, 0.0], [0.0, 0.0, 0.5]])
    x = [[1, 2], [-1, 1], [2, -1], [1, 0]]
    y, probabilities = (
        [1, 0, -2, 3],
        [Fraction(1, 8), Fraction(3, 8), Fraction(1, 4), Fraction(1, 4)],
    )
    if data == "finite":
        return FinitePopulation(
            np.array(x, float), np.array(y, float), np.array(probabilities, float)
        )
    exact = np.vectorize(Fraction, otypes=[object])
    return FinitePopulation(exact(x), exact(y), np.array(probabilities))


def _model(data: str, model: str) -> AffineModel:
    n_features = {"digits": 64, "mnist": 784, "gaussian": 3}.get(data, 2)
    if model == "softmax":
        return SoftmaxRegression(n_features, 10)
    if model == "linear":
        return LinearRegression(n_features)
    if data in ("digits", "mnist"):
        return MLP((n_features, 32 if data == "digits" else 100, 10), loss="cross_entropy")
    return MLP((n_features, 3 if data == "finite" else 20, 1))
