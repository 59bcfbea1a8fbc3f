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
EVERYTHING = CONVOLUTIONAL | NORMS | {"groups", "residual", "elman", "gelu", "silu", "leaky_relu"}
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
#: torch's names of the parameters of a norm.
PARTS = {"weight": "scale", "bias": "shift"}


class Elman(nn.Module):
    """The last hidden state of a recurrent cell whose weight is that of (input, hidden state)."""

    def __init__(self, layer):
        super().__init__()
        n_inputs = layer["n_features"] + layer["n_hidden"]
        self.weight = nn.Parameter(torch.empty(layer["n_hidden"], n_inputs))
        self.bias = nn.Parameter(torch.empty(layer["n_hidden"]))

    def forward(self, x):
        hidden = x.new_zeros(len(x), len(self.bias))
        for x_t in x.unbind(1):
            hidden = torch.tanh(F.linear(torch.cat((x_t, hidden), 1), self.weight, self.bias))
        return hidden


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
    "elman": Elman,
    "layer_norm": lambda layer: nn.LayerNorm(layer["n_features"], layer["eps"]),
    "rms_norm": lambda layer: nn.RMSNorm(layer["n_features"], layer["eps"]),
    "group_norm": lambda layer: nn.GroupNorm(layer["n_groups"], layer["n_channels"], layer["eps"]),
    "batch_norm": batch_norm,
    "residual": lambda layer: Residual(sequence(layer["layers"])),
}


def sequence(layers):
    """The layers one after the other; what has positions is flattened before a plain dense one."""
    modules, spread = OrderedDict(), False
    for i, layer in enumerate(layers):
        if layer["type"] == "affine" and layer.get("n_positions", 1) == 1 and spread:
            modules[f"flatten{i}"], spread = nn.Flatten(), False
        spread |= layer["type"] == "convolution" or layer.get("n_positions", 1) > 1
        modules[layer.get("name", str(i))] = module = MODULES[layer["type"]](layer)
        module.golden = layer
    return nn.Sequential(modules)


def our_names(model):
    """The case's names of the parameters, by torch's."""
    ours = {}
    for prefix, module in model.named_modules():
        for part, _ in module.named_parameters(recurse=False):
            layer = module.golden
            part_of_ours = PARTS[part] if layer["type"] in NORMS else part
            ours[f"{prefix}.{part}"] = f"{layer['name']}.{part_of_ours}"
    return ours


def build(case, dtype):
    """Return the model in evaluation mode; x; y; weights."""
    dtype = getattr(torch, dtype)
    model = sequence(case.model["layers"]).to(dtype).eval()
    values, ours = case.params_in("torch"), our_names(model)
    for name, p in model.named_parameters():
        p.data = torch.tensor(values[ours[name]], dtype=dtype)
        p.requires_grad = ours[name] in case.model["trainable"]
    y = torch.tensor(case.y)
    y = y if y.dtype == torch.int64 else y.to(dtype)
    weights = torch.tensor(shares_of(case, "float64"), dtype=dtype)
    return model, torch.tensor(case.x_in("torch"), dtype=dtype), y, weights


def summed_loss(case):
    """The loss of a batch, summed over its samples, by torch's own loss modules."""
    loss = case.model["loss"]
    if loss["type"] == "squared_error":
        return lambda outputs, y: nn.MSELoss(reduction="sum")(outputs, y) * (loss["scale"] / 2)

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
    loss, ours = summed_loss(case), our_names(model)
    losses = losses_of(case, model, x, y)
    values = {}
    if per_sample_gradients is not None:
        gradients = per_sample_gradients(model, loss, x, y)
        values = {"per_sample_gradients": {ours[k]: g.detach() for k, g in gradients.items()}}
    batch = (x, y) if case.probabilities is None else (x, y, weights)
    on_device = {} if DEVICE == "cpu" else {"device": DEVICE}
    moments = gradient_moments(model.to(DEVICE), loss, loader(case, *batch), **on_device)

    def by_ddof(ddof):
        found = moments.mean, moments.variance(ddof), moments.gsnr(ddof)
        return [{ours[k]: v.cpu() for k, v in params.items()} for params in found]

    return values | from_moments(case, losses, by_ddof)
