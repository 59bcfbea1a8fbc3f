"""The recipe with Opacus: grad_sample, its own hooks, on a summed loss."""

import warnings

import opacus
import opacus_gsnr

from tests.backends import torch_modules

NAME, RECIPE, DTYPES = "Opacus grad_sample", "opacus_gsnr.py", ("float64", "float32")
LAYOUT, LAYERS = torch_modules.LAYOUT, torch_modules.CONVOLUTIONAL
LEAVES_OUT = {"quantities": ["enumerated_osgr"]}
CLAIMS = ("core", "deep", "large")


def version():
    return opacus.__version__


def gradients(model, loss, x, y):
    wrapped = opacus_gsnr.wrap(model)
    rows = opacus_gsnr.per_sample_gradients(wrapped, loss, x, y)
    wrapped.to_standard_module()
    return rows


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a module that is in eval mode, and of backward hooks
        return torch_modules.results(case, dtype, opacus_gsnr.gradient_moments, gradients)
