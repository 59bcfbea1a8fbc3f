"""GSNR in PyTorch with hooks, the fast way: no per-sample gradient of a dense layer is formed.

A dense layer's gradient on one sample is delta ⊗ input. So the sums over samples are matrix
products, of inputs and deltas and of their squares: one backward pass serves them all.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch_moments import Moments


def centred(t):
    """Mean over samples, and deviations from it: exactly 0 where all samples are equal."""
    mean = t[0] + (t - t[0]).mean(0)
    return mean, t - mean


def product_moments(a, d, worst=0.05):
    """Mean and Σ(g − mean)² of g = d ⊗ a, from a (n, n_in) and d (n, n_out).

    Σg² − n·mean² cancels where GSNR is large. So both factors are centred: with d = d̄ + d' and
    a = ā + a', g is d̄ ā + u, and u = d̄ a' + d' a is small where the samples agree.
    """
    (a_mean, a_), (d_mean, d_) = centred(a), centred(d)
    drift = d_.T @ a_ / len(a)  # mean of u
    squares = torch.outer(d_mean**2, (a_**2).sum(0)) + (d_**2).T @ a**2
    sum_u2 = squares + 2 * d_mean[:, None] * (d_.T @ (a_ * a))
    mean, m2 = torch.outer(d_mean, a_mean) + drift, sum_u2 - len(a) * drift**2
    # What cancels even so (a unit that is on only where no error comes back) is formed after all.
    c, s = torch.nonzero(m2 < worst * squares, as_tuple=True)
    some_mean, some = centred(d[:, c] * a[:, s])
    mean[c, s], m2[c, s] = some_mean, (some**2).sum(0)
    return mean, m2


def add_layer(moments, name, layer, a, d):
    """Moments of the weight and the bias of one layer, from its inputs and deltas."""
    if isinstance(layer, nn.Conv2d):
        if layer.groups != 1 or layer.padding_mode != "zeros":
            raise ValueError(f"{name} is {layer}; expected groups=1 and padding with zeros")
        patches = F.unfold(a, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        a, d = patches.transpose(1, 2), d.flatten(2).transpose(1, 2)  # (n, positions, ...)
    if a.ndim == 2 and layer.weight.requires_grad:
        moments.merge(f"{name}.weight", len(a), *product_moments(a, d))
    elif layer.weight.requires_grad:  # a sum over positions is no product: form it, a layer a time
        g_mean, g_ = centred(torch.einsum("n...c,n...s->ncs", d, a))
        shape = layer.weight.shape
        moments.merge(
            f"{name}.weight", len(a), g_mean.reshape(shape), (g_**2).sum(0).reshape(shape)
        )
    if layer.bias is not None and layer.bias.requires_grad:
        g_mean, g_ = centred(d.flatten(1, -2).sum(1) if d.ndim > 2 else d)
        moments.merge(f"{name}.bias", len(a), g_mean, (g_**2).sum(0))


def gradient_moments(model, loss, loader, device="cpu"):
    """Moments over a DataLoader. ``loss(outputs, y)`` is the SUM over the samples of a batch.

    Dense and convolutional layers, each called once in a forward pass; other parameters must be
    frozen, and no layer may mix samples (batch norm in training mode).
    """
    layers = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    served = {id(p) for m in layers.values() for p in m.parameters()}
    for name, p in model.named_parameters():
        if p.requires_grad and id(p) not in served:
            raise ValueError(f"{name} is in no Linear or Conv2d; expected it to be frozen")
    saved, moments = {}, Moments()

    def keep(name):
        def hook(layer, inputs, output):
            if output.requires_grad:
                if name in saved:
                    raise ValueError(f"{name} is called twice; expected once in a forward pass")
                saved[name] = (inputs[0].detach(), output)

        return hook

    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    try:
        for x, y in loader:
            saved.clear()
            total = loss(model(x.to(device)), y.to(device))
            deltas = torch.autograd.grad(total, [output for _, output in saved.values()])
            for (name, (a, _)), d in zip(saved.items(), deltas, strict=True):
                add_layer(moments, name, layers[name], a, d)
            moments.count += len(x)
    finally:
        for handle in handles:
            handle.remove()
    return moments
