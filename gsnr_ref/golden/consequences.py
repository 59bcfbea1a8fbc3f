"""What follows from gradients or moments, right or wrong, in float64.

Imports ``contract``, ``golden/case`` and NumPy.
"""

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from gsnr_ref.contract import Array, Params
from gsnr_ref.golden.case import GoldenCase

Values = dict[str, Any]


def each(function: Callable[..., Any], *params: Params) -> Params:
    return {name: function(*(p[name] for p in params)) for name in params[0]}


def ratio(mean: Params, variance: Params) -> Params:
    return each(lambda m, v: m / v * m, mean, variance)


def flat(params: Params) -> Array:
    return np.concatenate([p.ravel() for p in params.values()])


def by_n(case: GoldenCase, function: Callable[[int], Any]) -> dict[str, Any]:
    return {n: function(int(n)) for n in case.expected["predicted_osgr"]}


def weights_of(mean: Params, variance: Params, n: int) -> Params:
    squares = each(lambda m, v: m * m + v / n, mean, variance)
    total = flat(squares).sum()
    return each(lambda s: s / total, squares)


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
        values["debiased_gsnr"] = each(lambda r: (n - 3) / (n - 1) * r - 1 / n, plug_in)
        values["debiased_osgr"] = float((signal - flat(ddof1).sum() / n) / signal)
    return values


def from_gradients(case: GoldenCase, gradients: Params) -> Values:
    """Everything that is computed from per-sample gradients."""
    p = shares_of(case)

    def mean_of(g: Array) -> Array:
        return np.asarray(np.tensordot(p, g, 1))

    mean = each(mean_of, gradients)
    ddof0 = each(lambda g: mean_of(np.square(g - mean_of(g))), gradients)
    ddof1 = sample_variance(case, ddof0)
    return {"per_sample_gradients": gradients, **from_moments(case, mean, ddof0, ddof1)}


def shares_of(case: GoldenCase) -> Array:
    n = len(case.x)
    return np.full(n, 1 / n) if case.probabilities is None else case.probabilities


def sample_variance(case: GoldenCase, ddof0: Params) -> Params | None:
    n = len(case.x)
    return each(lambda v: v * n / (n - 1), ddof0) if "variance_ddof1" in case.expected else None


def right_moments(case: GoldenCase) -> tuple[Params, Params, Params | None]:
    e = case.expected
    return e["mean"], e["variance_ddof0"], e.get("variance_ddof1")


@overload
def scaled(params: Params, factor: float) -> Params: ...
@overload
def scaled(params: None, factor: float) -> None: ...
def scaled(params: Params | None, factor: float) -> Params | None:
    return None if params is None else each(lambda p: p * factor, params)
