"""Equation 28 on models where the sum can be written out, and its refusals."""

import numpy as np
import pytest

from gsnr_ref import InputError, feature_learning_terms, per_sample_gradients
from toy_models import MLP, LinearRegression


def test_a_step_of_the_earlier_layers_changes_the_mean_gradient_so():
    """A real step with δ frozen, for a hidden layer in the middle of three."""
    rng = np.random.default_rng(0)
    model, rate = MLP((3, 4, 3, 2), "tanh"), 1e-5
    params, x, y = model.init(1), rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    gradients = {k: g.mean(axis=0) for k, g in per_sample_gradients(model, params, x, y).items()}
    hidden = lambda p: np.tanh(x @ p["layer1.weight"] + p["layer1.bias"])  # noqa: E731
    moved = params | {k: params[k] - rate * gradients[k] for k in ("layer1.weight", "layer1.bias")}
    bias = per_sample_gradients(model, params, x, y)["layer2.bias"]  # δ of each sample
    change = (hidden(moved) - hidden(params)).T @ bias / 7 / rate
    terms = feature_learning_terms(model, params, x, y, "layer2")
    assert np.allclose(terms.complete, change, rtol=0, atol=1e-4 * np.abs(change).max())


def test_the_complete_term_lowers_the_loss_that_the_features_see():
    """Σ W·complete = −‖gradient of the earlier layers‖²: the sum of all ⟨v, v′⟩ is a square."""
    rng = np.random.default_rng(1)
    model = MLP((2, 5, 3), loss="cross_entropy")
    params, x, y = model.init(0), rng.standard_normal((9, 2)), rng.integers(0, 3, 9)
    terms = feature_learning_terms(model, params, x, y, "layer2")
    means = per_sample_gradients(model, params, x, y)
    squares = sum((means[f"layer1.{k}"].mean(axis=0) ** 2).sum() for k in ("weight", "bias"))
    assert (params["layer2.weight"] * terms.complete).sum() == pytest.approx(-squares, rel=1e-12)
    assert (terms.diagonal * params["layer2.weight"] <= 0).all()


def test_what_it_cannot_do_is_named():
    x, y = np.ones((2, 2)), np.ones(2)
    model = LinearRegression(2)
    with pytest.raises(InputError, match="layer is 'layer9'; expected a dense layer"):
        feature_learning_terms(model, model.init(0), x, y, "layer9")
    with pytest.raises(InputError, match="expected one with a trainable layer before it"):
        feature_learning_terms(model, model.init(0), x, y, "linear")
    frozen = MLP((2, 3, 1), frozen=("layer1",))
    with pytest.raises(InputError, match="expected one with a trainable layer before it"):
        feature_learning_terms(frozen, frozen.init(0), x, y, "layer2")
