"""Mistakes that compute another model or another loss than the one that is asked for.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/constants``,
``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from collections.abc import Iterator
from typing import Any

import autograd.numpy as anp
import numpy as np

from gsnr_ref.contract import Array, Params, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.constants import (
    JUDGED,
    Line,
    OneConstant,
    agree,
    arrays_of,
    comparable,
    needs_more_than_a_factor,
)
from gsnr_ref.golden.diagnosis.derived import Values
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import ChangedModel, Tap, from_run, run
from gsnr_ref.golden.quantity import QuantityReport


def _log_sum(outputs: Any) -> Any:
    """log Σ_c exp(outputs[i, c]), shape (n_samples, 1)."""
    top = anp.max(outputs, axis=1, keepdims=True)
    return top + anp.log(anp.sum(anp.exp(outputs - top), axis=1, keepdims=True))


def _uniform_loss(outputs: Any, y: Any) -> Any:
    """The cross-entropy against equal probabilities of all classes."""
    return anp.mean(_log_sum(outputs) - outputs, axis=1)


def _is_cross_entropy(case: GoldenCase) -> bool:
    return bool(case.model["loss"]["type"] == "cross_entropy")


def _smoothed(case: GoldenCase) -> Line:
    """Losses and gradients as functions of ε: (1 − ε)·(right) + ε·(against equal probabilities)."""
    right, g = case.expected["losses"], case.expected["per_sample_gradients"]
    uniform = run(ChangedModel(case, loss=_uniform_loss), case.params, case)
    slope = map_structure(lambda u, a: u - a, uniform.gradients, g)
    return Line(g, slope, (right, uniform.losses - right), high=2.0)


def _smoothings(case: GoldenCase, report: QuantityReport) -> Iterator[Line]:
    if _is_cross_entropy(case):
        yield _smoothed(case)


def smoothed(case: GoldenCase, constant: float) -> Values:
    """Labels mixed with equal probabilities, of weight `constant`."""
    line = _smoothed(case)
    gradients = map_structure(lambda g, d: g + constant * d, line.start, line.slope)
    right, slope = line.losses or (case.expected["losses"], 0.0)
    plain, uniform = case.build(), ChangedModel(case, loss=_uniform_loss)

    def losses_at(params: Params) -> Array:
        first, second = (m.loss(params, case.x, case.y) for m in (plain, uniform))
        return np.asarray((1 - constant) * first + constant * second)

    return from_run(case, right + constant * slope, gradients, losses_at)


@known_as("label-smoothing", OneConstant(_smoothings), judged=JUDGED)
def _label_smoothing(case: GoldenCase) -> Values:
    return smoothed(case, 0.1) if _is_cross_entropy(case) else {}


@known_as("double-softmax")
def _double_softmax(case: GoldenCase) -> Values:
    if not _is_cross_entropy(case):
        return {}

    def twice(outputs: Any, y: Any) -> Any:
        again = anp.exp(outputs - _log_sum(outputs))  # probabilities, taken for outputs
        return _log_sum(again)[:, 0] - again[np.arange(len(y)), y]

    model = ChangedModel(case, loss=twice)
    found = run(model, case.params, case)
    return from_run(
        case, found.losses, found.gradients, lambda p: np.asarray(model.loss(p, case.x, case.y))
    )


#: Which inputs of each layer were kept, of each sample: 1, or 0 where it was dropped.
Masks = dict[str, Array]


def _dropped_at(case: GoldenCase) -> list[str]:
    """Dense layers after the first layer: dropout stands before them."""
    named = [la for la in case.model["layers"] if "name" in la]
    return [la["name"] for la in named[1:] if la["type"] == "affine"]


def with_dropout(case: GoldenCase, constant: float, masks: Masks) -> Values:
    """Inputs of dense layers times mask/(1 − constant): dropout of that probability is on."""

    def change(params: Params, tap: Tap, name: str, inputs: Any, outputs: Any) -> Any:
        if name in masks:
            inputs = inputs * (masks[name] / (1 - constant))
            outputs = anp.matmul(inputs, params[f"{name}.weight"])
            if f"{name}.bias" in params:
                outputs = outputs + params[f"{name}.bias"]
        return tap(name, inputs, outputs)

    found = run(ChangedModel(case, change), case.params, case)
    return from_run(case, found.losses, found.gradients)


def masks_of(case: GoldenCase, constant: float, seed: int) -> Masks:
    """Masks as dropout draws them."""
    rng, n = np.random.default_rng(seed), len(case.x)
    widths = {name: len(case.params[f"{name}.weight"]) for name in _dropped_at(case)}
    return {name: (rng.random((n, k)) >= constant) * 1.0 for name, k in widths.items()}


def _masks_from(case: GoldenCase, report: QuantityReport) -> Masks | None:
    """The masks that the per-sample gradients show: rows of a weight's gradient that are 0."""
    right, masks = case.expected["per_sample_gradients"], {}
    for layer in _dropped_at(case):
        name = f"{layer}.weight"
        if name not in right:
            return None
        dropped = (report.got[(name,)] == 0).all(axis=2) & (right[name] != 0).any(axis=2)
        masks[layer] = np.where(dropped, 0.0, 1.0)
    return masks if any((mask == 0).any() for mask in masks.values()) else None


def _dropout_rates(case: GoldenCase, report: QuantityReport, masks: Masks) -> Iterator[float]:
    """Probabilities that give the value with the clearest error."""
    from scipy.optimize import brentq

    def gradients(rate: float) -> Array:
        made = with_dropout(case, rate, masks)[report.quantity]
        arrays = arrays_of(case, report, made)
        return np.concatenate([np.ravel(m - got) for got, m, _, _ in arrays])

    rates = np.linspace(0.0, 0.95, 39)
    errors = np.array([gradients(rate) for rate in rates])
    element = int(np.argmax(np.abs(errors[0])))
    for k in np.flatnonzero(np.diff(np.sign(errors[:, element]))):
        low, high = rates[k], rates[k + 1]
        yield float(brentq(lambda rate: gradients(rate)[element], low, high, xtol=1e-15))


def _dropout(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether masks and one probability explain every per-sample gradient."""
    if not comparable(case, report) or not needs_more_than_a_factor(case, report):
        return False
    masks = _masks_from(case, report)
    if masks is None:
        return False
    last = list(masks)[-1]
    return any(
        agree(case, report, with_dropout(case, rate, chosen)[report.quantity])
        for chosen in (masks, {last: masks[last]})
        for rate in _dropout_rates(case, report, chosen)
    )


@known_as("dropout-on", _dropout, judged=("per_sample_gradients",))
def _dropout_on(case: GoldenCase) -> Values:
    return with_dropout(case, 0.5, masks_of(case, 0.5, seed=1)) if _dropped_at(case) else {}
