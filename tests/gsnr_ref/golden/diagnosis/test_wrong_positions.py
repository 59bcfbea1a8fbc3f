"""Weights at several positions: norms, recurrences, and biases that are there twice."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.diagnosis.recomputed import ChangedModel, run
from gsnr_ref.golden.diagnosis.wrong_positions import truncated_after
from tests.gsnr_ref.golden.diagnosis.differences import assert_is_gradient_of
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of


@pytest.mark.parametrize(
    "id",
    ["group-norm-convolution", "elman-squared-error", "elman-one-hidden", "linear-weighted"],
)
def test_terms_of_positions_apart(id):
    """The gradient of a sample is a sum over positions; its square is not that of the terms."""
    case = golden.load(id)
    n = len(case.x)
    p = np.full(n, 1 / n) if case.probabilities is None else case.probabilities
    squares, variances = (
        golden.mistakes()[f"per-position-{kind}"].wrong(case) for kind in ("squares", "variances")
    )
    if id == "linear-weighted":  # one position
        assert squares == variances == {}
        return
    layers = run(ChangedModel(case), case.params, case).layers
    for name, right in case.expected["variance_ddof0"].items():
        layer = layers[name.rpartition(".")[0]]
        terms = np.zeros((*layer.deltas.shape[:2], *right.shape))
        for i, t in np.ndindex(layer.deltas.shape[:2]):
            a, d = layer.inputs[i, t], layer.deltas[i, t]
            kind = name.rpartition(".")[2]
            terms[i, t] = np.outer(a, d) if kind == "weight" else a * d if kind == "scale" else d
        shares = p.reshape(-1, *[1] * right.ndim)
        sums = terms.sum(axis=1)
        mean = (shares * sums).sum(axis=0)
        np.testing.assert_allclose(mean, case.expected["mean"][name], rtol=1e-9, atol=1e-14)
        if terms.shape[1] == 1:
            np.testing.assert_array_equal(squares["variance_ddof0"][name], right)
            continue
        second = (shares * (terms**2).sum(axis=1)).sum(axis=0) - mean**2
        centred = terms - (shares[:, None] * terms).sum(axis=0)
        apart = (shares * (centred**2).sum(axis=1)).sum(axis=0)
        for made, want in ((squares, second), (variances, apart)):
            np.testing.assert_allclose(
                made["variance_ddof0"][name], want, rtol=1e-9, atol=1e-14, err_msg=name
            )
            np.testing.assert_array_equal(made["mean"][name], case.expected["mean"][name])
            sample = made["variance_ddof1"][name]
            np.testing.assert_allclose(sample, want * n / (n - 1), rtol=1e-9, atol=1e-14)


def hidden_after(case, params, more=0.0):
    hidden = np.zeros((len(case.x), len(params["cell.bias"])))
    for t in range(case.x.shape[1]):
        inputs = np.concatenate([case.x[:, t], hidden], axis=1)
        hidden = np.tanh(inputs @ params["cell.weight"] + params["cell.bias"] + more)
    return hidden


def losses_of(case, params, more=0.0):
    hidden = hidden_after(case, params, more)
    outputs = hidden @ params["output.weight"] + params["output.bias"]
    return ((outputs - case.y) ** 2).sum(axis=1) / 2


def steps_of(case, gradients, key, losses_at):
    """OSGR by its definition with one sample a training set: n = 1."""
    rate = float(key.rpartition("=")[2])
    training, test = [], []
    for i in range(len(case.x)):
        moved = {k: v - rate * gradients[k][i] for k, v in case.params.items()}
        falls = losses_at(case.params) - losses_at(moved)
        training.append(falls[i])
        test.append(falls.mean())
    return np.mean(test) / np.mean(training)


KEY = "n=1 learning_rate=0.125"
ELMAN = golden.load("elman-squared-error")


def right_losses(params):
    return losses_of(ELMAN, params)


def test_a_bias_that_is_given_twice():
    """Two biases of the same value: each has its own gradient, and takes its own step."""

    def losses_at(params):
        return losses_of(ELMAN, params, more=ELMAN.params["cell.bias"])

    def both(params):
        return losses_of(ELMAN, params, more=params["cell.bias"])

    wrong = golden.mistakes()["bias-given-twice"].wrong(ELMAN)
    np.testing.assert_allclose(wrong["losses"], losses_at(ELMAN.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, ELMAN, wrong)
    g = wrong["per_sample_gradients"]
    assert wrong["enumerated_osgr"][KEY] == pytest.approx(steps_of(ELMAN, g, KEY, both))


def test_two_biases_that_add_up_or_count_apart():
    g = ELMAN.expected["per_sample_gradients"]
    twice = g | {"cell.bias": 2 * g["cell.bias"]}
    osgr = steps_of(ELMAN, twice, KEY, right_losses)
    added = golden.mistakes()["two-biases-added"].wrong(ELMAN)
    np.testing.assert_array_equal(added["losses"], ELMAN.expected["losses"])
    for name, gradient in added["per_sample_gradients"].items():
        np.testing.assert_array_equal(gradient, twice[name])
    counted = golden.mistakes()["two-biases-counted"].wrong(ELMAN)
    assert set(counted) == {
        *("predicted_osgr", "noise_scale", "coherence", "debiased_osgr", "osgr_weights"),
        "enumerated_osgr",
    }
    for wrong in (added, counted):
        assert wrong["enumerated_osgr"][KEY] == pytest.approx(osgr, rel=1e-9)
    assert set(counted["osgr_weights"]["8"]) == set(g)


def test_where_there_is_a_bias_to_count_twice():
    for id in ("two-biases-counted", "two-biases-added", "bias-given-twice"):
        wrong = golden.mistakes()[id].wrong
        assert wrong(golden.load("lstm-squared-error"))
        for other in ("lstm-no-bias", "gru-squared-error", "linear"):
            assert wrong(golden.load(other)) == {}, (id, other)


def test_truncation_changes_gradients_and_steps_and_no_loss():
    for n_steps, enumerate in ((1, True), (2, False)):
        wrong = truncated_after(ELMAN, n_steps, enumerate)
        np.testing.assert_array_equal(wrong["losses"], ELMAN.expected["losses"])
        assert ("enumerated_osgr" in wrong) == enumerate
    g = truncated_after(ELMAN, 1)["per_sample_gradients"]
    wrong = golden.mistakes()["truncated-backpropagation"].wrong(ELMAN)
    for name in g:
        np.testing.assert_array_equal(wrong["per_sample_gradients"][name], g[name])
    osgr = steps_of(ELMAN, g, KEY, right_losses)
    assert wrong["enumerated_osgr"][KEY] == pytest.approx(osgr, rel=1e-9)
    truncated = golden.mistakes()["truncated-backpropagation"].wrong
    assert truncated(golden.load("linear")) == {}
    layers = [la | {"n_steps": 1} if "n_steps" in la else la for la in ELMAN.model["layers"]]
    one_step = replace(ELMAN, x=ELMAN.x[:, :1], model=ELMAN.model | {"layers": layers})
    assert truncated(one_step) == {}  # before the first step there is nothing


@pytest.mark.parametrize("bias", [True, False])
def test_truncation_before_the_first_step_changes_nothing(bias):
    case = ELMAN
    if not bias:
        layers = [la | {"bias": False} if "bias" in la else la for la in case.model["layers"]]
        params = {k: v for k, v in case.params.items() if not k.endswith(".bias")}
        model = case.model | {"layers": layers, "trainable": list(params), "parameters": [*params]}
        case = replace(case, params=params, model=model)
    made = truncated_after(case, case.x.shape[1], enumerate=False)["per_sample_gradients"]
    right = run(ChangedModel(case), case.params, case).gradients
    for name, gradient in right.items():
        np.testing.assert_allclose(made[name], gradient, rtol=1e-12, atol=1e-16)


def test_truncation_is_recognized_after_any_number_of_steps_but_none():
    id = "truncated-backpropagation"
    for n_steps in (1, 2):
        wrong = truncated_after(ELMAN, n_steps)
        for quantity in ("mean", "enumerated_osgr"):
            report = report_of(ELMAN, wrong[quantity], quantity)
            assert judged(id, ELMAN, report)
            other = report_of(ELMAN, {k: v * 1.001 for k, v in wrong[quantity].items()}, quantity)
            assert not judged(id, ELMAN, other)
    assert not judged(id, ELMAN, report_of(ELMAN, {}, "mean"))
    assert not judged(id, ELMAN, report_of(ELMAN, ELMAN.expected["mean"], "mean"))


@pytest.mark.parametrize("id", ["conv-channels", "conv-groups-of-two"])
def test_a_kernel_is_turned_by_180_degrees_channel_by_channel(id):
    case = golden.load(id)
    layer = case.model["layers"][0]
    k, name = layer["kernel"], f"{layer['name']}.weight"
    rows = case.params[name]
    n_in = len(rows) // k**2
    order = [
        ((k - 1 - u) * k + k - 1 - v) * n_in + c for u, v, c in np.ndindex(k, k, n_in)
    ]  # which is its own inverse
    turned = rows[order]
    model = case.build()
    wrong = golden.mistakes()["flipped-kernel"].wrong(case)
    losses = model.loss(case.params | {name: turned}, case.x, case.y)
    np.testing.assert_array_equal(wrong["losses"], losses)
    found = run(ChangedModel(case), case.params | {name: turned}, case).gradients
    np.testing.assert_array_equal(wrong["per_sample_gradients"][name], found[name][:, order])
    assert golden.mistakes()["flipped-kernel"].wrong(golden.load("linear")) == {}
