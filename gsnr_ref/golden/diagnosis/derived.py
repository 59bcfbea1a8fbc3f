"""What follows from gradients or moments, right or wrong, in float64.

Imports ``contract`` and ``golden/case``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Params, Structure, flat, map_structure
from gsnr_ref.golden.case import GoldenCase

Values = dict[str, Any]


def ratio(mean: Params, variance: Params) -> Structure:
    return map_structure(lambda m, v: m / v * m, mean, variance)


def by_n(case: GoldenCase, function: Callable[[int], Any]) -> dict[str, Any]:
    return {n: function(int(n)) for n in case.expected["predicted_osgr"]}


def weights_of(mean: Params, variance: Params, n: int) -> Structure:
    squares = map_structure(lambda m, v: m * m + v / n, mean, variance)
    total = flat(squares).sum()
    return map_structure(lambda s: s / total, squares)


def predicted(weights: Params, mean: Params, variance: Params, n: int) -> float:
    w, r = flat(weights), flat(ratio(mean, variance))
    return float(np.where(w == 0, 0.0, w / (1 + 1 / (n * r))).sum())


def from_moments(case: GoldenCase, mean: Params, ddof0: Params, ddof1: Params | None) -> Values:
    """Everything that is computed from mean and variances."""
    values: Values = {
        "mean": mean,
        "variance_ddof0": ddof0,
        "gsnr_ddof0": ratio(mean, ddof0),
        "osgr_weights": by_n(case, lambda n: weights_of(mean, ddof0, n)),
        "predicted_osgr": by_n(
            case, lambda n: predicted(weights_of(mean, ddof0, n), mean, ddof0, n)
        ),
    }
    signal, noise = np.square(flat(mean)).sum(), flat(ddof0).sum()
    values["noise_scale"] = float(noise / signal)
    values["coherence"] = float(signal / (signal + noise))
    if ddof1 is not None:
        n = len(case.x)
        plug_in = ratio(mean, ddof1)
        values["variance_ddof1"], values["gsnr_ddof1"] = ddof1, plug_in
        values["debiased_gsnr"] = map_structure(lambda r: (n - 3) / (n - 1) * r - 1 / n, plug_in)
        values["debiased_osgr"] = float((signal - flat(ddof1).sum() / n) / signal)
    return values


def from_gradients(case: GoldenCase, gradients: Params) -> Values:
    """Everything that is computed from per-sample gradients."""
    p = shares_of(case)

    def mean_of(g: Array) -> Array:
        return np.asarray(np.tensordot(p, g, 1))

    mean = map_structure(mean_of, gradients)
    ddof0 = map_structure(lambda g: mean_of(np.square(g - mean_of(g))), gradients)
    ddof1 = sample_variance(case, ddof0)
    return {"per_sample_gradients": gradients, **from_moments(case, mean, ddof0, ddof1)}


def shares_of(case: GoldenCase) -> Array:
    n = len(case.x)
    return np.full(n, 1 / n) if case.probabilities is None else case.probabilities


def sample_variance(case: GoldenCase, ddof0: Params) -> Params | None:
    if "variance_ddof1" not in case.expected:
        return None
    n = len(case.x)
    return dict(map_structure(lambda v: v * n / (n - 1), ddof0))


def right_moments(case: GoldenCase) -> tuple[Params, Params, Params | None]:
    e = case.expected
    return e["mean"], e["variance_ddof0"], e.get("variance_ddof1")


def scaled(structure: Structure, factor: float) -> Structure:
    return map_structure(lambda p: p * factor, structure)


def by_sample(gradients: Params, factors: Array) -> Params:
    """Each sample's gradients times its own factor."""
    return {name: np.einsum("i,i...->i...", factors, g) for name, g in gradients.items()}


def scaled_gradients(case: GoldenCase, factor: float) -> Values:
    """Gradients times a factor. GSNR, OSGR and all other ratios stay as they are."""
    square = factor**2
    factors = {"per_sample_gradients": factor, "mean": factor}
    factors |= {"variance_ddof0": square, "variance_ddof1": square}
    e = case.expected
    return {quantity: scaled(e[quantity], f) for quantity, f in factors.items() if quantity in e}
