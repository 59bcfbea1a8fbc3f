"""Mistakes in reductions: a mean where a sum belongs, or the other way round.

Imports ``contract`` and, of ``golden``, ``case``, ``diagnosis/derived`` and ``diagnosis/mistake``.
"""

import numpy as np

from gsnr_ref.contract import map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    from_moments,
    right_moments,
    scaled,
    scaled_gradients,
)
from gsnr_ref.golden.diagnosis.mistake import known_as


def _scaled_moments(case: GoldenCase, by_mean: float, by_variance: float) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    sample = None if ddof1 is None else scaled(ddof1, by_variance)
    return from_moments(case, scaled(mean, by_mean), scaled(ddof0, by_variance), sample)


@known_as("mean-loss-gradients")
def _mean_loss_gradients(case: GoldenCase) -> Values:
    return scaled_gradients(case, 1 / len(case.x))


@known_as("mean-loss-variance")
def _mean_loss_variance(case: GoldenCase) -> Values:
    return _scaled_moments(case, 1, 1 / len(case.x) ** 2)


@known_as("mean-loss-mean")
def _mean_loss_mean(case: GoldenCase) -> Values:
    return _scaled_moments(case, 1 / len(case.x), 1)


@known_as("summed-mean")
def _summed_mean(case: GoldenCase) -> Values:
    return _scaled_moments(case, len(case.x), 1)


@known_as("summed-over-samples")
def _summed_over_samples(case: GoldenCase) -> Values:
    gradients = case.expected["per_sample_gradients"]
    mean = map_structure(lambda g: g.sum(axis=0), gradients)
    total = map_structure(lambda g, m: np.broadcast_to(m, g.shape), gradients, mean)
    zero = map_structure(np.zeros_like, mean)
    ddof1 = None if "variance_ddof1" not in case.expected else zero
    return {"per_sample_gradients": total, **from_moments(case, mean, zero, ddof1)}
