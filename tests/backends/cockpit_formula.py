"""The formula of Cockpit's MeanGSNR (version 1.0.2), elementwise, fed as Cockpit feeds it.

grad² / (B · Σ gᵢ² − grad² + 1e-5), with the gradient of the mean loss and BackPACK's squared
per-sample gradients of the mean loss, (gᵢ/B)².
"""

from backpack.extensions import SumGradSquared

from tests.backends import backpack_
from tests.backends.backpack_ import LAYERS, LAYOUT  # noqa: F401

NAME, DTYPES = "Cockpit MeanGSNR formula", ("float64", "float32")
ONLY = ("losses", "mean", "gsnr_ddof0")
LEAVES_OUT = {"flags": ["weighted"]}
CLAIMS = ()
EPSILON = 1e-5


def version():
    return "1.0.2, on BackPACK " + backpack_.version()


def results(case, dtype):
    """Mean gradient and GSNR."""
    losses, moving = backpack_.extended(case, dtype, "mean", SumGradSquared())
    n = len(case.x)
    gsnr = {
        k: (p.grad**2 / (n * p.sum_grad_squared - p.grad**2 + EPSILON)).detach()
        for k, p in moving.items()
    }
    mean = {k: p.grad for k, p in moving.items()}
    return {"losses": losses, "mean": mean, "gsnr_ddof0": gsnr}
