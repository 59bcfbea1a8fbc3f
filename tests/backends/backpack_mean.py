"""BackPACK as it stands after the backward pass of a mean loss: grad² / variance."""

from tests.backends import backpack_
from tests.backends.backpack_ import version  # noqa: F401

NAME, LAYOUT, DTYPES = "BackPACK, mean loss, grad²/variance", "torch", ("float64",)
ONLY = ("losses", "mean", "variance_ddof0", "gsnr_ddof0")
LEAVES_OUT = {"flags": ["recurrence", "weighted"]}


def results(case, dtype):
    """What a reader of the attributes would take for mean, variance and GSNR."""
    losses, moving = backpack_.run(case, dtype, "mean")
    return {
        "losses": losses,
        "mean": {k: p.grad for k, p in moving.items()},
        "variance_ddof0": {k: p.variance.detach() for k, p in moving.items()},
        "gsnr_ddof0": {k: (p.grad**2 / p.variance).detach() for k, p in moving.items()},
    }
