"""The location model with curvature: a model for the package, and runs by hand with plain loops."""

from fractions import Fraction
from itertools import product


class CurvedLocation:
    """Loss Σ_j ½h_j(θ_j − y_j)². All samples share one Hessian."""

    trainable = ("location.bias",)

    def __init__(self, curvature):
        self.curvature = curvature

    def loss(self, params, x, y, tap=lambda name, inputs, outputs: outputs):
        residual = tap("location", x, x * 0 + params["location.bias"]) - y
        return (self.curvature * residual * residual).sum(axis=1) / 2


def _mean_loss(theta, points, h):
    losses = [sum(k * (a - b) ** 2 for k, a, b in zip(h, theta, y, strict=True)) for y in points]
    return sum(losses) / len(points) / 2


def _step(theta, points, h, rate):
    means = [sum(column) / len(points) for column in zip(*points, strict=True)]
    return [a - rate * k * (a - m) for a, m, k in zip(theta, means, h, strict=True)]


def runs(points, theta, h, n, rate, n_steps):
    """(training set, θ before each step and after the last), for every sequence of n draws."""
    for training in product(points, repeat=n):
        path = [theta]
        for _ in range(n_steps):
            path.append(_step(path[-1], training, h, rate))
        yield training, path


def expectations(points, theta, h, n, rate, n_steps, step_rate):
    """Over every training set after n_steps: ΔL[D], ΔL[D′] of one step more, and the gap."""
    sets = list(runs(points, theta, h, n, rate, n_steps))
    sums = [Fraction(0)] * 3
    for training, path in sets:
        after = _step(path[-1], training, h, step_rate)
        before_and_after = [
            [_mean_loss(t, s, h) for t in (path[-1], after)] for s in (training, points)
        ]
        decreases = [b - a for b, a in before_and_after]
        gap = before_and_after[1][0] - before_and_after[0][0]
        sums = [s + v / len(sets) for s, v in zip(sums, (*decreases, gap), strict=True)]
    return sums
