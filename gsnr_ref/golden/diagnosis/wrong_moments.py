"""Mistakes in mean, variance and the GSNR that is made of them.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/derived`` and
``diagnosis/mistake``.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from gsnr_ref.contract import Array, flat, leaves_with_paths, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_n,
    from_gradients,
    from_moments,
    ratio,
    right_moments,
    sample_variance,
    shares_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.quantity import ROUNDOFF, Keys, QuantityReport

_VARIANCES = ("variance_ddof0", "variance_ddof1")
_PLUG_INS = ("gsnr_ddof0", "gsnr_ddof1")
#: A value is in a tail if it is below this share of the largest.
TAIL = 1e-3


@known_as("bessel-for-population")
def _bessel_for_population(case: GoldenCase) -> Values:
    mean, _, ddof1 = right_moments(case)
    return {} if ddof1 is None else from_moments(case, mean, ddof1, ddof1)


@known_as("no-bessel-for-sample")
def _no_bessel_for_sample(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    return {} if ddof1 is None else from_moments(case, mean, ddof0, ddof0)


@known_as("uncentred-second-moment")
def _uncentred(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    second = map_structure(lambda m, v: v + m * m, mean, ddof0)
    return from_moments(case, mean, second, sample_variance(case, second))


def _moments(case: GoldenCase, report: QuantityReport) -> Iterator[tuple[Keys, Array, Array]]:
    """Path of each parameter, mean², and the variance that belongs to a variance or a GSNR."""
    variances = case.expected[f"variance_{report.quantity.rpartition('_')[2]}"]
    for path in report.wrong:
        mean = case.expected["mean"][path[0]]
        yield path, mean * mean, variances[path[0]]


def _cancelled(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Errors of the size that E g² − (E g)² makes: a few roundings of mean² + variance."""
    roundings = (2 * len(case.x) + 8) * ROUNDOFF[report.dtype]
    for path, square, variance in _moments(case, report):
        got = report.got[path].astype(np.float64)
        with np.errstate(all="ignore"):
            implied = square / got if report.quantity.startswith("gsnr") else got
            error = np.abs(np.where(np.isnan(implied), 0, implied) - variance)
        if (report.wrong[path] & ~(error <= roundings * (square + variance))).any():
            return False
    return bool(report.wrong)


@known_as("one-pass-variance", _cancelled, judged=_VARIANCES + _PLUG_INS)
def _one_pass(case: GoldenCase) -> Values:
    p = shares_of(case)

    def one_pass(g: Array) -> Array:
        return np.asarray(np.tensordot(p, g * g, 1) - np.tensordot(p, g, 1) ** 2)

    ddof0 = map_structure(one_pass, case.expected["per_sample_gradients"])
    return from_moments(case, case.expected["mean"], ddof0, sample_variance(case, ddof0))


def _has_tails(case: GoldenCase) -> bool:
    """Whether something in the model has a limit to be next to, such as a softmax or a tanh."""
    straight = {"affine", "convolution", "max_pool", "relu", "identity"}
    kinds = {layer.get("function", layer["type"]) for layer in case.model["layers"]}
    return case.model["loss"]["type"] == "cross_entropy" or not kinds <= straight


def _tails(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Small values are wrong, by a few roundings of the largest loss or gradient, and only they."""
    if not report.wrong or not _has_tails(case):
        return False
    expected = dict(leaves_with_paths(case.expected[report.quantity]))
    scale = float(case.model["loss"]["scale"])
    largest = max(scale, *(float(np.abs(e).max()) for e in expected.values()))
    error = ROUNDOFF[report.dtype] * 8 * largest
    return all(
        (np.abs(report.got[path] - expected[path])[wrong] <= error).all()
        and (np.abs(expected[path])[wrong] <= TAIL * largest).all()
        for path, wrong in report.wrong.items()
    )


@known_as("tails-lost", _tails, judged=("losses", "per_sample_gradients"))
def _tails_lost(case: GoldenCase) -> Values:
    if not _has_tails(case):
        return {}
    scale = float(case.model["loss"]["scale"])

    def absorbed(value: Array) -> Array:
        # What one rounding of a number next to 1 leaves of a small one.
        far = np.abs(value) < 1e-6 * scale
        return np.where(far, ((1 + value / scale) - 1) * scale, value)

    e = case.expected
    gradients = map_structure(absorbed, e["per_sample_gradients"])
    return {"losses": absorbed(e["losses"]), **from_gradients(case, gradients)}


def _added(case: GoldenCase, report: QuantityReport, tolerance: float) -> tuple[float, float]:
    """Least and largest constant ε for which GSNR is mean²/(variance + ε) at every parameter."""
    low, high = 0.0, math.inf
    for path, square, variance in _moments(case, report):
        got = report.got[path].astype(np.float64)
        error = 2 * tolerance * (1 + case.condition[report.quantity][path[0]])
        if (got[square == 0] != 0).any() or not (got[square > 0] >= 0).all():
            return math.inf, 0.0
        with np.errstate(all="ignore"):
            total = (square / got)[square > 0]
            least = total * (1 - error[square > 0]) - variance[square > 0]
            most = total * (1 + error[square > 0]) - variance[square > 0]
        low, high = max(low, least.max(initial=low)), min(high, most.min(initial=high))
    return low, high


def _constant_added(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """mean²/GSNR − variance is the same positive constant for every parameter."""
    low, high = _added(case, report, tolerance)
    return bool(report.wrong) and low <= high


@known_as("epsilon-in-denominator", _constant_added, judged=_PLUG_INS, constant=_added)
def _epsilon(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    values = {"gsnr_ddof0": ratio(mean, map_structure(lambda v: v + 1e-5, ddof0))}
    if ddof1 is not None:
        values["gsnr_ddof1"] = ratio(mean, map_structure(lambda v: v + 1e-5, ddof1))
    return values


def _on_gsnr(case: GoldenCase, function: Callable[[Array], Array]) -> Values:
    return {
        q: map_structure(function, case.expected[q])
        for q in (*_PLUG_INS, "debiased_gsnr")
        if q in case.expected
    }


@known_as("degenerate-replaced")
def _degenerate_replaced(case: GoldenCase) -> Values:
    return _on_gsnr(case, lambda r: np.where(np.isfinite(r), r, 0.0))


@known_as("undefined-as-infinite")
def _undefined_as_infinite(case: GoldenCase) -> Values:
    return _on_gsnr(case, lambda r: np.where(np.isnan(r), np.inf, r))


@known_as("dead-parameter-spreads")
def _dead_spreads(case: GoldenCase) -> Values:
    any_dead = np.isnan(flat(case.expected["gsnr_ddof0"])).any()
    return {"predicted_osgr": by_n(case, lambda n: math.nan)} if any_dead else {}


@known_as("snr-not-squared")
def _not_squared(case: GoldenCase) -> Values:
    return {q: v for q, v in _on_gsnr(case, np.sqrt).items() if q != "debiased_gsnr"}


@known_as("batch-means-as-samples")
def _batch_means(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    gradients = case.expected["per_sample_gradients"]
    means = map_structure(lambda g: np.stack([b.mean(axis=0) for b in _cut(case, g)]), gradients)
    ddof0, ddof1 = (map_structure(lambda m, d=d: m.var(axis=0, ddof=d), means) for d in (0, 1))
    return from_moments(case, map_structure(lambda m: m.mean(axis=0), means), ddof0, ddof1)


@known_as("unweighted-merge")
def _unweighted_merge(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    g = case.expected["per_sample_gradients"]
    mean = map_structure(lambda a: np.mean([b.mean(axis=0) for b in _cut(case, a)], axis=0), g)
    ddof0 = map_structure(lambda a: np.mean([b.var(axis=0) for b in _cut(case, a)], axis=0), g)
    return from_moments(case, mean, ddof0, sample_variance(case, ddof0))


def _cut(case: GoldenCase, samples: Array) -> Iterator[Array]:
    edges = np.cumsum([0, *(case.batches or ())])
    return (samples[a:b] for a, b in pairwise(edges))


@known_as("probabilities-ignored")
def _probabilities_ignored(case: GoldenCase) -> Values:
    if case.probabilities is None:
        return {}
    g = case.expected["per_sample_gradients"]
    mean = map_structure(lambda a: a.mean(axis=0), g)
    return from_moments(case, mean, map_structure(lambda a: a.var(axis=0), g), None)
