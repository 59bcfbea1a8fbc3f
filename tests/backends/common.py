"""GSNR and OSGR from per-sample gradients, in any array library, as the golden cases define them.

What is shared here is not under test in a backend whose own moments are (BackPACK, Cockpit). Only
operators and ``sum(0)`` are used, so torch tensors, JAX arrays and NumPy arrays all pass.
"""

import math


def shape_up(weights, g):
    """One weight a sample, in the dimensions of g."""
    return weights.reshape(-1, *(1,) * (g.ndim - 1))


def each(function, *params):
    """Apply a function to corresponding parameters."""
    return {name: function(*(p[name] for p in params)) for name in params[0]}


def total(params):
    """Sum over all parameters."""
    return sum(p.sum() for p in params.values())


def from_gradients(case, losses, gradients, shares):
    """Everything a case states, but the enumerated OSGR. `shares`: probabilities, an array."""
    mean = each(lambda g: (shape_up(shares, g) * g).sum(0), gradients)
    variance = each(lambda g, m: (shape_up(shares, g) * (g - m) * (g - m)).sum(0), gradients, mean)
    values = {"losses": losses, "per_sample_gradients": gradients}
    return values | from_moments(case, losses, mean, variance)


def from_moments(case, losses, mean, variance):
    """Everything a case states that follows from mean and variance (ddof=0)."""
    n = len(case.x)
    signal, noise = total(each(lambda m: m * m, mean)), total(variance)
    values = {
        "mean": mean,
        "variance_ddof0": variance,
        "gsnr_ddof0": each(lambda m, v: m / v * m, mean, variance),
        "osgr_weights": {},
        "predicted_osgr": {},
        "noise_scale": noise / signal,
        "coherence": signal / (signal + noise),
    }
    for key in case.expected["predicted_osgr"]:
        size = int(key)
        squares = each(lambda m, v, size=size: m * m + v / size, mean, variance)
        everything = total(squares)
        values["osgr_weights"][key] = each(lambda s, e=everything: s / e, squares)
        values["predicted_osgr"][key] = signal / (signal + noise / size)
    if "variance_ddof1" in case.expected:
        sample = each(lambda v: v * (n / (n - 1)), variance)
        plug_in = each(lambda m, v: m / v * m, mean, sample)
        values |= {"variance_ddof1": sample, "gsnr_ddof1": plug_in}
        if "debiased_gsnr" in case.expected:
            values["debiased_gsnr"] = each(lambda r: r * ((n - 3) / (n - 1)) - 1 / n, plug_in)
        if "debiased_osgr" in case.expected:
            values["debiased_osgr"] = (signal - total(sample) / n) / signal
    if "reduced_loss" in case.expected:
        factor = n if case.reduction == "sum" else 1
        values["reduced_loss"] = losses.sum() / n * factor
        values["reduced_gradient"] = each(lambda m: m * factor, mean)
    return values


def enumerated(case, losses, gradients, losses_at):
    """OSGR by its definition. ``losses_at(moves)`` gives the losses at params − moves."""
    n_points = len(case.x)
    shares = [1 / n_points] * n_points if case.probabilities is None else list(case.probabilities)
    values = {}
    for key in case.expected.get("enumerated_osgr", ()):
        size, rate = (float(part.partition("=")[2]) for part in key.split())
        training = test = 0.0
        for counts in count_vectors(int(size), n_points):
            chance = float(math.factorial(int(size)))
            for count, share in zip(counts, shares, strict=True):
                chance *= share**count / math.factorial(count)
            steps = [rate * count / size for count in counts]
            moves = each(lambda g, s=steps: sum(g[i] * step for i, step in enumerate(s)), gradients)
            falls = losses - losses_at(moves)
            training += chance * sum(falls[i] * (k / size) for i, k in enumerate(counts))
            test += chance * sum(falls[i] * share for i, share in enumerate(shares))
        values[key] = test / training
    return {"enumerated_osgr": values} if values else {}


def count_vectors(draws, n_points):
    """All ways to draw from n_points points, order aside."""
    if n_points == 1:
        yield (draws,)
        return
    for first in range(draws + 1):
        for rest in count_vectors(draws - first, n_points - 1):
            yield (first, *rest)
