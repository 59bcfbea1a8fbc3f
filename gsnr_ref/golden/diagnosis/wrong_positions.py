"""Mistakes with weights that are applied at several positions: convolutions and recurrences.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/constants``,
``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from autograd.tracer import getval

from gsnr_ref.contract import Array, Params
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.constants import agree, comparable
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    from_moments,
    right_moments,
    sample_variance,
    shares_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import (
    ChangedModel,
    Tap,
    enumerated,
    from_run,
    layers_of,
    right_losses_at,
    run,
)
from gsnr_ref.golden.quantity import QUANTITIES, QuantityReport

#: From a layer's inputs and deltas, (n_samples, n_positions, ...), and the shares of the samples,
#: to a second moment or a variance of each entry of the weight.
Spread = Callable[[Array, Array, Array], Array]


def _by_position(case: GoldenCase, spread: Spread) -> Values:
    """Everything that follows where variances are computed position by position."""
    layers, p = run(ChangedModel(case), case.params, case).layers, shares_of(case)
    mean, ddof0, _ = right_moments(case)
    wrong = dict(ddof0)
    for name in ddof0:
        layer, kind = layers.get(name.rpartition(".")[0]), name.rpartition(".")[2]
        if layer is None or layer.deltas.shape[1] == 1:
            continue
        inputs, deltas = layer.inputs, layer.deltas
        if kind in ("bias", "shift"):
            inputs = np.ones((*deltas.shape[:2], 1))
        elif kind == "scale":  # one product a feature
            inputs, deltas = np.ones((*deltas.shape[:2], 1)), inputs * deltas
        wrong[name] = spread(inputs, deltas, p).reshape(ddof0[name].shape)
    if all(wrong[name] is ddof0[name] for name in ddof0):
        return {}
    return from_moments(case, mean, wrong, sample_variance(case, wrong))


@known_as("per-position-squares")
def _per_position_squares(case: GoldenCase) -> Values:
    def spread(inputs: Array, deltas: Array, p: Array) -> Array:
        weighted, both = p[:, None, None] * inputs, ((0, 1), (0, 1))
        second = np.tensordot(weighted * inputs, deltas**2, both)
        return np.asarray(second - np.tensordot(weighted, deltas, both) ** 2)

    return _by_position(case, spread)


@known_as("per-position-variances")
def _per_position_variances(case: GoldenCase) -> Values:
    def spread(inputs: Array, deltas: Array, p: Array) -> Array:
        terms = inputs[:, :, :, None] * deltas[:, :, None, :]
        centred = terms - np.tensordot(p, terms, 1)
        return np.asarray(np.tensordot(p, centred**2, 1).sum(axis=0))

    return _by_position(case, spread)


@known_as("flipped-kernel")
def _flipped_kernel(case: GoldenCase) -> Values:
    kernels = {la["name"]: la for la in layers_of(case.model) if la["type"] == "convolution"}
    if not kernels:
        return {}

    def flipped(params: Params) -> Params:
        """Kernels rotated by 180°: a convolution where a cross-correlation is asked for."""
        turned = dict(params)
        for name, layer in kernels.items():
            key, size = f"{name}.weight", layer["kernel"]
            if key in params:
                array = np.asarray(params[key])
                lead = array.shape[:-2]
                cube = array.reshape(*lead, size, size, -1, layer["n_out"])
                turned[key] = np.flip(cube, (len(lead), len(lead) + 1)).reshape(array.shape)
        return turned

    model = ChangedModel(case)
    found = run(model, flipped(case.params), case)
    right = right_losses_at(case)
    return from_run(case, found.losses, flipped(found.gradients), lambda p: right(flipped(p)))


def truncated_after(case: GoldenCase, n_steps: int, enumerate: bool = True) -> Values:
    """The hidden state before the last `n_steps` steps is taken for a constant."""
    layer = next(la for la in case.model["layers"] if la["type"] == "elman")
    calls, total = count(), layer["n_steps"]

    def change(params: Params, tap: Tap, name: str, inputs: Any, outputs: Any) -> Any:
        if name == layer["name"] and next(calls) % total == total - n_steps:
            inputs = getval(inputs)
            outputs = inputs @ params[f"{name}.weight"] + params.get(f"{name}.bias", 0.0)
        return tap(name, inputs, outputs)

    gradients = run(ChangedModel(case, change), case.params, case).gradients
    losses_at = right_losses_at(case) if enumerate else None
    return from_run(case, case.expected["losses"], gradients, losses_at)


def _n_steps(case: GoldenCase) -> int:
    return next((la["n_steps"] for la in case.model["layers"] if la["type"] == "elman"), 0)


@np.errstate(all="ignore")
def _truncated(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether some number of steps explains every value."""
    quantity = report.quantity
    return comparable(case, report) and any(
        agree(case, report, truncated_after(case, k, quantity == "enumerated_osgr")[quantity])
        for k in range(1, _n_steps(case))
    )


@known_as("truncated-backpropagation", _truncated, judged=QUANTITIES)
def _truncated_backpropagation(case: GoldenCase) -> Values:
    return truncated_after(case, 1) if _n_steps(case) > 1 else {}


def _recurrent_biases(case: GoldenCase) -> list[str]:
    named = [la["name"] for la in case.model["layers"] if la["type"] in ("elman", "lstm")]
    return [f"{name}.bias" for name in named if f"{name}.bias" in case.model["trainable"]]


def _twice(params: Params, names: list[str]) -> Params:
    return {k: v * 2 if k in names else v for k, v in params.items()}


@known_as("two-biases-counted")
def _two_biases_counted(case: GoldenCase) -> Values:
    twice, e = _recurrent_biases(case), case.expected
    if not twice:
        return {}
    mean, ddof0, ddof1 = right_moments(case)
    both = {f"{name} again": name for name in twice} | {name: name for name in mean}

    def doubled(params: Params) -> Params:
        return {key: params[name] for key, name in both.items()}

    sample = None if ddof1 is None else doubled(ddof1)
    values = from_moments(case, doubled(mean), doubled(ddof0), sample)
    sums = ("predicted_osgr", "noise_scale", "coherence", "debiased_osgr")
    wrong = {quantity: values[quantity] for quantity in sums if quantity in values}
    wrong["osgr_weights"] = {
        n: {name: shares[name] for name in mean} for n, shares in values["osgr_weights"].items()
    }
    if "enumerated_osgr" in e:  # each of the two takes a step
        gradients = _twice(e["per_sample_gradients"], twice)
        wrong["enumerated_osgr"] = enumerated(case, gradients, right_losses_at(case))
    return wrong


@known_as("two-biases-added")
def _two_biases_added(case: GoldenCase) -> Values:
    twice, e = _recurrent_biases(case), case.expected
    gradients = _twice(e["per_sample_gradients"], twice)
    return from_run(case, e["losses"], gradients, right_losses_at(case)) if twice else {}


@known_as("bias-given-twice")
def _bias_given_twice(case: GoldenCase) -> Values:
    twice = _recurrent_biases(case)
    if not twice:
        return {}
    found = run(ChangedModel(case), _twice(case.params, twice), case)
    right = right_losses_at(case)
    return from_run(case, found.losses, found.gradients, lambda p: right(_twice(p, twice)))
