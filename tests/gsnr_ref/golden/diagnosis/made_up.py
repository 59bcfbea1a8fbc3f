"""Cases whose losses, or other values, are made up, for tests of what is recognized and when."""

from dataclasses import replace

import numpy as np

from gsnr_ref import golden
from gsnr_ref.golden.quantity import compare_quantity


def with_losses(right, condition=0.0):
    """A case of so many samples, whose losses are these."""
    right = np.asarray(right, float)
    case, n = golden.load("location-two-samples"), len(right)
    return replace(
        case,
        x=np.ones((n, 1)),
        y=np.ones((n, 1)),
        expected=case.expected | {"losses": right},
        condition=case.condition | {"losses": np.broadcast_to(condition, right.shape)},
    )


def report_of(case, got, quantity="losses", tolerance=1e-12, dtype="float64"):
    """What becomes of values of a quantity of a case."""
    with np.errstate(all="ignore"):
        return compare_quantity(case, quantity, got, dtype, tolerance, "gsnr_ref")


def judged(id, case, report):
    """Whether the judge of a mistake says that it can have made this: yes or no, nothing else."""
    said = golden.mistakes()[id].judge(case, report, report.tolerance)
    assert isinstance(said, bool | np.bool), said
    return said
