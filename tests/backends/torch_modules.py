"""The models of the golden cases as torch.nn modules, and what all torch backends share."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from tests.backends.common import BASIC_ACTIVATIONS, batches_of, from_moments, shares_of

torch.set_num_threads(1)  # the arrays are small, and tests share the cores

LAYOUT = "torch"
DEVICE = "cpu"  # of the recipes that take one; the command's --device sets it
LOSSES = {"class_weights", "label_smoothing", "ignore_index"}
DENSE = {"affine", *BASIC_ACTIVATIONS, *LOSSES}
CONVOLUTIONAL = DENSE | {"convolution", "max_pool", "padding", "stride"}
NORMS = {"layer_norm", "group_norm", "rms_norm", "batch_norm"}
RECURRENT = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
TOKENS = {"embedding", "position_embedding", "transposed", "attention", "tokens"}
EVERYTHING = {
    *CONVOLUTIONAL, *NORMS, *RECURRENT, *TOKENS, "groups", "residual", "gelu", "silu", "leaky_relu",
}  # fmt: skip
ACTIVATIONS = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
    "softplus": lambda: nn.Softplus(threshold=40),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
}
#: The cases' names of what torch names otherwise. Two of one name are one parameter of the case,
#: joined along the inputs.
OF_NORM = {"weight": "scale", "bias": "shift"}
OF_CELL = {"weight_ih_l0": "weight", "weight_hh_l0": "weight", "bias_ih_l0": "bias"}
OF_GRU = {
    "weight_ih_l0": "input.weight", "weight_hh_l0": "hidden.weight",
    "bias_ih_l0": "input.bias", "bias_hh_l0": "hidden.bias",
}  # fmt: skip
PARTS = dict.fromkeys(NORMS, OF_NORM) | {"elman": OF_CELL, "lstm": OF_CELL, "gru": OF_GRU}


class Recurrence(nn.Module):
    """torch's own RNN, LSTM or GRU. Where the case has one bias, the second is 0 and frozen."""

    def __init__(self, layer):
        super().__init__()
        n_features, n_hidden = layer["n_features"], layer["n_hidden"]
        self.cell = RECURRENT[layer["type"]](
            n_features, n_hidden, bias=layer["bias"], batch_first=True
        )
        self.cell.golden = layer
        self.last = layer.get("returns", "last") == "last"

    def forward(self, x):
        # In vmap torch's own zeros are those of one sample, and fail; x.new_zeros has them all.
        start = x.new_zeros(1, len(x), self.cell.hidden_size)
        states, _ = self.cell(x, (start, start) if isinstance(self.cell, nn.LSTM) else start)
        return states[:, -1] if self.last else states


class PositionEmbedding(nn.Module):
    """A row of its own added at each time step."""

    def __init__(self, layer):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layer["n_steps"], layer["n_out"]))

    def forward(self, x):
        return x + self.weight


class Attention(nn.Module):
    """Attention of one or more heads; queries, keys and values come side by side."""

    def __init__(self, layer):
        super().__init__()
        self.n_heads, self.causal = layer["n_heads"], layer["causal"]

    def forward(self, x):
        parts = (t.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for t in x.chunk(3, -1))
        heads = F.scaled_dot_product_attention(*parts, is_causal=self.causal)
        return heads.transpose(1, 2).flatten(2)


class Residual(nn.Module):
    """The input and what layers make of it."""

    def __init__(self, layers):
        super().__init__()
        self.inner = layers

    def forward(self, x):
        return x + self.inner(x)


def convolution(layer):
    options = {
        k: layer.get(k, default) for k, default in (("padding", 0), ("stride", 1), ("groups", 1))
    }
    return nn.Conv2d(layer["n_in"], layer["n_out"], layer["kernel"], bias=layer["bias"], **options)


def batch_norm(layer):
    of_image = nn.BatchNorm2d if layer["n_positions"] > 1 else nn.BatchNorm1d
    norm = of_image(layer["n_channels"], layer["eps"])
    stated = (torch.tensor(layer[k], dtype=torch.float64) for k in ("mean", "variance"))
    norm.running_mean, norm.running_var = stated
    return norm


MODULES = {
    "affine": lambda layer: nn.Linear(layer["n_in"], layer["n_out"], layer["bias"]),
    "activation": lambda layer: ACTIVATIONS[layer["function"]](),
    "convolution": convolution,
    "max_pool": lambda layer: nn.MaxPool2d(2),
    **dict.fromkeys(RECURRENT, Recurrence),
    "embedding": lambda layer: nn.Embedding(layer["n_tokens"], layer["n_out"]),
    "position_embedding": PositionEmbedding,
    "attention": Attention,
    "layer_norm": lambda layer: nn.LayerNorm(layer["n_features"], layer["eps"]),
    "rms_norm": lambda layer: nn.RMSNorm(layer["n_features"], layer["eps"]),
    "group_norm": lambda layer: nn.GroupNorm(layer["n_groups"], layer["n_channels"], layer["eps"]),
    "batch_norm": batch_norm,
    "residual": lambda layer: Residual(sequence(layer["layers"])),
}


def sequence(layers):
    """The layers one after the other; whatever has positions is flattened before a dense one."""
    modules = OrderedDict()
    for i, layer in enumerate(layers):
        if layer["type"] == "affine" and layer.get("n_positions", 1) == 1 and i > 0:
            modules[f"flatten{i}"] = nn.Flatten()
        module = MODULES[layer["type"]](layer)
        if layer.get("transposed"):
            module.weight = modules[layer["name"]].weight
            modules[f"tied{i}"] = module
        else:
            modules[layer.get("name", str(i))] = module
        module.golden = layer
    return nn.Sequential(modules)


def parts_of(model):
    """By the case's name of a parameter: torch's names of its parts."""
    parts = {}
    for name, _ in model.named_parameters():
        prefix, _, part = name.rpartition(".")
        layer = model.get_submodule(prefix).golden
        ours = PARTS.get(layer["type"], {part: part}).get(part)
        if ours is not None:
            parts.setdefault(f"{layer['name']}.{ours}", []).append(name)
    return parts


def in_our_names(model, params):
    """Parameters, or what has their shape, by the case's names."""
    parts = parts_of(model).items()
    return {k: torch.cat([params[p] for p in of_k], -1) for k, of_k in parts if of_k[0] in params}


def in_their_names(model, params):
    """The reverse."""
    found, sizes = {}, {name: p.shape[-1] for name, p in model.named_parameters()}
    for name, parts in parts_of(model).items():
        if name in params:
            whole = torch.as_tensor(params[name])
            found |= zip(parts, whole.split([sizes[p] for p in parts], -1), strict=True)
    return found


def build(case, dtype):
    """Return the model in evaluation mode; x; y; weights."""
    dtype = getattr(torch, dtype)
    model = sequence(case.model["layers"]).to(dtype).eval()
    values = in_their_names(model, case.params_in("torch"))
    trained = {k for name in case.model["trainable"] for k in parts_of(model)[name]}
    for name, p in model.named_parameters():
        p.data = values.get(name, torch.zeros_like(p)).to(dtype, copy=True)
        p.requires_grad = name in trained
    y = torch.tensor(case.y)
    y = y if y.dtype == torch.int64 else y.to(dtype)
    weights = torch.tensor(shares_of(case, "float64"), dtype=dtype)
    x = torch.tensor(case.x_in("torch"))
    return model, x if x.dtype == torch.int64 else x.to(dtype), y, weights


def summed_loss(case):
    """The loss of a batch, summed over its samples, by torch's own loss modules."""
    loss = case.model["loss"]
    if loss["type"] == "squared_error":
        half = loss["scale"] / 2
        return lambda outputs, y: nn.MSELoss(reduction="sum")(outputs.flatten(1), y) * half
    if loss["type"] == "token_cross_entropy":
        return lambda outputs, y: token_entropy(outputs, y, loss["tokens"]).sum() * loss["scale"]

    def entropy(outputs, y):
        weight = loss.get("class_weights")
        module = nn.CrossEntropyLoss(
            weight=None if weight is None else outputs.new_tensor(weight),
            ignore_index=loss.get("ignore_index", -100),
            label_smoothing=loss.get("label_smoothing", 0.0),
            reduction="sum",
        )
        return module(outputs, y) * loss["scale"]

    return entropy


def token_entropy(outputs, y, tokens):
    """Each sample's cross-entropy: the sum, or the mean, over its tokens that are not masked."""
    sums = F.cross_entropy(outputs.transpose(1, 2), y, ignore_index=-1, reduction="none").sum(1)
    return sums if tokens == "sum" else sums / (y >= 0).sum(1)


def loader(case, *tensors):
    """A DataLoader of the case's batches."""
    batches = [list(range(*s.indices(len(case.x)))) for s in batches_of(case)]
    return DataLoader(TensorDataset(*tensors), batch_sampler=batches)


def losses_of(case, model, x, y):
    """Loss of each sample."""
    loss, outputs = summed_loss(case), model(x)
    pairs = zip(outputs.detach().split(1), y.split(1), strict=True)
    return np.asarray(torch.stack([loss(o, y_i) for o, y_i in pairs]))


def results(case, dtype, gradient_moments, per_sample_gradients=None):
    """Every quantity but the enumerated OSGR, from a recipe's functions."""
    model, x, y, weights = build(case, dtype)
    loss = summed_loss(case)
    losses = losses_of(case, model, x, y)
    values = {}
    if per_sample_gradients is not None:
        gradients = per_sample_gradients(model, loss, x, y)
        gradients = in_our_names(model, {k: g.detach() for k, g in gradients.items()})
        values = {"per_sample_gradients": gradients}
    batch = (x, y) if case.probabilities is None else (x, y, weights)
    on_device = {} if DEVICE == "cpu" else {"device": DEVICE}
    moments = gradient_moments(model.to(DEVICE), loss, loader(case, *batch), **on_device)

    def by_ddof(ddof):
        found = moments.mean, moments.variance(ddof), moments.gsnr(ddof)
        return [{k: v.cpu() for k, v in in_our_names(model, p).items()} for p in found]

    return values | from_moments(case, losses, by_ddof)
