"""Mistakes in mean, variance and the GSNR that is made of them.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/derived`` and
``diagnosis/mistake``.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from gsnr_ref.contract import Array, flat, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_n,
    from_moments,
    ratio,
    right_moments,
    sample_variance,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.quantity import QuantityReport

PLUG_INS = ("gsnr_ddof0", "gsnr_ddof1")


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


def moments_of(case: GoldenCase, report: QuantityReport) -> Iterator[tuple[str, Array, Array]]:
    """Name of each parameter, mean², and the variance that belongs to a variance or a GSNR."""
    variances = case.expected[f"variance_{report.quantity.rpartition('_')[2]}"]
    for (name,) in report.wrong:
        mean = case.expected["mean"][name]
        yield name, mean * mean, variances[name]


def _added(case: GoldenCase, report: QuantityReport, tolerance: float) -> tuple[float, float]:
    """Least and largest constant ε for which GSNR is mean²/(variance + ε) at every parameter."""
    low, high = 0.0, math.inf
    for name, square, variance in moments_of(case, report):
        got = report.got[(name,)].astype(np.float64)
        error = 2 * tolerance * (1 + case.condition[report.quantity][name])
        if (got[square == 0] != 0).any() or not (got >= 0).all():
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


@known_as("epsilon-in-denominator", _constant_added, judged=PLUG_INS, constant=_added)
def _epsilon(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    values = {"gsnr_ddof0": ratio(mean, map_structure(lambda v: v + 1e-5, ddof0))}
    if ddof1 is not None:
        values["gsnr_ddof1"] = ratio(mean, map_structure(lambda v: v + 1e-5, ddof1))
    return values


def _on_gsnr(case: GoldenCase, function: Callable[[Array], Array]) -> Values:
    return {
        q: map_structure(function, case.expected[q])
        for q in (*PLUG_INS, "debiased_gsnr")
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
