"""What each layer and each loss computes, in words. Imports nothing of ``gsnr_ref``."""

from typing import Any

FLATTENED = (
    "A layer that takes a sample as one row of numbers gets it flattened, time step by time step."
)
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
    "embedding": "outputs[i, t, c] = {name}.weight[inputs[i, t], c], inputs being whole numbers "
    f"from 0 to n_tokens − 1. {FLATTENED}",
    "position_embedding": "outputs[i, t, c] = inputs[i, t, c] + {name}.weight[t, c], t from 0. "
    f"{FLATTENED}",
    "attention": "inputs[i, t] = [q, k, v], three blocks of n_out columns; head m has the columns "
    "m·w to m·w + w − 1 of each block, m from 0, w = n_out/n_heads; score[t, u] = Σ_c q[i, t, c] · "
    "k[i, u, c]/√w; share[t, u] = exp(score[t, u])/Σ_u′ exp(score[t, u′]), over {seen}; of each "
    "head outputs[i, t, c] = Σ_u share[t, u] · v[i, u, c], in its own columns. (In PyTorch's "
    "MultiheadAttention, in_proj_weight is the transpose of the weight of the affine layer before, "
    f"out_proj.weight of that after.) {FLATTENED}",
    "lstm": "h_0 = c_0 = 0; for t from 1 to n_steps, with inputs[i, t] the t-th time step: "
    "z_t[i, c] = Σ_s [inputs[i, t], h_(t−1)[i]][s] · {name}.weight[s, c]{bias}, the first "
    "n_features rows of the weight for the input, the others for h; the columns of z are four "
    "blocks of n_hidden: i, f, g, o; c_t = σ(f)·c_(t−1) + σ(i)·tanh(g); h_t = σ(o)·tanh(c_t); "
    "σ(z) = 1/(1 + exp(−z)); {returned}. (PyTorch's order of gates. Its "
    "weight_ih_l0 and weight_hh_l0 are the transposes of the two parts of the weight.{one_bias}) "
    f"{FLATTENED}",
    "gru": "h_0 = 0; for t from 1 to n_steps, with inputs[i, t] the t-th time step: "
    "a_t[i, c] = Σ_s inputs[i, t, s] · {name}.input.weight[s, c]{input_bias}; "
    "b_t[i, c] = Σ_s h_(t−1)[i, s] · {name}.hidden.weight[s, c]{hidden_bias}; the columns of a and "
    "of b are three blocks of n_hidden: r, z, n; r = σ(a_r + b_r); z = σ(a_z + b_z); h_t = "
    "(1 − z)·tanh(a_n + r·b_n) + z·h_(t−1); σ(z) = 1/(1 + exp(−z)); {returned}. (PyTorch's order "
    "of gates, and its two weights, transposed: weight_ih_l0 is input.weight, weight_hh_l0 is "
    "hidden.weight.{two_biases}) "
    f"{FLATTENED}",
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
#: How the two biases of PyTorch's LSTM and GRU relate to those of a layer that has them.
ONE_BIAS = (
    " Its biases bias_ih_l0 and bias_hh_l0 add up to the one bias here; the gradient by either of "
    "them is the gradient by this one, which is stated, and counted in sums over parameters, once."
)
TWO_BIASES = (
    " Its bias_ih_l0 is input.bias and its bias_hh_l0 hidden.bias: both are parameters here too, "
    "since r multiplies the third block of one only; in the blocks r and z their gradients are "
    "equal, and each counts."
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
    "token_cross_entropy": "loss[i] = scale · the sum or the mean, over the time steps t of sample "
    "i with y[i, t] ≥ 0, of −log(exp(outputs[i, t, y[i, t]]) / Σ_c exp(outputs[i, t, c])): natural "
    "logarithm; a time step with y[i, t] = −1 is masked, and a sum over none is 0",
}
LOSS_OPTIONS = {
    "tokens": "tokens says which, and a mean is the sum divided by how many time steps of this "
    "sample are not masked",
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
    name = layer.get("name")
    biases = {"one_bias": "", "two_biases": ""} | {
        f"{part}_bias": f" + {name}.{part}.bias[c]" if layer.get("bias") else ""
        for part in ("input", "hidden")
    }
    seen = "u from 0 to t" if layer.get("causal") else "all time steps u"
    returned = "outputs = h after the last time step"
    if layer.get("returns") == "all":
        returned = "outputs[i, t] = h_t[i], of every time step"
    entry = "c, s" if layer.get("transposed") else "s, c"
    if layer.get("bias"):
        biases |= {"one_bias": ONE_BIAS, "two_biases": TWO_BIASES}
    words = {"name": name, "bias": bias, "entry": entry, "seen": seen, "returned": returned}
    return str(formula.format(**words, **biases))


def formula_of_loss(loss: str, options: dict[str, Any]) -> str:
    """The formula of a loss, and what its options add to it."""
    return "; ".join([LOSSES[loss], *(LOSS_OPTIONS[key] for key in options)])
