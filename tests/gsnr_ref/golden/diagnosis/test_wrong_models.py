"""Other losses than the one that is asked for, and dropout that was left on."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import map_structure
from gsnr_ref.golden.diagnosis.wrong_models import (
    _dropped_at,
    _masks_from,
    _softmax,
    masks_of,
    smoothed,
    with_dropout,
)
from tests.gsnr_ref.golden.diagnosis.differences import assert_is_gradient_of
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of


def log_shares(outputs):
    return outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))


def linear_outputs(case, params):
    return case.x @ params["linear.weight"] + params["linear.bias"]


def test_smoothed_labels_leave_ignored_samples_alone():
    case = golden.load("softmax-ignore-index")
    seen = case.y != case.model["loss"]["ignore_index"]
    target = np.eye(3)[np.where(seen, case.y, 0)]
    assert 0 < seen.sum() < len(seen)

    def losses_at(params, weight=0.3):
        mixed = (1 - weight) * target + weight / 3
        return -(mixed * log_shares(linear_outputs(case, params))).sum(axis=1) * seen

    wrong = smoothed(case, 0.3)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)
    key = "n=1 learning_rate=0.125"
    falls = []
    for i in range(len(case.x)):
        g = wrong["per_sample_gradients"]
        moved = {k: v - 0.125 * g[k][i] for k, v in case.params.items()}
        falls.append(losses_at(case.params) - losses_at(moved))
    osgr = np.mean(falls) / np.mean(np.diagonal(falls))
    assert wrong["enumerated_osgr"][key] == pytest.approx(osgr, rel=1e-9)


def test_no_label_weighs_less_than_minus_1():
    case = golden.load("softmax")
    for weight, can_be in ((1.9, True), (2.1, False)):
        report = report_of(
            case, smoothed(case, weight)["per_sample_gradients"], "per_sample_gradients"
        )
        assert judged("label-smoothing", case, report) == can_be


def test_where_a_loss_can_be_smoothed_or_doubled():
    smoothing, doubled = (golden.mistakes()[k].wrong for k in ("label-smoothing", "double-softmax"))
    for id, can in (
        ("softmax", True),
        ("softmax-ignore-index", True),
        ("softmax-label-smoothing", False),
        ("softmax-class-weights", False),
        ("linear", False),
        ("masked-token-mean", False),
    ):
        assert bool(smoothing(golden.load(id))) == can, id
        assert bool(doubled(golden.load(id))) == (id != "linear"), id


def test_a_second_softmax_is_over_the_classes_of_each_token():
    case = golden.load("masked-token-mean")
    seen = case.y >= 0

    def losses_at(params):
        hidden = np.tanh(params["tokens.weight"][case.x.astype(int)])
        shares = np.exp(log_shares(hidden @ params["output.weight"] + params["output.bias"]))
        labels = np.maximum(case.y, 0)[..., None]
        losses = -np.take_along_axis(log_shares(shares), labels, axis=2)[..., 0]
        return (losses * seen).sum(axis=1) / seen.sum(axis=1)

    wrong = golden.mistakes()["double-softmax"].wrong(case)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)
    assert wrong["enumerated_osgr"] != case.expected["enumerated_osgr"]


@pytest.mark.parametrize("option", ["label_smoothing", "class_weights"])
def test_an_option_that_is_left_out_leaves_the_plain_loss(option):
    name = option.replace("_", "-")
    case = golden.load(f"softmax-{name}")
    rows = np.arange(len(case.x))

    def losses_at(params):
        return -log_shares(linear_outputs(case, params))[rows, case.y]

    wrong = golden.mistakes()[f"{name}-left-out"].wrong(case)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)
    assert golden.mistakes()[f"{name}-left-out"].wrong(golden.load("softmax")) == {}


@pytest.mark.parametrize("id", ["class-weights", "ignore-index"])
def test_a_framework_divides_by_the_weights_of_what_it_counts(id):
    case = golden.load(f"softmax-{id}-mean-reduced")
    loss, e = case.model["loss"], case.expected
    weights = [
        0.0 if y == loss.get("ignore_index") else loss.get("class_weights", [1.0] * 3)[int(y)]
        for y in case.y
    ]
    wrong = golden.mistakes()["mean-over-weights"].wrong(case)
    assert set(wrong) == {"reduced_loss", "reduced_gradient"}
    assert wrong["reduced_loss"] == pytest.approx(e["losses"].sum() / sum(weights), rel=1e-13)
    for name, g in e["per_sample_gradients"].items():
        np.testing.assert_allclose(
            wrong["reduced_gradient"][name], g.sum(axis=0) / sum(weights), rtol=1e-12, atol=1e-15
        )
    for other in (f"softmax-{id}", "softmax-mean-reduced", "softmax-label-smoothing-mean-reduced"):
        assert golden.mistakes()["mean-over-weights"].wrong(golden.load(other)) == {}


DROPPED = golden.load("mlp3-tanh-cross-entropy")


def test_dropout_stands_before_dense_layers_but_the_first():
    for id, names in (
        ("mlp3-tanh-cross-entropy", ["layer2", "layer3"]),
        ("linear", []),
        ("conv-tanh-squared-error", ["dense1"]),
        ("positions-token-mean", []),  # one a token, not dense
        ("conv-depthwise", []),  # no taps
    ):
        case = golden.load(id)
        assert _dropped_at(case) == names
        assert bool(golden.mistakes()["dropout-on"].wrong(case)) == bool(names)


def test_masks_drop_as_many_as_the_probability_says():
    case = golden.load("mlp3-tanh-cross-entropy")
    widths = {name: (len(case.x), len(case.params[f"{name}.weight"])) for name in _dropped_at(case)}
    for rate in (0.0, 0.25, 0.75):
        kept = []
        for seed in range(40):
            masks = masks_of(case, rate, seed)
            assert {name: mask.shape for name, mask in masks.items()} == widths
            kept += [mask.mean() for mask in masks.values()]
        # The standard error of 80 means of 15 draws is below 0.02.
        assert np.mean(kept) == pytest.approx(1 - rate, abs=0.06)


def test_masks_are_read_from_gradients_that_are_0_where_right_ones_are_not():
    right = DROPPED.expected["per_sample_gradients"]

    def shown(**rows):
        g = {k: v + 0.0 for k, v in right.items()}
        for layer, (sample, row) in rows.items():
            g[f"{layer}.weight"][sample, row] = 0
        report = report_of(DROPPED, g, "per_sample_gradients")
        return _masks_from(DROPPED, report)

    assert shown() is None  # nothing is dropped
    masks = shown(layer2=(1, 2))
    assert masks["layer3"].all() and masks["layer2"].sum() == masks["layer2"].size - 1
    assert masks["layer2"][1, 2] == 0
    half = {k: v + 0.0 for k, v in right.items()}
    half["layer3.weight"][0, 0, 0] = 0  # a part of a row is no dropped unit
    assert _masks_from(DROPPED, report_of(DROPPED, half, "per_sample_gradients")) is None
    in_part = right | {"layer3.weight": right["layer3.weight"] + 0.0}
    in_part["layer3.weight"][0, 0, 0] = 0  # what was 0 before in a part of a row is no less dropped
    g = {k: v + 0.0 for k, v in in_part.items()}
    g["layer3.weight"][0, 0] = 0
    case = replace(DROPPED, expected=DROPPED.expected | {"per_sample_gradients": in_part})
    assert _masks_from(case, report_of(case, g, "per_sample_gradients"))["layer3"][0, 0] == 0
    dead = golden.load("mlp2-relu-dead-unit")
    g = dead.expected["per_sample_gradients"]
    assert (g["layer2.weight"] == 0).all(axis=2).any()
    assert _masks_from(dead, report_of(dead, g, "per_sample_gradients")) is None


def is_dropped(values, case=DROPPED):
    return judged("dropout-on", case, report_of(case, values, "per_sample_gradients"))


@pytest.mark.parametrize("rate", [0.03, 0.4, 0.93])
@np.errstate(invalid="ignore")  # 0/0 in the GSNR of units that are always dropped
def test_any_probability_is_recognized(rate):
    masks = masks_of(DROPPED, 0.5, seed=2)
    made = with_dropout(DROPPED, rate, masks)["per_sample_gradients"]
    assert is_dropped(made)
    assert not is_dropped(map_structure(lambda g: g * 1.001, made))
    assert not is_dropped({})
    last = {"layer3": masks["layer3"]}
    assert is_dropped(with_dropout(DROPPED, rate, last)["per_sample_gradients"])
    first = {"layer2": masks["layer2"]}  # dropout before some layers only, but not the last
    wrong = with_dropout(DROPPED, rate, first)["per_sample_gradients"]
    assert not is_dropped({"layer1.weight": wrong["layer1.weight"]})


@np.errstate(invalid="ignore")
def test_a_probability_is_not_negative_and_below_1():
    masks = masks_of(DROPPED, 0.5, seed=2)
    for rate in (-0.5, 1.5):
        assert not is_dropped(with_dropout(DROPPED, rate, masks)["per_sample_gradients"])
    right = DROPPED.expected["per_sample_gradients"]  # nothing is dropped
    assert not is_dropped({k: g + 0.01 * DROPPED.params[k] for k, g in right.items()})


def test_a_softmax_of_large_outputs_is_finite():
    """Whatever the outputs of other samples are."""
    shares = _softmax(np.array([[1e3, 0.0], [0.0, np.log(3)]]))
    np.testing.assert_allclose(shares, [[1, 0], [0.25, 0.75]], rtol=1e-15, atol=1e-300)


def test_the_planted_dropout_drops_a_half():
    case = golden.load("mlp2-tanh-squared-error")
    wrong = golden.mistakes()["dropout-on"].wrong(case)
    made = with_dropout(case, 0.5, masks_of(case, 0.5, seed=1))
    np.testing.assert_array_equal(wrong["losses"], made["losses"])
