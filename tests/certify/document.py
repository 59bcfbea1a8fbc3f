"""A case as the JSON document that is committed: everything an implementer has to know.

Imports nothing of ``gsnr_ref``.
"""

import json
import math
from typing import Any

from tests.certify.cases import Case
from tests.certify.cases.shapes import fan_ins
from tests.certify.formulas import formula_of_loss, with_formula
from tests.certify.rounded import certified, conditions, map_tree, written

REDUCTIONS = {
    "none": "No training loss is stated. Losses and gradients are those of single samples.",
    "mean": "The training loss is the mean over samples: reduced_loss, with reduced_gradient. All "
    "other values are those of single samples, as if nothing were reduced.",
    "sum": "The training loss is the sum over samples: reduced_loss, with reduced_gradient. All "
    "other values are those of single samples, as if nothing were reduced.",
}
DDOF = (
    "A variance divides by (number of samples − ddof), with the ddof in the name of the quantity. "
    "osgr_weights, predicted_osgr, noise_scale and coherence take the samples as the population: "
    "ddof=0. debiased_gsnr and debiased_osgr take them as a sample: ddof=1."
)
WEIGHTED = " With probabilities, a mean is Σ p g and the variance Σ p (g − mean)²."
DEGENERATE = (
    "GSNR is inf where the variance is 0 and the mean is not, and nan where both are 0; that "
    "parameter then has weight 0. Where every gradient is 0, weights, predicted OSGR, noise scale "
    'and coherence are nan. In JSON, inf and nan are the strings "inf" and "nan".'
)


def document(case: Case) -> dict[str, Any]:
    """Everything about a case but the mistakes that it can tell apart."""
    values = {} if case.refused else certified(case)
    expected = {} if case.refused else _with_condition(case, values, conditions(case))
    inputs: dict[str, Any] = {"dtype": case.dtype, "params": case.params, "x": case.x, "y": case.y}
    if case.probabilities is not None:
        inputs["probabilities"] = case.probabilities
    if case.batches is not None:
        inputs["batches"] = case.batches
    return {
        "id": case.id,
        "description": case.description,
        "level": case.level,
        "flags": list(case.flags),
        **({"twin_of": case.twin_of} if case.twin_of else {}),
        **({"refused": case.refused} if case.refused else {}),
        "model": {
            "layers": [with_formula(layer) for layer in case.layers],
            "loss": {
                "type": case.loss,
                "scale": case.scale,
                **case.loss_options,
                "formula": formula_of_loss(case.loss, case.loss_options),
            },
            "parameters": case.shapes,
            "trainable": list(case.trainable),
        },
        "inputs": inputs,
        "conventions": {
            "reduction": case.reduction,
            "reduction_means": REDUCTIONS[case.reduction],
            "variance": DDOF + ("" if case.probabilities is None else WEIGHTED),
            "degenerate": DEGENERATE,
        },
        "tolerance": _tolerance(case, values),
        "expected": expected,
    }


def shaped(flat: list[Any], shape: list[int]) -> Any:
    """Nested lists of a shape from a flat list."""
    if len(shape) == 1:
        return flat
    step = math.prod(shape[1:])
    return [shaped(flat[i : i + step], shape[1:]) for i in range(0, len(flat), step)]


def _with_condition(case: Case, values: Any, condition: Any) -> dict[str, Any]:
    def on_parameters(tree: Any, name: str | None = None) -> Any:
        if isinstance(tree, dict):
            return {k: on_parameters(v, k if k in case.shapes else name) for k, v in tree.items()}
        if not isinstance(tree, list) or name is None:
            return tree
        if isinstance(tree[0], list):
            return [shaped(row, case.shapes[name]) for row in tree]
        return shaped(tree, case.shapes[name])

    return {
        quantity: {
            "value": on_parameters(map_tree(written, values[quantity])),
            "condition": on_parameters(condition[quantity]),
        }
        for quantity in values
    }


def _tolerance(case: Case, values: Any) -> dict[str, Any]:
    """Roundings that a value goes through, times the unit roundoff; no float32 out of its range."""
    n_samples = len(case.x)
    roundings = 16 + 2 * n_samples + 4 * sum(fan_ins(case.layers))
    numbers = [abs(v) for v in _finite(values)]
    numbers += [abs(v) for v in _finite([case.params, case.x, case.y])]
    fits = all(v == 0 or 2.0**-100 < v < 2.0**100 for v in numbers)
    reason = (
        "|value − expected| ≤ tolerance · (1 + condition) · |expected|, or tolerance · condition "
        f"where expected is 0. The tolerance is {roundings} roundings, 16 + 2 n_samples + 4 Σ "
        "fan-in, of half a unit in the last place each; the condition says what one rounding of "
        "each input does to the value, in the same unit."
    )
    if not fits:
        reason += " Numbers of this case leave the safe range of float32: it has no tolerance."
    return {
        "float64": float(f"{roundings * 2.0**-53:.2g}"),
        "float32": float(f"{roundings * 2.0**-24:.2g}") if fits else None,
        "reason": reason,
    }


def _finite(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [v for t in tree.values() for v in _finite(t)]
    if isinstance(tree, list):
        return [v for t in tree for v in _finite(t)]
    return [tree] if math.isfinite(tree) else []


def as_text(tree: Any, indent: str = "") -> str:
    """JSON with one key a line and lists unbroken: small, and readable in a diff."""
    if not isinstance(tree, dict) or not tree:
        return json.dumps(tree, ensure_ascii=False, allow_nan=False)
    inner = indent + "  "
    rows = [f"{inner}{json.dumps(k)}: {as_text(v, inner)}" for k, v in tree.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
