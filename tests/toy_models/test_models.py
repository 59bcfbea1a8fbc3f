import numpy as np
import pytest

import toy_models
from toy_models import MLP, ConvNet, LinearRegression, RecurrentNet, SoftmaxRegression


def test_mlp_is_its_formula():
    model = MLP((3, 4, 2), activation="tanh", loss="squared")
    params = model.init(0)
    rng = np.random.default_rng(1)
    params["layer1.bias"], params["layer2.bias"] = rng.normal(size=4), rng.normal(size=2)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    expected = []
    for i in range(5):
        w, b = params["layer1.weight"], params["layer1.bias"]
        h = [np.tanh(b[k] + sum(x[i, s] * w[s, k] for s in range(3))) for k in range(4)]
        o = [
            params["layer2.bias"][c] + sum(h[k] * params["layer2.weight"][k, c] for k in range(4))
            for c in range(2)
        ]
        expected.append(0.5 * sum((o[c] - y[i, c]) ** 2 for c in range(2)))
    assert np.allclose(model.loss(params, x, y), expected, rtol=1e-13, atol=0)


def test_init_scales_weights_and_is_seeded():
    model = MLP((400, 300, 2))
    one, twice = model.init(7), model.init(7, scale=2.0)
    assert np.array_equal(2 * one["layer1.weight"], twice["layer1.weight"])
    assert not one["layer1.bias"].any()
    # 120,000 draws of N(0, 1/400): the standard error of their deviation is 0.2 %
    assert abs(one["layer1.weight"].std() * 20 - 1) < 4 * 0.0021
    assert not np.array_equal(one["layer1.weight"], model.init(8)["layer1.weight"])


def test_trainable_leaves_out_frozen_layers_and_absent_biases():
    model = MLP((2, 3, 3, 1), bias=False, frozen=("layer2",))
    assert model.trainable == ("layer1.weight", "layer3.weight")
    assert set(model.init(0)) == {"layer1.weight", "layer2.weight", "layer3.weight"}


def test_one_output_accepts_flat_targets():
    model = LinearRegression(2)
    params, x, y = model.init(0), np.ones((3, 2)), np.arange(3.0)
    assert np.array_equal(model.loss(params, x, y), model.loss(params, x, y[:, None]))


@pytest.mark.parametrize(
    "written",
    [
        "MLP((64, 32, 10), activation='tanh', loss='cross_entropy')",
        "MLP((2, 3, 1), activation='relu', loss='squared', bias=False, frozen=('layer1',))",
        "ConvNet((8, 6, 2), (3, 4), (), 5, kernel=3, padding=1, convolutions=2, "
        "activation='tanh', loss='squared', frozen=('conv1', 'conv2'))",
        "RecurrentNet(3, 4, 2, cell='lstm', loss='squared')",
        "RecurrentNet(3, 4, 2, cell='gru', loss='cross_entropy', frozen=('cell.hidden',))",
        "LinearRegression(3, 2, bias=False)",
        "SoftmaxRegression(4, 3)",
        "AffineModel({'layer': (2, 1)}, squared_error, bias=False)",
    ],
)
def test_a_model_is_shown_as_the_call_that_builds_it(written):
    assert repr(eval(written, vars(toy_models))) == written


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MLP((3,)), "at least an input and an output width"),
        (lambda: MLP((3, 0, 1)), "positive integers"),
        (lambda: MLP((3, 1), activation="swish"), "activation is 'swish'"),
        (lambda: MLP((3, 1), loss="mse"), "loss is 'mse'; expected one of"),
        (lambda: ConvNet((9, 9, 1), (2,), (), 3, activation="swish"), "activation is 'swish'"),
        (lambda: ConvNet((9, 9, 1), (2,), (), 3, loss="mse"), "loss is 'mse'"),
        (lambda: RecurrentNet(1, 2, 3, cell="rnn"), "cell is 'rnn'"),
        (lambda: RecurrentNet(1, 2, 3, loss="mse"), "loss is 'mse'"),
        (lambda: MLP((3, 1), frozen=("layer9",)), "frozen is"),
        (lambda: MLP((3, 1), frozen="layer1"), "frozen is 'layer1'"),
        (lambda: SoftmaxRegression(3, -1), "positive integers"),
    ],
)
def test_bad_settings_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 3)), np.zeros(4), r"x has shape \(4, 3\); expected \(n_samples, 2\)"),
        (np.zeros(4), np.zeros(4), r"x has shape \(4,\)"),
        (np.zeros((4, 2)), np.zeros(3), r"y has shape \(3,\)"),
    ],
)
def test_bad_batches_are_named(x, y, message):
    model = LinearRegression(2)
    with pytest.raises(ValueError, match=message):
        model.loss(model.init(0), x, y)
