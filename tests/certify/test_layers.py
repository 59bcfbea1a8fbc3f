"""Gradients by hand and by tape, against differences of losses that are written out again."""

import mpmath
import numpy as np
import pytest

from gsnr_ref import golden
from tests.certify.cases import all_cases
from tests.certify.cases.building import flatten

STATED = {case.id: case for case in all_cases()}
SMOOTH = (
    "mlp2-sigmoid-cross-entropy",
    "mlp3-softplus-squared-error",
    "elman-cross-entropy",
    "conv-tanh-squared-error",
    "conv-padding-not-square",
    "conv-stride-padding-groups",
    "conv-groups-of-two",
    "conv-odd-pool-padding",
    "elman-three-hidden",
    "mlp2-gelu-squared-error",
    "mlp2-leaky-relu-squared-error",
    "layer-norm-positions",
    "layer-norm-residual",
    "rms-norm-positions",
    "group-norm-convolution",
    "batch-norm-evaluation-convolution",
    "mlp2-tanh-class-weights",
    "mlp2-tanh-ignore-index",
    "softmax-label-smoothing",
)


@pytest.mark.parametrize("id", SMOOTH)
def test_gradients_are_derivatives_of_the_losses(id):
    # 60-digit central differences of the losses, in mpmath: no derivative by hand.
    stated, case = STATED[id], golden.load(id)
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        for name in stated.trainable:
            expected = case.expected["per_sample_gradients"][name].reshape(len(case.x), -1)
            for j in range(expected.shape[1]):
                sides = []
                for sign in (1, -1):
                    params = {
                        k: [mpmath.mpf(v) for v in flatten(p)] for k, p in stated.params.items()
                    }
                    params[name][j] += sign * step
                    sides.append(_losses(stated, params))
                for i, (up, down) in enumerate(zip(*sides, strict=True)):
                    assert abs((up - down) / (2 * step) - expected[i, j]) < 1e-15 * max(
                        1, abs(expected[i, j])
                    )


def _losses(stated, params):
    """Losses in mpmath, straight from the formulas in the document."""
    values = []
    for x, y in zip(stated.x, stated.y, strict=True):
        a = [mpmath.mpf(v) for v in flatten(x)]
        for layer in stated.layers:
            a = _apply(layer, params, a)
        if stated.loss == "squared_error":
            values.append(sum((o - t) ** 2 for o, t in zip(a, y, strict=True)) / 2)
        else:
            values.append(_cross_entropy(a, y, **stated.loss_options))
    return values


def _cross_entropy(a, y, class_weights=None, ignore_index=None, label_smoothing=0):
    if y == ignore_index:
        return mpmath.mpf(0)
    target = [label_smoothing / mpmath.mpf(len(a))] * len(a)
    target[y] += 1 - label_smoothing
    log_total = mpmath.log(sum(mpmath.exp(o) for o in a))
    loss = sum(t * (log_total - o) for t, o in zip(target, a, strict=True))
    return loss * (1 if class_weights is None else class_weights[y])


def _apply(layer, params, a):
    function = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
        "relu": lambda z: max(z, mpmath.mpf(0)),
        "silu": lambda z: z / (1 + mpmath.exp(-z)),
        "gelu": lambda z: z * mpmath.ncdf(z),
        "leaky_relu": lambda z: max(z, z / 100),
    }
    if layer["type"] == "activation":
        return [function[layer["function"]](z) for z in a]
    if layer["type"] == "residual":
        inner = a
        for one in layer["layers"]:
            inner = _apply(one, params, inner)
        return [p + q for p, q in zip(a, inner, strict=True)]
    if layer["type"].endswith("_norm"):
        return _norm(layer, params, np.array(a, dtype=object))
    if layer["type"] == "max_pool":
        high, wide, k = layer["height"], layer["width"], layer["n_channels"]
        image = np.array(a, dtype=object).reshape(high, wide, k)
        high, wide = high // 2 * 2, wide // 2 * 2
        image = image[:high, :wide]
        windows = image.reshape(high // 2, 2, wide // 2, 2, k)
        return list(windows.max(axis=(1, 3)).ravel())
    weight = np.array(params[layer["name"] + ".weight"], dtype=object)
    bias = np.array(params[layer["name"] + ".bias"], dtype=object)
    if layer["type"] == "affine":
        rows = np.array(a, dtype=object).reshape(-1, layer["n_in"])
        return list((rows @ weight.reshape(layer["n_in"], -1) + bias).ravel())
    if layer["type"] == "convolution" and "stride" in layer:
        return _convolution(layer, np.array(a, dtype=object), weight, bias)
    if layer["type"] == "convolution":
        image = np.array(a, dtype=object).reshape(layer["height"], layer["width"], layer["n_in"])
        kernel = layer["kernel"]
        matrix = weight.reshape(-1, layer["n_out"])
        return [
            z
            for r in range(layer["height"] - kernel + 1)
            for q in range(layer["width"] - kernel + 1)
            for z in image[r : r + kernel, q : q + kernel].ravel() @ matrix + bias
        ]
    hidden = np.array([mpmath.mpf(0)] * layer["n_hidden"], dtype=object)
    steps = np.array(a, dtype=object).reshape(layer["n_steps"], layer["n_features"])
    for inputs in steps:
        z = np.concatenate([inputs, hidden]) @ weight.reshape(-1, layer["n_hidden"]) + bias
        hidden = np.array([mpmath.tanh(v) for v in z], dtype=object)
    return list(hidden)


def _convolution(layer, a, weight, bias):
    """By shifting a padded image for each entry of the kernel, group by group."""
    kernel, p, s, groups = (layer[key] for key in ("kernel", "padding", "stride", "groups"))
    image = a.reshape(layer["height"], layer["width"], layer["n_in"])
    image = np.pad(image, ((p, p), (p, p), (0, 0)), constant_values=mpmath.mpf(0))
    high, wide = (side - kernel + 1 for side in image.shape[:2])
    cube = weight.reshape(kernel, kernel, -1, layer["n_out"])
    parts, images = [], np.split(image, groups, axis=2)
    for part, filters in zip(images, np.split(cube, groups, axis=3), strict=True):
        shifted = [
            part[u : u + high : s, v : v + wide : s] @ filters[u, v]
            for u in range(kernel)
            for v in range(kernel)
        ]
        parts.append(sum(shifted[1:], start=shifted[0]))
    return list((np.concatenate(parts, axis=2) + bias).ravel())


def _norm(layer, params, a):
    """By E v² − (E v)² instead of squared deviations: 60 digits can afford it."""
    kind, n = layer["type"], layer.get("n_channels") or layer["n_features"]
    rows = a.reshape(-1, n)
    if kind == "batch_norm":
        mean, square = np.array(layer["mean"]), None
        variance = np.array([mpmath.mpf(v) for v in layer["variance"]])
    elif kind == "group_norm":
        groups = rows.reshape(len(rows), layer["n_groups"], -1)
        mean, square = (np.mean(g, axis=(0, 2)) for g in (groups, groups**2))
        mean, square = (np.repeat(g, n // layer["n_groups"]) for g in (mean, square))
    else:
        mean, square = rows.mean(axis=1, keepdims=True), (rows**2).mean(axis=1, keepdims=True)
    if kind == "rms_norm":
        mean = 0 * mean
    variance = variance if square is None else square - mean**2
    roots = np.vectorize(mpmath.sqrt, otypes=[object])(variance + mpmath.mpf(layer["eps"]))
    normed = (rows - mean) / roots * np.array(params[layer["name"] + ".scale"])
    shift = params.get(layer["name"] + ".shift", [mpmath.mpf(0)] * n)
    return list((normed + np.array(shift)).ravel())
