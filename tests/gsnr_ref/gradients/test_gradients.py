from fractions import Fraction

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given

from gsnr_ref import InputError, RangeError, per_sample_gradients
from tests.oracles.differences import central_differences
from tests.oracles.exact import exact_linear_gradients, fractions
from tests.strategies import problems
from toy_models import MLP, LinearRegression, affine


@given(problems())
def test_tapped_equals_loop(problem):
    tapped, loop = (per_sample_gradients(*problem, method) for method in ("tapped", "loop"))
    assert list(tapped) == list(loop) == list(problem[0].trainable)
    for name in loop:
        assert tapped[name].shape == (len(problem[2]), *problem[1][name].shape)
        scale = np.abs(loop[name]).max()
        assert np.abs(tapped[name] - loop[name]).max() <= 1e-12 * scale  # the bar


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "identity"])
@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_gradients_match_central_differences(activation, loss):
    model = MLP((3, 4, 4, 2), activation, loss)
    params, rng = model.init(1), np.random.default_rng(2)
    x = rng.standard_normal((5, 3))
    y = rng.standard_normal((5, 2)) if loss == "squared" else rng.integers(0, 2, 5)
    gradients = per_sample_gradients(model, params, x, y)
    differences = central_differences(model, params, x, y)
    for name in gradients:  # truncation h² ≈ 1e-10, rounding u/h ≈ 1e-11
        assert np.allclose(gradients[name], differences[name], rtol=0, atol=1e-8)


def test_linear_regression_matches_rational_arithmetic():
    rng = np.random.default_rng(0)
    weight, bias = rng.standard_normal((3, 2)), rng.standard_normal(2)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    exact, deltas = exact_linear_gradients(weight, bias, x, y)
    params = {"linear.weight": weight, "linear.bias": bias}
    gradients = per_sample_gradients(LinearRegression(3, 2), params, x, y)
    assert np.allclose(gradients["linear.weight"], exact.astype(float), rtol=1e-13, atol=1e-15)
    assert np.allclose(gradients["linear.bias"], deltas.astype(float), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("method", ["tapped", "loop"])
def test_fractions_stay_fractions(method):
    x, y = fractions([[1, 2], [3, -1]]), fractions([[1], [2]])
    params = {"linear.weight": fractions([[1], [2]]) / 3, "linear.bias": fractions([1]) / 7}
    gradients = per_sample_gradients(LinearRegression(2), params, x, y, method)
    exact, deltas = exact_linear_gradients(params["linear.weight"], params["linear.bias"], x, y)
    assert (gradients["linear.weight"] == exact).all()
    assert (gradients["linear.bias"] == deltas).all()
    assert all(type(g) is Fraction for g in gradients["linear.weight"].flat)


class SharedAndPositions:
    """One affine map applied twice to three positions a sample: tied weights."""

    trainable = ("shared.weight", "shared.bias")

    def loss(self, params, x, y, tap=lambda name, inputs, outputs: outputs):
        hidden = anp.tanh(affine(params, "shared", x, tap))
        outputs = affine(params, "shared", hidden, tap)
        return anp.sum(anp.sum(outputs * outputs, axis=2), axis=1) / 2 - y


def test_tied_weights_and_positions():
    rng = np.random.default_rng(0)
    params = {"shared.weight": rng.standard_normal((2, 2)), "shared.bias": rng.standard_normal(2)}
    x, y = rng.standard_normal((4, 3, 2)), np.zeros(4)
    tapped, loop = (
        per_sample_gradients(SharedAndPositions(), params, x, y, m) for m in ("tapped", "loop")
    )
    for name in loop:
        assert np.allclose(tapped[name], loop[name], rtol=1e-13, atol=1e-13)


def test_float32_stays_float32():
    model = MLP((2, 3, 1))
    params = {k: v.astype(np.float32) for k, v in model.init(0).items()}
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    assert {g.dtype for g in per_sample_gradients(model, params, x, y).values()} == {
        np.dtype(np.float32)
    }


class Untapped:
    """A model that keeps its parameter out of any affine map."""

    trainable = ("mean",)

    def loss(self, params, x, y, tap=None):
        return (params["mean"] - y) ** 2 / 2


class MeanLoss(LinearRegression):
    """The classic mistake: a loss that is already reduced."""

    def loss(self, params, x, y, tap):
        return anp.mean(super().loss(params, x, y, tap))


def test_a_model_without_taps_works_by_the_loop_only():
    model, params, x, y = (
        Untapped(),
        {"mean": np.array(1.0)},
        np.zeros((2, 1)),
        np.array([0.0, 3.0]),
    )
    assert per_sample_gradients(model, params, x, y, "loop")["mean"].tolist() == [1.0, -2.0]
    with pytest.raises(InputError, match="method='loop'"):
        per_sample_gradients(model, params, x, y)


def test_a_reduced_loss_is_refused():
    model = MeanLoss(1)
    with pytest.raises(InputError, match=r"expected per-sample losses, \(2,\)"):
        per_sample_gradients(model, model.init(0), np.ones((2, 1)), np.ones(2))


BAD = [
    (np.full((2, 1), np.nan), np.zeros(2), "x holds 2 NaN or infinite values"),
    (np.ones((2, 1)), np.array([0, np.inf]), r"y holds 1 NaN or infinite values, first at \(1,\)"),
    (np.ones((0, 1)), np.zeros(0), r"x has shape \(0, 1\); expected at least one sample"),
    (np.ones((2, 1)), np.zeros(3), "the same number of samples"),
    (np.array([["a"]]), np.zeros(1), "x has dtype <U1"),
]


@pytest.mark.parametrize(("x", "y", "message"), BAD)
def test_bad_batches_are_named(x, y, message):
    model = LinearRegression(1)
    with pytest.raises(InputError, match=message):
        per_sample_gradients(model, model.init(0), x, y)


def test_bad_params_and_methods_are_named():
    model, x, y = LinearRegression(1), np.ones((1, 1)), np.ones(1)
    with pytest.raises(InputError, match=r"expected also \['linear.bias'\]"):
        per_sample_gradients(model, {"linear.weight": np.ones((1, 1))}, x, y)
    with pytest.raises(InputError, match=r"params\['linear.bias'\] holds 1 NaN"):
        per_sample_gradients(model, model.init(0) | {"linear.bias": np.array([np.nan])}, x, y)
    with pytest.raises(InputError, match="method is 'vmap'"):
        per_sample_gradients(model, model.init(0), x, y, "vmap")
    with pytest.raises(RangeError, match="leave the range of float64"):
        per_sample_gradients(model, model.init(0), x * 1e200, y)
