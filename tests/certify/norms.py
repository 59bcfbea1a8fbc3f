"""Layers that normalize within a sample, or by stated statistics, in plain scalar arithmetic.

Imports nothing of ``gsnr_ref``. Forward passes only: the tape does the rest.
"""

from tests.certify.layers import Layer, Params, Vector


def standardized(values: Vector, eps: float) -> Vector:
    """(v − m)/√(s² + eps), with the mean m and the variance s², which divides by their number."""
    mean = sum(values) / len(values)
    deviations = [v - mean for v in values]
    root = (sum(d * d for d in deviations) / len(values) + eps).sqrt()
    return [d / root for d in deviations]


def layer_norm(layer: Layer, params: Params, a: Vector) -> Vector:
    """Over the features of each position."""
    n = layer["n_features"]
    scale, shift = (params[f"{layer['name']}.{kind}"] for kind in ("scale", "shift"))
    rows = [standardized(a[start : start + n], layer["eps"]) for start in range(0, len(a), n)]
    return [v * g + b for row in rows for v, g, b in zip(row, scale, shift, strict=True)]


def rms_norm(layer: Layer, params: Params, a: Vector) -> Vector:
    """v/√(mean of v² + eps), over the features of each position."""
    n, scale = layer["n_features"], params[f"{layer['name']}.scale"]
    outputs = []
    for start in range(0, len(a), n):
        row = a[start : start + n]
        root = (sum(v * v for v in row) / n + layer["eps"]).sqrt()
        outputs += [v / root * g for v, g in zip(row, scale, strict=True)]
    return outputs


def group_norm(layer: Layer, params: Params, a: Vector) -> Vector:
    """Over all positions and the channels of a group."""
    n, n_groups = layer["n_channels"], layer["n_groups"]
    scale, shift = (params[f"{layer['name']}.{kind}"] for kind in ("scale", "shift"))
    outputs = list(a)
    for group in range(n_groups):
        places = [i for i in range(len(a)) if i % n * n_groups // n == group]
        values = standardized([a[i] for i in places], layer["eps"])
        for i, v in zip(places, values, strict=True):
            outputs[i] = v * scale[i % n] + shift[i % n]
    return outputs


def batch_norm(layer: Layer, params: Params, a: Vector) -> Vector:
    """By the stated statistics of each channel: no sample sees another."""
    n = layer["n_channels"]
    scale, shift = (params[f"{layer['name']}.{kind}"] for kind in ("scale", "shift"))
    zero = 0 * a[0]
    roots = [(zero + variance + layer["eps"]).sqrt() for variance in layer["variance"]]
    return [
        (v - layer["mean"][i % n]) / roots[i % n] * scale[i % n] + shift[i % n]
        for i, v in enumerate(a)
    ]


NORMS = {
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "batch_norm": batch_norm,
}
