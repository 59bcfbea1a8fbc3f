"""Contenders in PyTorch, BackPACK and Opacus. The parameters are those of the toy models."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from tests.benchmarks.work import N_STEPS, Work, batches, data

Tensor = torch.Tensor


class Last(nn.Module):
    """PyTorch's own recurrent layer, and a dense layer on its last output."""

    def __init__(self, cell: str, n_in: int, n_hidden: int, n_out: int) -> None:
        super().__init__()
        self.cell = {"Elman": nn.RNN, "LSTM": nn.LSTM}[cell](n_in, n_hidden, batch_first=True)
        self.output = nn.Linear(n_hidden, n_out)
        nn.init.zeros_(self.cell.bias_hh_l0).requires_grad_(False)  # its twin acts alike

    def forward(self, x: Tensor) -> Tensor:
        hidden, _ = self.cell(x)
        return self.output(hidden[:, -1])


class ByHand(nn.Module):
    """The same step by step: vmap cannot go through PyTorch's own."""

    def __init__(self, last: Last, cell: str) -> None:
        super().__init__()
        self.last, self.kind = last, cell

    def forward(self, x: Tensor) -> Tensor:
        cell = self.last.cell
        hidden = state = x.new_zeros(len(x), cell.hidden_size)
        for t in range(N_STEPS):
            z = F.linear(x[:, t], cell.weight_ih_l0, cell.bias_ih_l0)
            z = z + F.linear(hidden, cell.weight_hh_l0)
            if self.kind == "Elman":
                hidden = torch.tanh(z)
            else:
                i, f, g, o = z.chunk(4, dim=1)
                state = torch.sigmoid(f) * state + torch.sigmoid(i) * torch.tanh(g)
                hidden = torch.sigmoid(o) * torch.tanh(state)
        return self.last.output(hidden)


def ready(work: Work) -> tuple[nn.Module, Any, Any]:
    """The model with the toy model's parameters, the data, and whether the loss is squared."""
    model, params, x, y = data(work)
    weights = {k: torch.tensor(np.ascontiguousarray(v.T)) for k, v in params.items()}
    if work.kind in ("Elman", "LSTM"):
        theirs: nn.Module = Last(work.kind, *work.sizes).to(weights["output.bias"].dtype)
        split = work.sizes[0]
        values = [weights["cell.weight"][:, :split], weights["cell.weight"][:, split:]]
        values += [weights["cell.bias"], weights["output.weight"], weights["output.bias"]]
    else:
        theirs, values = _stack(work, model, weights)
    trained = [p for p in theirs.parameters() if p.requires_grad]
    with torch.no_grad():
        for parameter, value in zip(trained, values, strict=True):
            parameter.copy_(value)
    if work.kind == "ConvNet":
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    target = torch.tensor(y[:, None] if work.kind == "linear" else y)
    return theirs, torch.tensor(x), target


def _stack(work: Work, model: Any, weights: dict[str, Tensor]) -> tuple[nn.Module, list[Tensor]]:
    """Dense and convolutional layers in their order, and the values of their parameters."""
    if work.kind == "ConvNet":
        layers: list[nn.Module] = []
        names = list(model.layers)
        for i, name in enumerate(names):
            n_in, n_out = model.layers[name]
            if name.startswith("conv"):
                k = model.kernel
                layers += [nn.Conv2d(n_in // k**2, n_out, k, padding=model.padding), nn.ReLU()]
                if (i + 1) % model.convolutions == 0:
                    layers.append(nn.MaxPool2d(2))
                kernels = weights[f"{name}.weight"].reshape(n_out, k, k, -1)
                weights[f"{name}.weight"] = kernels.permute(0, 3, 1, 2)
                last = n_out
            else:
                if names[i - 1].startswith("conv"):
                    layers.append(nn.Flatten())  # channels first here, last in the toy model
                    flat = weights[f"{name}.weight"]
                    side = int((n_in // last) ** 0.5)
                    flat = flat.reshape(n_out, side, side, last).permute(0, 3, 1, 2)
                    weights[f"{name}.weight"] = flat.reshape(n_out, n_in)
                else:
                    layers.append(nn.ReLU())
                layers.append(nn.Linear(n_in, n_out))
    else:
        pairs = list(model.layers.values())
        layers = [nn.Linear(*pairs[0])]
        for pair in pairs[1:]:
            layers += [nn.Tanh(), nn.Linear(*pair)]
    dtype = next(iter(weights.values())).dtype
    order = [f"{name}.{kind}" for name in model.layers for kind in ("weight", "bias")]
    return nn.Sequential(*layers).to(dtype), [weights[name] for name in order]


def loss_of(work: Work, reduction: str = "mean") -> Any:
    """The loss of a batch. A squared error has a factor ½ in this package: see `_halved`."""
    return nn.MSELoss(reduction=reduction) if work.kind == "linear" else nn.CrossEntropyLoss(
        reduction=reduction
    )  # fmt: skip


def _halved(work: Work, mean: Any, variance: Any = None) -> Any:
    """Without the factor 2 that a squared error without its ½ brings."""
    factor = 0.5 if work.kind == "linear" else 1.0
    means = [factor * m for m in mean]
    return means, variance and [factor**2 * v for v in variance]


def mean_gradient(work: Work) -> Any:
    """The gradient of the mean loss."""
    model, x, y = ready(work)
    loss, trained = loss_of(work), [p for p in model.parameters() if p.requires_grad]

    def call() -> Any:
        return _halved(work, torch.autograd.grad(loss(model(x), y), trained))

    return call, call


def squares_by_hand(work: Work) -> Any:
    """What an expert writes for dense layers: squared inputs times squared deltas."""
    model, x, y = ready(work)
    loss = loss_of(work, "sum")

    def call() -> Any:
        inputs, outputs, at = [], [], x
        for layer in model.children():
            if isinstance(layer, nn.Linear):
                inputs.append(at.detach())
                at = layer(at)
                outputs.append(at)
            else:
                at = layer(at)
        deltas = torch.autograd.grad(loss(at, y), outputs)
        means, variances = [], []
        for a, d in zip(inputs, deltas, strict=True):
            for first, second in ((d.T @ a, (d * d).T @ (a * a)), (d.sum(0), (d * d).sum(0))):
                mean = first / len(x)
                means.append(mean)
                variances.append(second / len(x) - mean * mean)
        return _halved(work, means, variances)

    return call, call


def backpack_variance(work: Work) -> Any:
    """BackPACK's own Variance, of the summed loss."""
    from backpack import backpack, extend
    from backpack.extensions import Variance

    model, x, y = ready(work)
    model, loss = extend(model), extend(loss_of(work, "sum"))
    trained = list(model.parameters())

    def call() -> Any:
        model.zero_grad()
        with backpack(Variance()):
            loss(model(x), y).backward()
        # of a summed loss `variance` is that of a sample, and `grad` the sum
        means = [p.grad / len(x) for p in trained]
        return _halved(work, means, [p.variance for p in trained])

    return call, call


class Added:
    """Σg and Σ(g − g₀)-like sums over batches: the fastest way that is not careless."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, None, None

    def add(self, gradients: list[Tensor]) -> None:
        n = len(gradients[0])
        var_mean = [torch.var_mean(g, dim=0, correction=0) for g in gradients]
        squares, mean = [v * n for v, _ in var_mean], [m for _, m in var_mean]
        if self.count:
            total = self.count + n
            gaps = [m - old for m, old in zip(mean, self.mean, strict=True)]
            factor = self.count * n / total
            squares = [
                s + t + d * d * factor for s, t, d in zip(self.squares, squares, gaps, strict=True)
            ]
            mean = [old + d * (n / total) for old, d in zip(self.mean, gaps, strict=True)]
        self.count, self.mean, self.squares = self.count + n, mean, squares

    def moments(self) -> Any:
        return self.mean, [s / self.count for s in self.squares]


def _in_batches(work: Work, gradients: Any, x: Tensor, y: Tensor) -> Any:
    pieces = batches(work, x, y)

    def call(some: Any = pieces) -> Any:
        added = Added()
        for piece in some:
            added.add(gradients(*piece))
        return added.moments()

    return lambda: call(pieces[:1]), call


def vmap_grad(work: Work) -> Any:
    """torch.func's vmap(grad) on batches of 1,000, and their mean and variance."""
    model, x, y = ready(work)
    if work.kind in ("Elman", "LSTM"):
        model = ByHand(model, work.kind)
    loss = loss_of(work)
    params = {k: p.detach() for k, p in model.named_parameters() if p.requires_grad}

    def loss_of_one(params: Any, x_i: Tensor, y_i: Tensor) -> Tensor:
        return loss(functional_call(model, params, (x_i[None],)), y_i[None])

    per_sample = vmap(grad(loss_of_one), (None, 0, 0))
    return _in_batches(work, lambda a, b: list(per_sample(params, a, b).values()), x, y)


def opacus(work: Work) -> Any:
    """Opacus's grad_sample on batches of 1,000, and their mean and variance."""
    from opacus import GradSampleModule

    model, x, y = ready(work)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):  # of what is not contiguous Opacus takes wrong pixels
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    wrapped = GradSampleModule(copy.deepcopy(model).train(), loss_reduction="sum")
    loss = loss_of(work, "sum")

    def gradients(a: Tensor, b: Tensor) -> list[Tensor]:
        wrapped.zero_grad()
        loss(wrapped(a), b).backward()
        return [p.grad_sample.detach() for p in wrapped.parameters()]

    return _in_batches(work, gradients, x, y)
