"""GSNR with BackPACK, read rightly: what it gives is that of the loss you call backward() on.

With a mean loss, grad_batch is gᵢ/B, and `variance` is that of gᵢ/B: the variance of a sample is
B² times as much. With a summed loss nothing has to be scaled but `grad`, which is then Σ gᵢ.
"""

from backpack import backpack, extend
from backpack.extensions import BatchGrad, Variance
from torch_moments import Moments


def gradient_moments(model, loss, loader):
    """Moments over a DataLoader. ``loss(outputs, y)`` is the SUM over the samples of a batch."""
    extend(model)
    moments = Moments()
    for x, y in loader:
        model.zero_grad()
        with backpack(BatchGrad()):
            loss(model(x), y).backward()
        trained = {k: p for k, p in model.named_parameters() if p.requires_grad}
        moments.add({k: p.grad_batch.detach() for k, p in trained.items()})
    return moments


def gsnr_by_variance(model, mean_loss, x, y):
    """From BackPACK's own Variance, one batch with the usual mean loss: (grad/B)² over variance.

    Less memory, but E g² − (E g)² cancels where GSNR is large: 0, or below, where samples agree.
    """
    extend(model)
    model.zero_grad()
    with backpack(Variance()):
        mean_loss(model(x), y).backward()
    trained = {k: p for k, p in model.named_parameters() if p.requires_grad}
    return {k: (p.grad / len(x)) ** 2 / p.variance for k, p in trained.items()}
