"""Mistakes of rounding: differences of numbers that are nearly equal.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity`` and, of ``diagnosis``, ``derived``,
``mistake`` and ``wrong_moments``.
"""

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
    weights_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.wrong_moments import PLUG_INS, moments_of
from gsnr_ref.golden.quantity import ROUNDOFF, QuantityReport

_VARIANCES = ("variance_ddof0", "variance_ddof1")
#: A value is in a tail if it is below this share of the largest.
TAIL = 1e-3


def _cancelled(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Errors of the size that E g² − (E g)² makes: a few roundings of mean² + variance."""
    roundings = (2 * len(case.x) + 8) * ROUNDOFF[report.dtype]
    for name, square, variance in moments_of(case, report):
        got = report.got[(name,)].astype(np.float64)
        with np.errstate(all="ignore"):
            implied = square / got if report.quantity.startswith("gsnr") else got
            error = np.abs(np.where(np.isnan(implied), 0, implied) - variance)
        if (report.wrong[(name,)] & ~(error <= roundings * (square + variance))).any():
            return False
    return bool(report.wrong)


@known_as("one-pass-variance", _cancelled, judged=_VARIANCES + PLUG_INS)
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


def _from_1(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Off by a few roundings of 1, and a whole number of these: a difference from 1."""
    unit = ROUNDOFF[report.dtype]
    expected = case.expected[report.quantity]
    n_terms = len(flat(case.expected["mean"])) + 8
    return bool(report.wrong) and all(
        abs(report.got[(n,)] - expected[n]) <= n_terms * unit
        and float(report.got[(n,)]) % unit == 0
        for (n,), wrong in report.wrong.items()
        if wrong
    )


@known_as("equation-22-cancels", _from_1, judged=("predicted_osgr",))
def _literal(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    r = flat(ratio(mean, ddof0))

    def literal(n: int) -> float:
        w = flat(weights_of(mean, ddof0, n))
        return float(1 - np.where(w == 0, 0.0, w / (r + 1 / n)).sum() / n)

    return {"predicted_osgr": by_n(case, literal)}
