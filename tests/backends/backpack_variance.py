"""BackPACK's own Variance on a summed loss, where it needs no scaling: E g² − (E g)²."""

from backpack.extensions import BatchGrad, Variance

from tests.backends import backpack_
from tests.backends.backpack_ import LAYERS, LAYOUT, version  # noqa: F401
from tests.backends.common import arrays, each, from_moments

NAME, DTYPES = "BackPACK Variance", ("float64", "float32")
LEAVES_OUT = {"flags": ["weighted"], "quantities": ["enumerated_osgr"]}
CLAIMS = ()


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR, from BackPACK's gradients and variance."""
    losses, moving = backpack_.extended(case, dtype, "sum", BatchGrad(), Variance())
    n = len(case.x)
    mean = arrays({k: p.grad / n for k, p in moving.items()})
    variance = arrays({k: p.variance.detach() for k, p in moving.items()})

    def moments(ddof):
        scaled = each(lambda v: v * (n / (n - ddof)), variance)
        return mean, scaled, each(lambda m, v: m / v * m, mean, scaled)

    gradients = {k: p.grad_batch.detach() for k, p in moving.items()}
    return {"per_sample_gradients": gradients} | from_moments(case, losses, moments)
