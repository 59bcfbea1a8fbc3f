"""BackPACK: BatchGrad and its own Variance, on a summed loss, where both need no scaling."""

import warnings

import backpack
import torch
from backpack.extensions import BatchGrad, SumGradSquared, Variance

from tests.backends import torch_modules
from tests.backends.common import from_moments

NAME, LAYOUT, DTYPES = "BackPACK Variance", "torch", ("float64", "float32")
LEAVES_OUT = {"flags": ["recurrence", "weighted"], "quantities": ["enumerated_osgr"]}


def version():
    from importlib.metadata import version as installed

    return installed("backpack-for-pytorch")


def run(case, dtype, reduction):
    """Return losses, and each trainable parameter after BackPACK's backward pass."""
    module, named, x, y = torch_modules.build(case, dtype)
    backpack.extend(module)
    outputs = module(x)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Full backward hook is firing")  # x needs no gradient
        with backpack.backpack(BatchGrad(), Variance(), SumGradSquared()):
            torch_modules.reduced_loss(case, outputs, y, reduction).backward()
    moving = {k: p for k, p in named.items() if p.requires_grad}
    return torch_modules.losses_of(case, outputs.detach(), y), moving


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR, from BackPACK's gradients and variance."""
    losses, moving = run(case, dtype, "sum")
    mean = {k: p.grad / len(case.x) for k, p in moving.items()}
    variance = {k: p.variance for k, p in moving.items()}
    gradients = {k: p.grad_batch for k, p in moving.items()}
    values = {"losses": losses, "per_sample_gradients": gradients}
    values |= from_moments(case, losses, mean, variance)
    return torch.utils._pytree.tree_map(lambda t: t.detach(), values)
