"""BackPACK as it stands after the backward pass of a mean loss: grad² / variance."""

from backpack.extensions import Variance

from tests.backends import backpack_
from tests.backends.backpack_ import LAYERS, LAYOUT, version  # noqa: F401

NAME, DTYPES = "BackPACK, mean loss, grad²/variance", ("float64",)
ONLY = ("losses", "mean", "variance_ddof0", "gsnr_ddof0")
LEAVES_OUT = {"flags": ["weighted"]}
CLAIMS = ()


def results(case, dtype):
    """What a reader of the attributes would take for mean, variance and GSNR."""
    losses, moving = backpack_.extended(case, dtype, "mean", Variance())
    return {
        "losses": losses,
        "mean": {k: p.grad for k, p in moving.items()},
        "variance_ddof0": {k: p.variance.detach() for k, p in moving.items()},
        "gsnr_ddof0": {k: (p.grad**2 / p.variance).detach() for k, p in moving.items()},
    }
