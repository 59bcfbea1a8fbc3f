"""Mistakes in OSGR, and in estimates for a larger population.

Imports ``contract``, ``osgr/enumerated`` and, of ``golden``, ``case``, ``diagnosis/derived`` and
``diagnosis/mistake``.
"""

from fractions import Fraction

import numpy as np

from gsnr_ref.contract import flat, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_n,
    predicted,
    right_moments,
    shares_of,
    weights_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.osgr.enumerated import count_vectors, multinomial_probability


@known_as("mean-of-ratios")
def _mean_of_ratios(case: GoldenCase) -> Values:
    r = flat(case.expected["gsnr_ddof0"])
    r = r[~np.isnan(r)]
    if len(r) < 2:
        return {}
    return {
        "predicted_osgr": by_n(case, lambda n: float(np.mean(1 / (1 + 1 / (n * r))))),
        "noise_scale": float(np.mean(1 / r)),
    }


@known_as("expectation-of-ratios")
def _expectation_of_ratios(case: GoldenCase) -> Values:
    if "enumerated_osgr" not in case.expected:
        return {}
    model, p = case.build(), shares_of(case)
    gradients = case.expected["per_sample_gradients"]
    before, values, exact = case.expected["losses"], {}, [Fraction(v) for v in p.tolist()]
    for key in case.expected["enumerated_osgr"]:
        n, rate = (float(part.partition("=")[2]) for part in key.split())
        mean_ratio = 0.0
        for counts in count_vectors(int(n), len(p)):
            share = np.array(counts) / n
            steps = {k: rate * np.tensordot(share, g, 1) for k, g in gradients.items()}
            stepped = {k: v - steps.get(k, 0) for k, v in case.params.items()}
            falls = before - model.loss(stepped, case.x, case.y)
            chance = float(multinomial_probability(counts, exact))
            mean_ratio += chance * (p @ falls) / (share @ falls)
        values[key] = mean_ratio
    return {"enumerated_osgr": values}


@known_as("n-left-out-of-weights")
def _n_left_out(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    weights = weights_of(mean, ddof0, 1)
    return {
        "osgr_weights": by_n(case, lambda n: weights),
        "predicted_osgr": by_n(case, lambda n: predicted(weights, mean, ddof0, n)),
    }


@known_as("plug-in-bias")
def _plug_in(case: GoldenCase) -> Values:
    mean, _, ddof1 = right_moments(case)
    if ddof1 is None:
        return {}
    n = len(case.x)
    signal, noise = np.square(flat(mean)).sum(), flat(ddof1).sum()
    return {
        "debiased_gsnr": case.expected["gsnr_ddof1"],
        "debiased_osgr": float(signal / (signal + noise / n)),
    }


@known_as("clamped-negatives")
def _clamped(case: GoldenCase) -> Values:
    e = case.expected
    values: Values = {}
    if "debiased_gsnr" in e:
        values["debiased_gsnr"] = map_structure(lambda r: np.maximum(r, 0), e["debiased_gsnr"])
    if "debiased_osgr" in e:
        values["debiased_osgr"] = max(0.0, e["debiased_osgr"])
    return values
