"""Imports nothing of ``gsnr_ref``: toy models, losses, populations and datasets.

What goes into the theory. Inside, imports are relative: they find their neighbours under whatever
name the package was loaded. A file ``toy_models.py`` beside a script hides the whole package from
that script, and from the applications of ``gsnr_ref``, which then say which file it is: rename the
file, or run ``python -P script.py``.
"""

from .affine_maps import AffineModel, affine, no_tap
from .binary_files import read_idx
from .cases import Case, make_case
from .convnet import ConvNet
from .datasets import (
    load_cifar10,
    load_digits,
    load_mnist,
    randomize_labels,
)
from .linear_regression import LinearRegression
from .losses import cross_entropy, squared_error
from .mlp import MLP
from .populations import FinitePopulation, GaussianLinear, ProductRegression
from .recurrent import RecurrentNet
from .softmax_regression import SoftmaxRegression
from .stack import Stack

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
    "Stack",
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
