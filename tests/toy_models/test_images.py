"""Convolutions with padding, stride and groups, against loops over pixels."""

import numpy as np
import pytest

from gsnr_ref import gradient_moments, per_sample_gradients
from tests.oracles.differences import central_differences
from toy_models import ConvNet, Stack, squared_error
from toy_models.images import Convolution, MaxPool
from toy_models.layer_types import Activation, Affine

RNG = np.random.default_rng(0)
LAYERS = [
    Convolution("conv", 4, 5, 2, 3, 2, padding=1),
    Convolution("conv", 5, 4, 2, 3, 3, padding=2, stride=3),
    Convolution("conv", 4, 5, 1, 2, 2, stride=2, bias=False),
    Convolution("conv", 4, 5, 4, 6, 2, padding=1, stride=2, groups=2),
    Convolution("conv", 3, 3, 3, 3, 2, groups=3, bias=False),
]


def loops(layer, params, x):
    rows = []
    weight, p, s = params["conv.weight"], layer.padding, layer.stride
    n_k, n_c = layer.n_in // layer.groups, layer.n_out // layer.groups
    for image in x.reshape(-1, layer.height, layer.width, layer.n_in):
        wide = np.pad(image, ((p, p), (p, p), (0, 0)))
        row = []
        for r in range(0, wide.shape[0] - layer.kernel + 1, s):
            for q in range(0, wide.shape[1] - layer.kernel + 1, s):
                for c in range(layer.n_out):
                    first = c // n_c * n_k
                    part = wide[r : r + layer.kernel, q : q + layer.kernel, first : first + n_k]
                    bias = params["conv.bias"][c] if layer.bias else 0
                    row.append(part.ravel() @ weight[:, c] + bias)
        rows.append(row)
    return np.array(rows)


def problem(layer, n=4):
    n_inputs = layer.height * layer.width * layer.n_in
    x = RNG.normal(size=(n, n_inputs))
    params = {k: RNG.normal(size=v) for k, v in layer.shapes().items()}
    return params, x


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_it_is_its_formula_and_has_its_gradient(layer):
    params, x = problem(layer)
    expected = loops(layer, params, x)
    model = Stack([layer], squared_error)
    assert np.allclose(model.outputs(params, x), expected, rtol=1e-12, atol=1e-13)
    y = RNG.normal(size=expected.shape)
    looped = per_sample_gradients(model, params, x, y, method="loop")
    differences = central_differences(model, params, x, y)
    for name, gradient in looped.items():
        # quadratic in the parameters: rounding only, of losses of 100 over a step of 1e-5
        assert np.allclose(gradient, differences[name], rtol=1e-6, atol=1e-7)
    assert model.is_tapped == (layer.groups == 1)
    if model.is_tapped:
        tapped = per_sample_gradients(model, params, x, y)
        assert all(np.allclose(tapped[k], looped[k], rtol=1e-12, atol=1e-13) for k in tapped)


def test_a_stack_of_a_convnets_layers_is_the_convnet():
    net = ConvNet((5, 6, 2), (3,), (), 2, kernel=2, activation="relu", loss="squared")
    layers = [
        Convolution("conv1", 5, 6, 2, 3, 2),
        Activation("relu"),
        MaxPool(4, 5, 3),
        Affine("dense1", 12, 2),
    ]
    stack = Stack(layers, squared_error)
    params = {k: v + RNG.normal(size=v.shape) for k, v in net.init(0).items()}
    x, y = RNG.normal(size=(3, 5, 6, 2)), RNG.normal(size=(3, 2))
    assert np.allclose(stack.loss(params, x, y), net.loss(params, x, y), rtol=1e-13)
    ours, theirs = (gradient_moments(m, params, x, y) for m in (stack, net))
    for name in net.trainable:
        assert np.allclose(ours.m2[name], theirs.m2[name], rtol=1e-12, atol=1e-13)
