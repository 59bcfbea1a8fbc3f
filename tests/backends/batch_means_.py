"""The recipe from batch means: over all ways to cut the samples in two, its variance is exact.

For the variance between two batches, times their size, is unbiased: its mean over every cut is that
of all samples, with ddof=1. Cases of more than four samples are cut into single samples instead.
"""

from itertools import combinations

import batch_means
import numpy as np
import torch

from tests.backends import torch_modules
from tests.backends.common import arrays, each

NAME, RECIPE, DTYPES = "batch means, torch", "batch_means.py", ("float64",)
LAYOUT, LAYERS = torch_modules.LAYOUT, torch_modules.EVERYTHING
ONLY = ("losses", "mean", "variance_ddof1", "gsnr_ddof1")
LEAVES_OUT = {"flags": ["weighted", "one-sample"]}
CLAIMS = ("core", "deep", "sequence", "attention", "large")


def version():
    return torch.__version__


def cuts(n):
    """Every way to cut n samples into two batches of half of them, or n batches of one."""
    if n > 4:
        return [[[i] for i in range(n)]]
    halves = combinations(range(n), n // 2)
    return [[list(half), [i for i in range(n) if i not in half]] for half in halves]


def results(case, dtype):
    """Losses, mean, and what follows from the variance of a single sample with ddof=1."""
    model, x, y, _ = torch_modules.build(case, dtype)
    loss = torch_modules.summed_loss(case)
    found = []
    for cut in cuts(len(x)):
        batches = [(x[rows], y[rows]) for rows in cut]
        found.append(batch_means.accumulated(model, lambda z, y: loss(z, y) / len(y), batches))

    def in_our_names(params):
        return arrays(torch_modules.in_our_names(model, params))

    variances = [in_our_names({k: m.variance() for k, m in cut.items()}) for cut in found]
    mean = in_our_names({k: m.mean for k, m in found[0].items()})
    variance = {k: np.mean([one[k] for one in variances], axis=0) for k in mean}
    return {
        "losses": torch_modules.losses_of(case, model, x, y),
        "mean": mean,
        "variance_ddof1": variance,
        "gsnr_ddof1": each(lambda m, v: m**2 / v, mean, variance),
    }
