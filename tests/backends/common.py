"""What follows from the mean and variance that a recipe gave, as the golden cases define it.

In NumPy, and in the dtype of what came in: a recipe gives losses, mean, variance and GSNR.
"""

import math
from itertools import pairwise

import numpy as np

BASIC_ACTIVATIONS = {"tanh", "relu", "sigmoid", "softplus", "identity"}


def features(case):
    """What a backend has to know for a case: layers, activations, options of layers and losses."""
    loss = case.model["loss"]
    return _features_of(case.model["layers"]) | set(loss) - {"type", "scale", "formula"}


def _features_of(layers):
    found = set()
    for layer in layers:
        found.add(layer["function"] if layer["type"] == "activation" else layer["type"])
        found |= {k for k in ("padding", "stride", "groups") if layer.get(k, 0) > (k != "padding")}
        found |= {k for k in ("transposed", "mask") if layer.get(k)}
        found |= _features_of(layer.get("layers", []))
    return found


def each(function, *params):
    """Apply a function to corresponding parameters."""
    return {name: function(*(p[name] for p in params)) for name in params[0]}


def arrays(params):
    """NumPy arrays from those of any framework on the CPU."""
    return each(np.asarray, params)


def total(params):
    """Sum over all parameters."""
    return sum(p.sum() for p in params.values())


def shares_of(case, dtype):
    """Probabilities of the samples."""
    n = len(case.x)
    return (
        np.full(n, 1 / n, dtype) if case.probabilities is None else case.probabilities.astype(dtype)
    )


def from_moments(case, losses, moments):
    """Everything a case states that follows. `moments`: (mean, variance, GSNR) by ddof, 0 and 1."""
    n, shares = len(case.x), shares_of(case, losses.dtype)
    mean, variance, gsnr = map(arrays, moments(0))
    signal, noise = total(each(lambda m: m * m, mean)), total(variance)
    values = {
        "losses": losses,
        "mean": mean,
        "variance_ddof0": variance,
        "gsnr_ddof0": gsnr,
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
        _, sample, plug_in = map(arrays, moments(1))
        values |= {"variance_ddof1": sample, "gsnr_ddof1": plug_in}
        if "debiased_gsnr" in case.expected:
            values["debiased_gsnr"] = each(lambda r: r * ((n - 3) / (n - 1)) - 1 / n, plug_in)
        if "debiased_osgr" in case.expected:
            values["debiased_osgr"] = (signal - total(sample) / n) / signal
    if "reduced_loss" in case.expected:
        factor = n if case.reduction == "sum" else 1
        values["reduced_loss"] = (shares * losses).sum() * factor
        values["reduced_gradient"] = each(lambda m: m * factor, mean)
    return values


def batches_of(case, default=3):
    """Slices of the samples: the batches that the case states, or of some size and less."""
    sizes = case.batches or [default] * (len(case.x) // default + 1)
    edges = np.minimum(np.cumsum([0, *sizes]), len(case.x))
    return [slice(start, stop) for start, stop in pairwise(edges) if stop > start]


def enumerated(case, losses, gradients, losses_at):
    """OSGR by its definition. ``losses_at(moves)`` gives the losses at params − moves."""
    shares = shares_of(case, losses.dtype)
    values = {}
    for key in case.expected.get("enumerated_osgr", ()):
        size, rate = (float(part.partition("=")[2]) for part in key.split())
        training = test = 0.0
        for counts in count_vectors(int(size), len(shares)):
            chance = float(math.factorial(int(size)))
            for count, share in zip(counts, shares, strict=True):
                chance *= float(share) ** count / math.factorial(count)
            steps = np.array([rate * count / size for count in counts], losses.dtype)
            falls = losses - losses_at(each(lambda g, s=steps: np.tensordot(s, g, 1), gradients))
            training += chance * (falls * (np.array(counts) / size).astype(losses.dtype)).sum()
            test += chance * (falls * shares).sum()
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
