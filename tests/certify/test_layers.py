"""Gradients that are derived by hand, against differences of losses that are written out again."""

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
            values.append(mpmath.log(sum(mpmath.exp(o) for o in a)) - a[y])
    return values


def _apply(layer, params, a):
    function = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    }
    if layer["type"] == "activation":
        return [function[layer["function"]](z) for z in a]
    if layer["type"] == "max_pool":
        high, wide, k = layer["height"], layer["width"], layer["n_channels"]
        image = np.array(a, dtype=object).reshape(high, wide, k)
        windows = image.reshape(high // 2, 2, wide // 2, 2, k)
        return list(windows.max(axis=(1, 3)).ravel())
    weight = np.array(params[layer["name"] + ".weight"], dtype=object)
    bias = np.array(params[layer["name"] + ".bias"], dtype=object)
    if layer["type"] == "affine":
        return list(np.array(a, dtype=object) @ weight.reshape(len(a), -1) + bias)
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
