import numpy as np
import pytest

from gsnr_ref import gradient_moments, per_sample_gradients
from tests.oracles.differences import central_differences
from tests.oracles.exact import exact_moments
from toy_models import RecurrentNet

RNG = np.random.default_rng(0)
NETS = [
    RecurrentNet(3, 4, 2),
    RecurrentNet(3, 4, 2, cell="lstm"),
    RecurrentNet(2, 3, 1, cell="lstm", loss="squared", bias=False),
    RecurrentNet(2, 3, 2, loss="squared", frozen=("cell",)),
    RecurrentNet(3, 4, 2, cell="gru"),
    RecurrentNet(2, 3, 1, cell="gru", loss="squared", frozen=("cell.input",)),
]


def problem(net, n=5, n_steps=4):
    n_outputs = net.layers["output"][1]
    x = RNG.normal(size=(n, n_steps, net.n_features))
    squared = net.per_sample_loss.__name__ == "squared_error"
    y = RNG.normal(size=(n, n_outputs)) if squared else RNG.integers(0, n_outputs, n)
    return net.init(0), x, y


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("net", [*NETS[:2], NETS[4]], ids=["elman", "lstm", "gru"])
def test_it_is_its_formula(net):
    params, x, y = problem(net)
    params = {k: v + RNG.normal(size=v.shape) for k, v in params.items()}  # biases are not 0
    expected = []
    for i in range(len(x)):
        h, c = np.zeros(4), np.zeros(4)
        for t in range(x.shape[1]):
            if net.cell == "gru":
                a = x[i, t] @ params["cell.input.weight"] + params["cell.input.bias"]
                b = h @ params["cell.hidden.weight"] + params["cell.hidden.bias"]
                r, u = sigmoid(a[:4] + b[:4]), sigmoid(a[4:8] + b[4:8])
                h = (1 - u) * np.tanh(a[8:] + r * b[8:]) + u * h
                continue
            z = np.concatenate([x[i, t], h]) @ params["cell.weight"] + params["cell.bias"]
            if net.cell == "elman":
                h = np.tanh(z)
            else:
                c = sigmoid(z[4:8]) * c + sigmoid(z[:4]) * np.tanh(z[8:12])
                h = sigmoid(z[12:]) * np.tanh(c)
        o = h @ params["output.weight"] + params["output.bias"]
        expected.append(np.log(np.exp(o).sum()) - o[y[i]])
    assert np.allclose(net.loss(params, x, y), expected, rtol=1e-12, atol=0)
    flat = x.reshape(len(x), -1)
    assert np.array_equal(net.loss(params, flat, y), net.loss(params, x, y))


@pytest.mark.parametrize("net", NETS)
def test_gradients_and_moments_are_the_loops_and_the_differences(net):
    params, x, y = problem(net)
    tapped = per_sample_gradients(net, params, x, y)
    looped = per_sample_gradients(net, params, x, y, method="loop")
    differences = central_differences(net, params, x, y)
    moments = gradient_moments(net, params, x, y)
    for name in net.trainable:
        assert np.allclose(tapped[name], looped[name], rtol=1e-12, atol=1e-14)
        # step 1e-5: truncation about 1e-10, rounding about 1e-11 of a loss of 1
        assert np.allclose(tapped[name], differences[name], rtol=1e-6, atol=1e-8)
        _, mean, m2 = exact_moments(looped[name])
        assert np.allclose(moments.mean[name], mean.astype(float), rtol=1e-11, atol=1e-14)
        assert np.allclose(moments.m2[name], m2.astype(float), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RecurrentNet(3, 4, 2, cell="rnn"), "cell is 'rnn'"),
        (lambda: RecurrentNet(3, 4, 2, loss="mse"), "loss is 'mse'"),
        (lambda: RecurrentNet(3, 0, 2), "positive integers"),
        (lambda: NETS[0].loss(NETS[0].init(0), np.zeros((2, 5, 2)), np.zeros(2, int)),
         r"x has shape \(2, 5, 2\); expected \(n_samples, n_steps, 3\), or flat"),
        (lambda: NETS[0].loss(NETS[0].init(0), np.zeros((2, 4)), np.zeros(2, int)),
         r"x has shape \(2, 4\)"),
    ],
)  # fmt: skip
def test_bad_settings_and_batches_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
