import numpy as np
import pytest

from gsnr_ref import gradient_moments, per_sample_gradients
from toy_models import MLP, Stack, squared_error
from toy_models.layer_types import Activation, Affine, Residual

RNG = np.random.default_rng(0)


def test_a_stack_of_an_mlps_layers_is_the_mlp():
    net = MLP((2, 3, 2))
    stack = Stack(
        [Affine("layer1", 2, 3), Activation("tanh"), Affine("layer2", 3, 2)], squared_error
    )
    params, x, y = net.init(0), RNG.normal(size=(5, 2)), RNG.normal(size=(5, 2))
    assert stack.init(0).keys() == params.keys()
    assert all(np.array_equal(stack.init(0)[k], v) for k, v in params.items())
    assert np.array_equal(stack.loss(params, x, y), net.loss(params, x, y))
    ours, theirs = (gradient_moments(m, params, x, y) for m in (stack, net))
    assert all(np.array_equal(ours.m2[k], theirs.m2[k]) for k in stack.trainable)


def test_a_weight_may_be_used_twice_and_within_a_residual():
    layers = [Affine("a", 2, 2), Residual([Activation("tanh"), Affine("a", 2, 2)])]
    stack = Stack(layers, squared_error)
    params, x, y = stack.init(0), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))
    h = x @ params["a.weight"]
    outputs = h + np.tanh(h) @ params["a.weight"]
    assert np.allclose(stack.loss(params, x, y), ((outputs - y) ** 2).sum(axis=1) / 2, rtol=1e-13)
    assert stack.is_tapped and stack.trainable == ("a.weight", "a.bias")
    tapped, looped = (
        per_sample_gradients(stack, params, x, y, method=m) for m in ("tapped", "loop")
    )
    assert all(np.allclose(tapped[k], looped[k], rtol=1e-12, atol=1e-14) for k in tapped)


def test_a_transposed_weight_has_no_tap_and_the_loop_serves():
    layers = [Affine("a", 2, 3), Affine("a", 3, 2, bias=False, transposed=True)]
    stack = Stack(layers, squared_error)
    params, x = stack.init(0), RNG.normal(size=(4, 2))
    w = params["a.weight"]
    assert np.allclose(stack.outputs(params, x), x @ w @ w.T, rtol=1e-12)
    assert not stack.is_tapped
    assert gradient_moments(stack, params, x, x, method="loop").count == 4
    with pytest.raises(ValueError):  # a tap would miss half of the gradient, and is not believed
        gradient_moments(stack, params, x, x)


def test_frozen_layers_and_bad_batches():
    layers = [Affine("a", 2, 3), Affine("b", 3, 1)]
    stack = Stack(layers, squared_error, frozen=("a",))
    assert stack.trainable == ("b.weight", "b.bias")
    assert repr(stack).startswith("Stack([Affine(name='a', n_in=2, n_out=3")
    with pytest.raises(ValueError, match="frozen is 'a'"):
        Stack(layers, squared_error, frozen="a")
    with pytest.raises(ValueError, match=r"y has shape \(3,\); expected one entry for each of 4"):
        stack.loss(stack.init(0), np.zeros((4, 2)), np.zeros(3))
