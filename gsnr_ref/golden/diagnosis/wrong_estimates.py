"""Mistakes in OSGR, and in estimates for a larger population.

Imports ``contract`` and, of ``golden``, ``case``, ``diagnosis/derived``, ``diagnosis/mistake`` and
``diagnosis/recomputed``.
"""

import numpy as np

from gsnr_ref.contract import Structure, flat, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_n,
    from_moments,
    predicted,
    right_moments,
    scaled,
    weights_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import right_losses_at, training_sets


@known_as("standard-deviation-for-variance")
def _standard_deviation(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    sample = None if ddof1 is None else map_structure(np.sqrt, ddof1)
    return from_moments(case, mean, map_structure(np.sqrt, ddof0), sample)


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
    gradients, values = case.expected["per_sample_gradients"], {}
    for key in case.expected.get("enumerated_osgr", ()):
        sets = training_sets(case, key, gradients, right_losses_at(case))
        values[key] = sum(chance * test / training for chance, training, test in sets)
    return {"enumerated_osgr": values} if values else {}


@known_as("n-left-out-of-weights")
def _n_left_out(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    weights = weights_of(mean, ddof0, 1)
    return {
        "osgr_weights": by_n(case, lambda n: weights),
        "predicted_osgr": by_n(case, lambda n: predicted(weights, mean, ddof0, n)),
    }


@known_as("mean-square-weights")
def _mean_square_weights(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    squares = map_structure(np.square, mean)
    weights = scaled(squares, 1 / flat(squares).sum())
    return {
        "osgr_weights": by_n(case, lambda n: weights),
        "predicted_osgr": by_n(case, lambda n: predicted(weights, mean, ddof0, n)),
    }


def _for_another_n(case: GoldenCase, more: int) -> Values:
    mean, ddof0, _ = right_moments(case)

    def weights(n: int) -> Structure:
        return weights_of(mean, ddof0, n + more)

    return {
        "osgr_weights": by_n(case, weights),
        "predicted_osgr": by_n(case, lambda n: predicted(weights(n), mean, ddof0, n + more)),
    }


@known_as("n-plus-one")
def _n_plus_one(case: GoldenCase) -> Values:
    return _for_another_n(case, 1)


@known_as("n-minus-one")
def _n_minus_one(case: GoldenCase) -> Values:
    return _for_another_n(case, -1)


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
