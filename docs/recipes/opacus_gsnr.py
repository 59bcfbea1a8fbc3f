"""GSNR with Opacus: its `grad_sample`, of a summed loss."""

from opacus import GradSampleModule
from torch import nn
from torch_moments import Moments


def wrap(model):
    """The model with Opacus's hooks, in training mode, or they see nothing; dropout is off."""
    for module in model.train().modules():
        if isinstance(module, nn.Dropout):
            module.eval()
        if isinstance(module, nn.Conv2d):  # of channels-last images Opacus 1.6.0 takes wrong pixels
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    return GradSampleModule(model, loss_reduction="sum")


def per_sample_gradients(wrapped, loss, x, y):
    """``p.grad_sample`` of each parameter, {name: (batch, *shape)}; ``loss`` is the batch's SUM.

    With ``loss_reduction="mean"`` Opacus multiplies by the batch size, to undo a mean loss: what
    you say has to be what your loss does.
    """
    wrapped.zero_grad()  # also grad_sample: otherwise the next batch is appended to this one
    loss(wrapped(x), y).backward()
    return {
        name: p.grad_sample.detach()
        for name, p in wrapped._module.named_parameters()
        if p.requires_grad
    }


def gradient_moments(model, loss, loader):
    """Moments over a DataLoader of (x, y), or of (x, y, weights).

    Batch norm is refused by Opacus: no sample has a gradient of its own there.
    """
    was_training, wrapped, moments = model.training, wrap(model), Moments()
    try:
        for x, y, *weights in loader:
            moments.add(per_sample_gradients(wrapped, loss, x, y), *weights)
    finally:
        wrapped.to_standard_module()  # takes Opacus's hooks off again
        model.train(was_training)
    return moments
