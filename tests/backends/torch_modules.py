"""The models of the golden cases as torch.nn modules, for the libraries that need them."""

import torch
from torch import nn

from tests.backends.torch_func import inputs

ACTIVATIONS = {
    "tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity,
    "softplus": lambda: nn.Softplus(threshold=40),
}  # fmt: skip


def build(case, dtype):
    """Return an nn.Sequential with the case's parameters, and their names in its order; x; y."""
    params, x, y = inputs(case, dtype)
    modules, named = [], []
    for layer in case.model["layers"]:
        kind = layer["type"]
        if kind == "activation":
            modules.append(ACTIVATIONS[layer["function"]]())
            continue
        if kind == "max_pool":
            modules += [nn.MaxPool2d(2), nn.Flatten()]
            continue
        if kind == "affine":
            module = nn.Linear(layer["n_in"], layer["n_out"], layer["bias"])
        elif kind == "convolution":
            module = nn.Conv2d(layer["n_in"], layer["n_out"], layer["kernel"], bias=layer["bias"])
        else:
            raise ValueError(f"layer is {kind!r}; expected affine or convolution")
        for part, parameter in module.named_parameters():
            name = f"{layer['name']}.{part}"
            parameter.data = params[name].clone()
            parameter.requires_grad = name in case.model["trainable"]
            named.append((name, parameter))
        modules.append(module)
    return nn.Sequential(*modules), dict(named), x, y


def reduced_loss(case, outputs, y, reduction):
    """The loss of a batch: a sum or a mean over samples, by torch's own loss modules."""
    loss = case.model["loss"]
    if loss["type"] == "squared_error":
        value = nn.MSELoss(reduction="sum")(outputs, y) * (loss["scale"] / 2)
        return value / len(y) if reduction == "mean" else value
    return nn.CrossEntropyLoss(reduction=reduction)(outputs, y) * loss["scale"]


def losses_of(case, outputs, y):
    """Loss of each sample."""
    with torch.no_grad():
        return torch.stack(
            [reduced_loss(case, outputs[i : i + 1], y[i : i + 1], "sum") for i in range(len(y))]
        )
