"""GSNR with Opacus: its `grad_sample`, of a summed loss."""

from opacus import GradSampleModule
from torch import nn
from torch_moments import Moments


def per_sample_gradients(wrapped, loss, x, y):
    """``p.grad_sample`` of each parameter, {name: (batch, *shape)}; ``loss`` is the batch's SUM.

    Wrap the model once: ``wrapped = GradSampleModule(model, loss_reduction="sum")``. With "mean",
    Opacus multiplies by the batch size, to undo a mean loss: say what your loss does.
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

    In training mode, or Opacus's hooks see nothing; so dropout is switched off one by one. Batch
    norm is refused by Opacus: no sample has a gradient of its own there.
    """
    was_training, moments = model.training, Moments()
    wrapped = GradSampleModule(model.train(), loss_reduction="sum")
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    try:
        for x, y, *weights in loader:
            moments.add(per_sample_gradients(wrapped, loss, x, y), *weights)
    finally:
        wrapped.to_standard_module()  # takes Opacus's hooks off again
        model.train(was_training)
    return moments
