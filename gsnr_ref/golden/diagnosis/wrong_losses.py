"""Mistakes in the loss, and in the layout of parameters.

Imports, of ``golden``, ``case``, ``diagnosis/derived`` and ``diagnosis/mistake``.
"""

import math
from typing import Any

import numpy as np

from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import Values, scaled, scaled_gradients
from gsnr_ref.golden.diagnosis.mistake import known_as


def _scaled_loss(case: GoldenCase, factor: float) -> Values:
    e = case.expected
    losses = [q for q in ("losses", "reduced_loss", "reduced_gradient") if q in e]
    return scaled_gradients(case, factor) | {q: scaled(e[q], factor) for q in losses}


def _is_squared(case: GoldenCase) -> bool:
    return bool(case.model["loss"]["type"] == "squared_error")


@known_as("half-missing")
def _half_missing(case: GoldenCase) -> Values:
    return _scaled_loss(case, 2) if _is_squared(case) else {}


@known_as("averaged-over-outputs")
def _averaged(case: GoldenCase) -> Values:
    return _scaled_loss(case, 1 / case.n_outputs) if _is_squared(case) else {}


@known_as("mse-loss")
def _mse(case: GoldenCase) -> Values:
    several = _is_squared(case) and case.n_outputs > 1  # with one output: half-missing
    return _scaled_loss(case, 2 / case.n_outputs) if several else {}


@known_as("bits-for-nats")
def _bits(case: GoldenCase) -> Values:
    return {} if _is_squared(case) else _scaled_loss(case, 1 / math.log(2))


@known_as("transposed-weights")
def _transposed(case: GoldenCase) -> Values:
    def transpose(tree: Any, name: str = "") -> Any:
        if isinstance(tree, dict):
            return {key: transpose(value, key) for key, value in tree.items()}
        return np.swapaxes(tree, -1, -2) if name.endswith(".weight") else tree

    one_number = all(p.size == 1 for k, p in case.params.items() if k.endswith(".weight"))
    return {} if one_number else {q: transpose(v) for q, v in case.expected.items()}
