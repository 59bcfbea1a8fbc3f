"""The recipe's second way: BackPACK's Variance after a mean loss, with (grad / B)²."""

import warnings

import backpack_gsnr

from tests.backends import torch_modules
from tests.backends.backpack_ import LAYERS, LAYOUT, version  # noqa: F401

NAME, DTYPES = "BackPACK, mean loss, (grad/B)²/variance", ("float64",)
ONLY = ("losses", "gsnr_ddof0")
LEAVES_OUT = {"flags": ["weighted"]}
CLAIMS = ()


def results(case, dtype):
    """Losses and GSNR."""
    model, x, y, _ = torch_modules.build(case, dtype)
    loss = torch_modules.summed_loss(case)
    losses = torch_modules.losses_of(case, model, x, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Full backward hook is firing")
        gsnr = backpack_gsnr.gsnr_by_variance(model, lambda z, y: loss(z, y) / len(y), x, y)
    gsnr = torch_modules.in_our_names(model, {k: r.detach() for k, r in gsnr.items()})
    return {"losses": losses, "gsnr_ddof0": gsnr}
