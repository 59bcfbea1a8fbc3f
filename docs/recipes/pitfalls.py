"""What goes wrong with GSNR, each in a few lines; run it, and it prints right and wrong."""

import torch
from torch import nn
from torch.nn import functional as F
from torch_func import gradient_moments, per_sample_gradients
from torch_moments import Moments


def data(n=200):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 6, generator=generator)
    return x, x.sum(1).gt(0).long()


def network(*middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), *middle, nn.Tanh(), nn.Linear(8, 2))


def median_gsnr(model, loss=F.cross_entropy):
    moments = gradient_moments(model, loss, [data()])
    return torch.cat([r.ravel() for r in moments.gsnr(1).values()]).median().item()


def batch_norm():
    """In training mode a sample's loss depends on the whole batch: torch.func refuses."""
    model = network(nn.BatchNorm1d(8))
    try:
        median_gsnr(model.train())
        return "no error"
    except (RuntimeError, ValueError) as error:
        return str(error)[:75] + "..."


def batch_norm_by_hooks():
    """Hooks do not notice: how far the "gradient of sample 0" moves when only sample 1 changes."""
    model, (x, y) = network(nn.BatchNorm1d(8)).train(), data()
    first = []
    for other in (x[1], 5 * x[1]):
        outputs = model(torch.cat((x[:1], other[None], x[2:])))
        loss = F.cross_entropy(outputs, y, reduction="none")[0]
        first.append(torch.autograd.grad(loss, model[0].weight)[0])
    return ((first[0] - first[1]).norm() / first[0].norm()).item()


def dropout():
    """In evaluation mode, and with a mask of its own for each sample."""
    model, (x, y) = network(nn.Dropout(0.5)), data()
    right = median_gsnr(model.eval())
    params, moments = dict(model.train().named_parameters()), Moments()

    def loss_of_one(params, x_i, y_i):
        return F.cross_entropy(torch.func.functional_call(model, params, (x_i[None],)), y_i[None])

    rows = torch.func.vmap(torch.func.grad(loss_of_one), (None, 0, 0), randomness="different")
    moments.add({k: g.detach() for k, g in rows(params, x, y).items()})
    return right, torch.cat([r.ravel() for r in moments.gsnr(1).values()]).median().item()


def mixed_precision():
    """Shares of squares and of variances that are 0 where gradients of 1e-5 are kept in float16."""
    g = 1e-5 * torch.randn(1000, 50, generator=torch.Generator().manual_seed(0))
    return (g.half() ** 2 == 0).float().mean().item(), (g**2 == 0).float().mean().item()


def mean_loss():
    """Rows of a mean loss are gᵢ/B: a variance of them, under the true mean, is B² too small."""
    model, (x, y) = network().eval(), data()
    rows = per_sample_gradients(model, F.cross_entropy, x, y)["0.weight"]
    right = rows.mean(0) ** 2 / rows.var(0)
    wrong = rows.mean(0) ** 2 / (rows / len(x)).var(0)
    return (wrong / right).median().item()


def weight_decay(decay=0.1):
    """λθ moves the mean of every sample's gradient alike, so GSNR seems larger than it is."""
    model, (x, y) = network().eval(), data()
    rows = per_sample_gradients(model, F.cross_entropy, x, y)["0.weight"]
    decayed = rows + decay * model[0].weight.detach()
    right, wrong = (g.mean(0) ** 2 / g.var(0) for g in (rows, decayed))
    return right.median().item(), wrong.median().item()


if __name__ == "__main__":
    print("batch norm, training mode, torch.func:", batch_norm())
    moved = batch_norm_by_hooks()
    print(f"batch norm, hooks: sample 1 moves the gradient of sample 0 by {moved:.0%}")
    print("dropout: median GSNR {:.2g} in evaluation mode, {:.2g} with masks".format(*dropout()))
    print("float16: {:.0%} of the squares are 0; float32: {:.0%}".format(*mixed_precision()))
    print(f"mean loss: GSNR too large by a factor of {mean_loss():.0f}, B² of B = 200")
    print("weight decay: median GSNR {:.2g} without, {:.2g} with it".format(*weight_decay()))
