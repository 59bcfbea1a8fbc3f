"""Mean, variance and GSNR of per-sample gradients that come batch by batch, in PyTorch.

Keeps a mean and a sum of squared deviations for each parameter, whatever the number of samples.
"""

import torch


class Moments:
    """Sums over the samples seen so far; `mean` and `squares` hold a tensor a parameter."""

    def __init__(self):
        self.count, self.mean, self.squares = 0.0, {}, {}

    def add(self, gradients, weights=None):
        """Take in a batch: ``gradients[name]`` is (batch, *shape), never divided by its size."""
        for name, g in gradients.items():
            w = g.new_ones(len(g)) if weights is None else weights
            # from the first sample on, so that equal samples have a variance of exactly 0
            mean = g[0] + torch.tensordot(w, g - g[0], 1) / w.sum()
            self.merge(name, w.sum(), mean, torch.tensordot(w, (g - mean) ** 2, 1))
        self.count += w.sum()

    def merge(self, name, count, mean, squares):
        """Take in one parameter's moments of a batch (Chan, Golub and LeVeque)."""
        before = self.mean.get(name, torch.zeros_like(mean))
        gap, total = mean - before, self.count + count
        self.mean[name] = before + gap * (count / total)
        self.squares[name] = (
            self.squares.get(name, 0.0) + squares + gap**2 * (self.count * count / total)
        )

    def variance(self, ddof=0):
        """Variance of a single sample's gradient."""
        return {name: s / (self.count - ddof) for name, s in self.squares.items()}

    def gsnr(self, ddof=0):
        """Squared mean over variance: inf where samples agree, nan where all gradients are 0."""
        return {name: self.mean[name] ** 2 / v for name, v in self.variance(ddof).items()}
