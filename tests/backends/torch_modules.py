"""The models of the golden cases as torch.nn modules, and what all torch backends share."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from tests.backends.common import batches_of, from_moments, shares_of

LAYOUT = "torch"
DENSE = {"affine", "activation"}
CONVOLUTIONAL = DENSE | {"convolution", "max_pool"}
ACTIVATIONS = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
    "softplus": lambda: nn.Softplus(threshold=40),
}


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


def affine(layer):
    return nn.Linear(layer["n_in"], layer["n_out"], layer["bias"])


def convolution(layer):
    return nn.Conv2d(layer["n_in"], layer["n_out"], layer["kernel"], bias=layer["bias"])


MODULES = {
    "affine": affine,
    "activation": lambda layer: ACTIVATIONS[layer["function"]](),
    "convolution": convolution,
    "max_pool": lambda layer: nn.Sequential(nn.MaxPool2d(2), nn.Flatten()),
    "elman": Elman,
}


def build(case, dtype):
    """Return the model, its parameters named as the case names them; x; y; weights."""
    layers = OrderedDict(
        (layer.get("name", str(i)), MODULES[layer["type"]](layer))
        for i, layer in enumerate(case.model["layers"])
    )
    model = nn.Sequential(layers).to(getattr(torch, dtype)).eval()
    values = {k: torch.tensor(v) for k, v in case.params_in("torch").items()}
    model.load_state_dict(values)
    for name, p in model.named_parameters():
        p.requires_grad = name in case.model["trainable"]
    y = torch.tensor(case.y)
    y = y if y.dtype == torch.int64 else y.to(getattr(torch, dtype))
    x = torch.tensor(case.x_in("torch"), dtype=getattr(torch, dtype))
    weights = torch.ones(len(x), dtype=x.dtype)
    if case.probabilities is not None:
        weights = torch.tensor(shares_of(case, dtype))
    return model, x, y, weights


def summed_loss(case):
    """The loss of a batch, summed over its samples, by torch's own loss modules."""
    loss = case.model["loss"]
    if loss["type"] == "squared_error":
        return lambda outputs, y: nn.MSELoss(reduction="sum")(outputs, y) * (loss["scale"] / 2)
    return lambda outputs, y: nn.CrossEntropyLoss(reduction="sum")(outputs, y) * loss["scale"]


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
        values = {"per_sample_gradients": {k: g.detach() for k, g in gradients.items()}}
    batch = (x, y) if case.probabilities is None else (x, y, weights)
    moments = gradient_moments(model, loss, loader(case, *batch))
    assert set(moments.mean) == set(case.model["trainable"])
    return values | from_moments(
        case, losses, lambda ddof: (moments.mean, moments.variance(ddof), moments.gsnr(ddof))
    )
