"""What each layer and each loss computes, in words. Imports nothing of ``gsnr_ref``."""

from typing import Any

FORMULAS: dict[str, Any] = {
    "affine": "outputs[i, c] = Σ_s inputs[i, s] · {name}.weight[s, c]{bias}",
    "activation": {
        "tanh": "outputs = tanh(inputs)",
        "relu": "outputs = max(inputs, 0), with derivative 0 at 0",
        "sigmoid": "outputs = 1/(1 + exp(−inputs))",
        "softplus": "outputs = log(1 + exp(inputs))",
        "identity": "outputs = inputs",
        "silu": "outputs = inputs/(1 + exp(−inputs))",
        "gelu": "outputs = inputs · Φ(inputs), with Φ(z) = (1 + erf(z/√2))/2: exact, not by tanh",
        "leaky_relu": "outputs = inputs where inputs > 0, elsewhere inputs/100, with derivative "
        "1/100 at 0",
    },
    "convolution": "outputs[i, r, q, c] = Σ_u Σ_v Σ_k inputs[i, r + u, q + v, k] · "
    "{name}.weight[(u·kernel + v)·n_in + k, c]{bias}: a cross-correlation, stride 1, no padding",
    "layer_norm": "at each of the n_positions positions p: m and s² are the mean and the variance "
    "(divided by n_features) of inputs[i, p, c] over c; outputs[i, p, c] = {name}.scale[c] · "
    "(inputs[i, p, c] − m)/√(s² + eps) + {name}.shift[c]",
    "rms_norm": "at each of the n_positions positions p: outputs[i, p, c] = {name}.scale[c] · "
    "inputs[i, p, c]/√(mean over c of inputs[i, p, c]² + eps)",
    "group_norm": "the n_channels channels are n_groups groups of neighbours; m and s² are the "
    "mean and the variance (divided by their number) of inputs[i, p, c] over all positions p "
    "(pixels, row by row) and the channels c of a group; outputs[i, p, c] = {name}.scale[c] · "
    "(inputs[i, p, c] − m)/√(s² + eps) + {name}.shift[c]",
    "batch_norm": {
        "evaluation": "outputs[i, p, c] = {name}.scale[c] · (inputs[i, p, c] − mean[c])/"
        "√(variance[c] + eps) + {name}.shift[c], at each position p: mean and variance are stated, "
        "and no sample sees another",
        "training": "m and s² are the mean and the variance (divided by their number) of "
        "inputs[i, p, c] over all samples i of the batch and positions p; outputs[i, p, c] = "
        "{name}.scale[c] · (inputs[i, p, c] − m)/√(s² + eps) + {name}.shift[c]",
    },
    "max_pool": "outputs[i, r, q, k] = max of inputs[i, 2r + u, 2q + v, k] over u, v in (0, 1); "
    "of equal pixels the first, in the order (u, v), has the derivative. Before an affine layer "
    "the pixels are flattened: row by row, column by column, channel by channel",
    "elman": "h_0 = 0; h_t[i, c] = tanh(Σ_s [inputs[i, t], h_(t−1)[i]][s] · {name}.weight[s, c]"
    "{bias}), the first n_features rows of the weight for the input, the others for h; "
    "outputs = h after the last time step",
    "residual": "outputs = inputs + the outputs of its layers, applied to inputs one after the "
    "other",
}
#: Of a convolution that says padding, stride and groups.
CONVOLUTION = (
    "outputs[i, r, q, c] = Σ_u Σ_v Σ_k inputs[i, stride·r + u − padding, stride·q + v − padding, "
    "first + k] · {name}.weight[(u·kernel + v)·n_k + k, c]{bias}, with 0 for pixels outside the "
    "image, n_k = n_in/groups, k from 0 to n_k − 1, and first = n_k · floor(c/(n_out/groups)): a "
    "cross-correlation, of height floor((height + 2·padding − kernel)/stride) + 1 and likewise "
    "width. Before an affine layer the pixels are flattened: row by row, column by column, channel "
    "by channel"
)
#: Of an affine layer that says n_positions or transposed.
POSITIONS = (
    "outputs[i, p, c] = Σ_s inputs[i, p, s] · {name}.weight[{entry}]{bias}, at each of the "
    "n_positions positions p of a sample (1 where none are stated) with the same weight"
)
LOSSES = {
    "squared_error": "loss[i] = scale · ½ Σ_c (outputs[i, c] − y[i, c])²: with the ½, summed over "
    "outputs",
    "cross_entropy": "loss[i] = −scale · log(exp(outputs[i, y[i]]) / Σ_c exp(outputs[i, c])): "
    "natural logarithm",
}
LOSS_OPTIONS = {
    "class_weights": "times class_weights[y[i]], never divided by a sum of weights",
    "ignore_index": "0 where y[i] is ignore_index; such a sample counts as one all the same, in "
    "every mean, variance and n",
    "label_smoothing": "with targets (1 − label_smoothing) at y[i] plus label_smoothing / (number "
    "of classes) at every class, y[i] too: Σ_c target[c] · −log softmax(outputs[i])[c]",
}


def with_formula(layer: dict[str, Any]) -> dict[str, Any]:
    """The layer as it is written: with its formula, and those of the layers within it."""
    if layer["type"] == "residual":
        layer = layer | {"layers": [with_formula(inner) for inner in layer["layers"]]}
    return layer | {"formula": _formula(layer)}


def _formula(layer: dict[str, Any]) -> str:
    formula = FORMULAS[layer["type"]]
    if isinstance(formula, dict):
        formula = formula[layer.get("function") or layer["mode"]]
    if layer["type"] == "convolution" and "stride" in layer:
        formula = CONVOLUTION
    if layer["type"] == "affine" and not {"n_positions", "transposed"}.isdisjoint(layer):
        formula = POSITIONS
    bias = f" + {layer['name']}.bias[c]" if layer.get("bias") else ""
    entry = "c, s" if layer.get("transposed") else "s, c"
    return str(formula.format(name=layer.get("name"), bias=bias, entry=entry))


def formula_of_loss(loss: str, options: dict[str, Any]) -> str:
    """The formula of a loss, and what its options add to it."""
    return "; ".join([LOSSES[loss], *(LOSS_OPTIONS[key] for key in options)])
