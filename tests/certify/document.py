"""A case as the JSON document that is committed: everything an implementer has to know.

Imports nothing of ``gsnr_ref``.
"""

import json
import math
from typing import Any

from tests.certify.cases import Case
from tests.certify.rounded import certified, conditions, map_tree, written

FORMULAS: dict[str, Any] = {
    "affine": "outputs[i, c] = Σ_s inputs[i, s] · {name}.weight[s, c]{bias}",
    "activation": {
        "tanh": "outputs = tanh(inputs)",
        "relu": "outputs = max(inputs, 0), with derivative 0 at 0",
        "sigmoid": "outputs = 1/(1 + exp(−inputs))",
        "softplus": "outputs = log(1 + exp(inputs))",
        "identity": "outputs = inputs",
    },
    "convolution": "outputs[i, r, q, c] = Σ_u Σ_v Σ_k inputs[i, r + u, q + v, k] · "
    "{name}.weight[(u·kernel + v)·n_in + k, c]{bias}: a cross-correlation, stride 1, no padding",
    "max_pool": "outputs[i, r, q, k] = max of inputs[i, 2r + u, 2q + v, k] over u, v in (0, 1); "
    "of equal pixels the first, in the order (u, v), has the derivative. Before an affine layer "
    "the pixels are flattened: row by row, column by column, channel by channel",
    "elman": "h_0 = 0; h_t[i, c] = tanh(Σ_s [inputs[i, t], h_(t−1)[i]][s] · {name}.weight[s, c]"
    "{bias}), the first n_features rows of the weight for the input, the others for h; "
    "outputs = h after the last time step",
}
LOSSES = {
    "squared_error": "loss[i] = scale · ½ Σ_c (outputs[i, c] − y[i, c])²: with the ½, summed over "
    "outputs",
    "cross_entropy": "loss[i] = −scale · log(exp(outputs[i, y[i]]) / Σ_c exp(outputs[i, c])): "
    "natural logarithm",
}
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
    values = certified(case)
    expected = _with_condition(case, values, conditions(case))
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
        "model": {
            "layers": [layer | {"formula": _formula(layer)} for layer in case.layers],
            "loss": {"type": case.loss, "scale": case.scale, "formula": LOSSES[case.loss]},
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


def _formula(layer: dict[str, Any]) -> str:
    formula = FORMULAS[layer["type"]]
    if isinstance(formula, dict):
        return str(formula[layer["function"]])
    bias = f" + {layer['name']}.bias[c]" if layer.get("bias") else ""
    return str(formula.format(name=layer.get("name"), bias=bias))


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
    fan_ins = [shape[0] for name, shape in case.shapes.items() if len(shape) == 2]
    roundings = 16 + 2 * n_samples + 4 * sum(fan_ins)
    numbers = [abs(v) for v in _finite(values)]
    numbers += [abs(v) for v in _finite([case.params, case.x, case.y])]
    fits = all(v == 0 or 2.0**-100 < v < 2.0**100 for v in numbers)
    reason = (
        "|value − expected| ≤ tolerance · (1 + condition) · |expected|; where expected is 0, "
        "tolerance · condition, or tolerance² · condition for what is a square or a ratio of "
        f"squares. The tolerance is {roundings} roundings, 16 + 2 n_samples + 4 Σ "
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
