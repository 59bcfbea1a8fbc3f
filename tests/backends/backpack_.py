"""The recipe with BackPACK: BatchGrad on a summed loss, where nothing has to be scaled."""

import warnings

import backpack_gsnr

from tests.backends import torch_modules
from tests.backends.torch_modules import torch

NAME, RECIPE, DTYPES = "BackPACK BatchGrad", "backpack_gsnr.py", ("float64", "float32")
LAYOUT, LAYERS = torch_modules.LAYOUT, torch_modules.CONVOLUTIONAL
LEAVES_OUT = {"flags": ["weighted"], "quantities": ["per_sample_gradients", "enumerated_osgr"]}
CLAIMS = ("core", "deep", "large")


def version():
    from importlib.metadata import version as installed

    return installed("backpack-for-pytorch")


def results(case, dtype):
    """Every quantity of a case but those that take single samples' gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Full backward hook is firing")  # x needs no gradient
        return torch_modules.results(case, dtype, backpack_gsnr.gradient_moments)


def extended(case, dtype, reduction, *extensions):
    """Losses, and the trainable parameters after BackPACK's backward pass of one batch."""
    import backpack

    model, x, y, _ = torch_modules.build(case, dtype)
    backpack.extend(model)
    loss = torch_modules.summed_loss(case)(model(x), y)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Full backward hook is firing")
        with backpack.backpack(*extensions):
            (loss / len(x) if reduction == "mean" else loss).backward()
    params = {k: model.get_parameter(p) for k, (p,) in torch_modules.parts_of(model).items()}
    moving = {k: p for k, p in params.items() if p.requires_grad}
    with torch.no_grad():
        return torch_modules.losses_of(case, model, x, y), moving
