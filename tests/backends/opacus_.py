"""Opacus: grad_sample, its own hooks, on a summed loss."""

import warnings

import opacus

from tests.backends import torch_modules
from tests.backends.common import from_gradients
from tests.backends.torch_func import shares_of

NAME, LAYOUT, DTYPES = "Opacus grad_sample", "torch", ("float64", "float32")
LEAVES_OUT = {"flags": ["recurrence"], "quantities": ["enumerated_osgr"]}


def version():
    return opacus.__version__


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR."""
    module, named, x, y = torch_modules.build(case, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a module that is in eval mode, and of backward hooks
        wrapped = opacus.GradSampleModule(module, loss_reduction="sum")
        outputs = wrapped(x)
        torch_modules.reduced_loss(case, outputs, y, "sum").backward()
    gradients = {k: p.grad_sample.detach() for k, p in named.items() if p.requires_grad}
    losses = torch_modules.losses_of(case, outputs.detach(), y)
    return from_gradients(case, losses, gradients, shares_of(case, dtype))
