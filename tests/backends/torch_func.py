"""torch.func: vmap over grad of one sample's loss."""

import torch
import torch.nn.functional as F

from tests.backends.common import enumerated, from_gradients

NAME, LAYOUT, DTYPES = "torch.func", "torch", ("float64", "float32")
ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "identity": lambda z: z,
}


def version():
    return torch.__version__


def outputs(model, params, x):
    """Outputs of a batch, layer by layer. Images are channel-first; weights are (n_out, n_in)."""
    for layer in model["layers"]:
        kind = layer["type"]
        if kind == "activation":
            x = ACTIVATIONS[layer["function"]](x)
        elif kind == "max_pool":
            x = F.max_pool2d(x, 2).flatten(1)
        else:
            weight, bias = (params.get(f"{layer['name']}.{part}") for part in ("weight", "bias"))
            if kind == "affine":
                x = F.linear(x, weight, bias)
            elif kind == "convolution":
                x = F.conv2d(x, weight, bias)
            else:
                hidden = x.new_zeros(len(x), layer["n_hidden"])
                for t in range(layer["n_steps"]):
                    hidden = torch.tanh(F.linear(torch.cat((x[:, t], hidden), 1), weight, bias))
                x = hidden
    return x


def losses_of(model, params, x, y):
    """Loss of each sample."""
    loss, z = model["loss"], outputs(model, params, x)
    if loss["type"] == "squared_error":
        return loss["scale"] * ((z - y) ** 2).sum(1) / 2
    return loss["scale"] * F.cross_entropy(z, y, reduction="none")


def inputs(case, dtype):
    """Params, x and y as tensors in torch's layout."""
    dtype = getattr(torch, dtype)
    params = {k: torch.tensor(v, dtype=dtype) for k, v in case.params_in("torch").items()}
    y = torch.tensor(case.y)
    y = y if y.dtype == torch.int64 else y.to(dtype)
    return params, torch.tensor(case.x_in("torch"), dtype=dtype), y


def shares_of(case, dtype):
    """Probabilities of the samples."""
    n = len(case.x)
    dtype = getattr(torch, dtype)
    return torch.full((n,), 1 / n, dtype=dtype) if case.probabilities is None else torch.tensor(
        case.probabilities, dtype=dtype
    )  # fmt: skip


def results(case, dtype):
    """Every quantity of a case."""
    params, x, y = inputs(case, dtype)
    frozen = {k: v for k, v in params.items() if k not in case.model["trainable"]}
    moving = {k: v for k, v in params.items() if k not in frozen}

    def loss_of_one(theta, x_i, y_i):
        return losses_of(case.model, frozen | theta, x_i[None], y_i[None])[0]

    gradients = torch.func.vmap(torch.func.grad(loss_of_one), (None, 0, 0))(moving, x, y)
    losses = losses_of(case.model, params, x, y)

    def losses_at(moves):
        stepped = frozen | {k: moving[k] - moves[k] for k in moving}
        return losses_of(case.model, stepped, x, y)

    values = from_gradients(case, losses, gradients, shares_of(case, dtype))
    return values | enumerated(case, losses, gradients, losses_at)
