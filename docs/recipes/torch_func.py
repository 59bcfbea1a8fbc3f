"""GSNR in PyTorch with torch.func: any model that can be called on one sample, no hooks."""

import torch
from torch.func import functional_call, grad, vmap
from torch_moments import Moments


def per_sample_gradients(model, loss, x, y, chunk_size=None):
    """Gradient of each sample's own loss, {name: (batch, *shape)}; frozen parameters have none.

    ``loss(outputs, y)`` sees batches of one sample: mean or sum is the same to it.
    """
    params = {k: p.detach() for k, p in model.named_parameters() if p.requires_grad}

    def loss_of_one(params, x_i, y_i):
        return loss(functional_call(model, params, (x_i[None],)), y_i[None])

    return vmap(grad(loss_of_one), (None, 0, 0), chunk_size=chunk_size)(params, x, y)


def gradient_moments(model, loss, loader, device="cpu"):
    """Moments over a DataLoader of (x, y), or of (x, y, weights)."""
    moments = Moments()
    for x, y, *weights in loader:
        x, y, *weights = (t.to(device, non_blocking=True) for t in (x, y, *weights))
        moments.add(per_sample_gradients(model, loss, x, y), *weights)
    return moments


if __name__ == "__main__":
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = torch.nn.Sequential(torch.nn.Linear(20, 50), torch.nn.Tanh(), torch.nn.Linear(50, 3))
    data = TensorDataset(torch.randn(1000, 20), torch.randint(3, (1000,)))
    loss = torch.nn.functional.cross_entropy
    model = model.to(device).eval()  # no dropout, no batch norm of the batch
    moments = gradient_moments(model, loss, DataLoader(data, batch_size=128), device)
    for name, gsnr in moments.gsnr(ddof=1).items():
        print(f"{name:10} median GSNR {gsnr.median():.2e}")
