"""Mistakes in layers that normalize.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/constants``,
``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from typing import Any

import numpy as np

from gsnr_ref.contract import Params
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.constants import agree, comparable
from gsnr_ref.golden.diagnosis.derived import Values
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import (
    ChangedModel,
    from_run,
    layers_of,
    of_another_model,
    rewritten,
    right_losses_at,
    run,
)
from gsnr_ref.golden.quantity import QUANTITIES, QuantityReport

#: Epsilons that frameworks and models have.
EPSILONS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-3)


def with_epsilon(case: GoldenCase, eps: float) -> Values:
    """Every normalization with this epsilon."""
    other = rewritten(case, lambda la: la | ({"eps": eps} if "eps" in la else {}))
    return of_another_model(case, other)


def _stated(case: GoldenCase) -> set[float]:
    return {la["eps"] for la in layers_of(case.model) if "eps" in la}


@np.errstate(all="ignore")
def _any_epsilon(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether one of the usual epsilons explains every value."""
    stated = _stated(case)
    return (
        bool(stated)
        and comparable(case, report)
        and any(
            agree(case, report, with_epsilon(case, eps)[report.quantity])
            for eps in EPSILONS
            if {eps} != stated
        )
    )


@known_as("another-norm-epsilon", _any_epsilon, judged=QUANTITIES)
def _another_norm_epsilon(case: GoldenCase) -> Values:
    return with_epsilon(case, 0.0) if _stated(case) else {}


def _n_averaged(layer: dict[str, Any]) -> int | None:
    """How many numbers a layer or group norm takes the variance of; None for all other layers."""
    if layer["type"] == "layer_norm":
        return int(layer["n_features"])
    if layer["type"] == "group_norm":
        return int(layer["n_positions"] * layer["n_channels"] // layer["n_groups"])
    return None


@known_as("bessel-in-norm")
def _bessel_in_norm(case: GoldenCase) -> Values:
    counts = {la["name"]: k for la in layers_of(case.model) if (k := _n_averaged(la))}
    if not counts:
        return {}

    # (x − m)/√(k/(k − 1)·s² + eps) is √((k − 1)/k) times (x − m)/√(s² + eps·(k − 1)/k).
    def with_eps(layer: dict[str, Any]) -> dict[str, Any]:
        k = _n_averaged(layer)
        return layer | ({"eps": layer["eps"] * (k - 1) / k} if k else {})

    def shrunk(params: Params) -> Params:
        roots = {f"{name}.scale": np.sqrt((k - 1) / k) for name, k in counts.items()}
        return {name: value * roots.get(name, 1.0) for name, value in params.items()}

    other = rewritten(case, with_eps)
    found, losses_at = run(ChangedModel(other), shrunk(case.params), case), right_losses_at(other)
    return from_run(
        case, found.losses, shrunk(found.gradients), lambda params: losses_at(shrunk(params))
    )
