"""The recipe by hooks: inputs, deltas, and their squares."""

import torch
from torch_hooks import gradient_moments

from tests.backends import torch_modules

NAME, RECIPE, DTYPES = "PyTorch hooks", "torch_hooks.py", ("float64", "float32")
LAYOUT, LAYERS = torch_modules.LAYOUT, torch_modules.CONVOLUTIONAL
LEAVES_OUT = {"flags": ["weighted"], "quantities": ["per_sample_gradients", "enumerated_osgr"]}
CLAIMS = ("core", "deep", "large")


def version():
    return torch.__version__


def results(case, dtype):
    """Every quantity of a case but those that take single samples' gradients."""
    return torch_modules.results(case, dtype, gradient_moments)
