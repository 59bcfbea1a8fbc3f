"""Toy models, losses, populations and datasets: what goes into the theory.

Never imports ``gsnr_ref``.
"""

from toy_models.affine import AffineModel, affine, no_tap
from toy_models.cases import Case, make_case
from toy_models.convnet import ConvNet
from toy_models.datasets import (
    load_cifar10,
    load_digits,
    load_mnist,
    randomize_labels,
    read_idx,
)
from toy_models.linear_regression import LinearRegression
from toy_models.losses import cross_entropy, squared_error
from toy_models.mlp import MLP
from toy_models.populations import FinitePopulation, GaussianLinear, ProductRegression
from toy_models.recurrent import RecurrentNet
from toy_models.softmax_regression import SoftmaxRegression

__all__ = [
    "MLP",
    "AffineModel",
    "Case",
    "ConvNet",
    "FinitePopulation",
    "GaussianLinear",
    "LinearRegression",
    "ProductRegression",
    "RecurrentNet",
    "SoftmaxRegression",
    "affine",
    "cross_entropy",
    "load_cifar10",
    "load_digits",
    "load_mnist",
    "make_case",
    "no_tap",
    "randomize_labels",
    "read_idx",
    "squared_error",
]
