"""GSNR where only gradients of batches are to be had: accumulation, data-parallel training.

The mean of b samples has a b-th of their variance. So the variance of a single sample is that
between the means of K batches, times b: unbiased for independent samples, from K − 1 degrees of
freedom. Works on arrays of any library.
"""


class BatchMeans:
    """Moments of a sample's gradient from batch means, one array (or number) at a time."""

    def __init__(self):
        self.batches, self.samples, self.mean, self.between = 0, 0, 0.0, 0.0

    def add(self, mean_gradient, size):
        """Take in the gradient of the MEAN loss of a batch of `size` samples; no weight decay."""
        gap = mean_gradient - self.mean
        self.batches, self.samples = self.batches + 1, self.samples + size
        self.mean = self.mean + gap * (size / self.samples)
        self.between = self.between + size * gap * (mean_gradient - self.mean)  # Σ b (ḡ_k − ḡ)²

    def variance(self):
        """Of a single sample, unbiased (ddof=1); two batches at least."""
        return self.between / (self.batches - 1)

    def gsnr(self):
        """Squared mean over a single sample's variance."""
        return self.mean**2 / self.variance()


def accumulated(model, loss, batches):
    """BatchMeans of each parameter of a torch model; ``loss`` is a mean over its batch."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    means = {name: BatchMeans() for name in trained}
    for x, y in batches:
        model.zero_grad()  # each batch's own gradient; add them up for the optimizer elsewhere
        loss(model(x), y).backward()
        for name, p in trained.items():
            means[name].add(p.grad.clone(), len(x))
    return means


def over_workers(gradient, size):
    """Mean, and variance of a single sample, from each worker's own gradient (torch.distributed).

    Call it before the gradients are averaged over workers: under DistributedDataParallel, in
    ``model.no_sync()``. Two all-reduces of a gradient's size.
    """
    import torch
    from torch import distributed

    total = torch.tensor([size], dtype=gradient.dtype, device=gradient.device)
    distributed.all_reduce(total)
    mean = gradient * (size / total)
    distributed.all_reduce(mean)
    between = size * (gradient - mean) ** 2  # from the common mean: nothing cancels
    distributed.all_reduce(between)
    return mean, between / (distributed.get_world_size() - 1)
