"""Mistakes that compute another model or another loss than the one that is asked for.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/constants``,
``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from gsnr_ref.contract import Array, Params
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
from gsnr_ref.golden.diagnosis.derived import Values, scaled
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import (
    ChangedModel,
    Tap,
    from_run,
    of_another_model,
    rewritten,
    right_losses_at,
    run,
)
from gsnr_ref.golden.quantity import QuantityReport


def _softmax(outputs: Any) -> Any:
    """Probabilities, over the last axis."""
    shares = anp.exp(outputs - anp.max(outputs, axis=-1, keepdims=True))
    return shares / anp.sum(shares, axis=-1, keepdims=True)


@known_as("double-softmax")
def _double_softmax(case: GoldenCase) -> Values:
    if case.model["loss"]["type"] == "squared_error":
        return {}

    def probabilities(outputs: Any, y: Any) -> Any:
        by_class = (*np.shape(y), -1)  # of each sample, or of each of its tokens
        return anp.reshape(_softmax(anp.reshape(outputs, by_class)), anp.shape(outputs))

    model = ChangedModel(case, outputs=probabilities)
    found = run(model, case.params, case)
    return from_run(
        case, found.losses, found.gradients, lambda p: np.asarray(model.loss(p, case.x, case.y))
    )


def _can_be_smoothed(case: GoldenCase) -> bool:
    loss = case.model["loss"]
    return loss["type"] == "cross_entropy" and {"label_smoothing", "class_weights"}.isdisjoint(loss)


def _of_all_classes(case: GoldenCase) -> tuple[GoldenCase, ...]:
    """The case once a class: every sample is of this class, but those that are ignored."""
    ignored = case.y == case.model["loss"].get("ignore_index")
    return tuple(replace(case, y=np.where(ignored, case.y, c)) for c in range(case.n_outputs))


def _smoothed(case: GoldenCase) -> Line:
    """Losses and gradients as functions of ε: (1 − ε)·(right) + ε·(against equal probabilities)."""
    right, g = case.expected["losses"], case.expected["per_sample_gradients"]
    runs = [run(ChangedModel(one), case.params, one) for one in _of_all_classes(case)]
    slope = {name: np.mean([r.gradients[name] for r in runs], axis=0) - g[name] for name in g}
    return Line(g, slope, (right, np.mean([r.losses for r in runs], axis=0) - right), high=2.0)


def _smoothings(case: GoldenCase, report: QuantityReport) -> Iterator[Line]:
    if _can_be_smoothed(case):
        yield _smoothed(case)


def smoothed(case: GoldenCase, constant: float) -> Values:
    """Labels mixed with equal probabilities, of weight `constant`."""
    values = _smoothed(case).at(case, constant)
    right, others = right_losses_at(case), [right_losses_at(one) for one in _of_all_classes(case)]

    def losses_at(params: Params) -> Array:
        uniform = np.mean([at(params) for at in others], axis=0)
        return np.asarray((1 - constant) * right(params) + constant * uniform)

    return from_run(case, values["losses"], values["per_sample_gradients"], losses_at)


@known_as("label-smoothing", OneConstant(_smoothings), judged=JUDGED)
def _label_smoothing(case: GoldenCase) -> Values:
    return smoothed(case, 0.1) if _can_be_smoothed(case) else {}


def _without(case: GoldenCase, option: str) -> Values:
    """The loss without one of its options."""
    if option not in case.model["loss"]:
        return {}
    other = rewritten(case, loss=lambda la: {k: v for k, v in la.items() if k != option})
    return of_another_model(case, other)


@known_as("label-smoothing-left-out")
def _label_smoothing_left_out(case: GoldenCase) -> Values:
    return _without(case, "label_smoothing")


@known_as("class-weights-left-out")
def _class_weights_left_out(case: GoldenCase) -> Values:
    return _without(case, "class_weights")


@known_as("mean-over-weights")
def _mean_over_weights(case: GoldenCase) -> Values:
    loss, e = case.model["loss"], case.expected
    weights = np.ones(len(case.x))
    if "class_weights" in loss:
        weights = np.array(loss["class_weights"])[case.y]
    if "ignore_index" in loss:
        weights = weights * (case.y != loss["ignore_index"])
    if case.reduction != "mean" or (weights == 1).all():
        return {}
    factor = len(weights) / weights.sum()
    return {q: scaled(e[q], factor) for q in ("reduced_loss", "reduced_gradient")}


#: Which inputs of each layer were kept, of each sample: 1, or 0 where it was dropped.
Masks = dict[str, Array]


def _dropped_at(case: GoldenCase) -> list[str]:
    """Dense layers after the first layer: dropout stands before them."""
    named = [la for la in case.model["layers"] if "name" in la]
    dense = [la for la in named[1:] if la["type"] == "affine" and la.get("n_positions", 1) == 1]
    return [la["name"] for la in dense] if ChangedModel(case).is_tapped else []


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
    return {name: (rng.random((n, k)) >= constant).astype(float) for name, k in widths.items()}


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

    rates = np.arange(0.0, 0.96, 0.025)
    errors = np.array([gradients(rate) for rate in rates])
    first, *_ = errors
    element = int(np.argmax(np.abs(first)))
    for k in np.flatnonzero(np.diff(np.sign(errors[:, element]))):
        low, high = rates[k], rates[k + 1]
        yield float(brentq(lambda rate: gradients(rate)[element], low, high))


@np.errstate(all="ignore")
def _dropout(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether masks and one probability explain every per-sample gradient."""
    if not comparable(case, report) or not needs_more_than_a_factor(case, report):
        return False
    masks = _masks_from(case, report)
    if masks is None:
        return False
    *_, last = masks
    return any(
        agree(case, report, with_dropout(case, rate, chosen)[report.quantity])
        for chosen in (masks, {last: masks[last]})
        for rate in _dropout_rates(case, report, chosen)
    )


@known_as("dropout-on", _dropout, judged=("per_sample_gradients",))
def _dropout_on(case: GoldenCase) -> Values:
    return with_dropout(case, 0.5, masks_of(case, 0.5, seed=1)) if _dropped_at(case) else {}
