"""Wrong models compute what a backend with that mistake would, by routes that share no code."""

from itertools import product

import numpy as np
import pytest
from scipy.signal import convolve2d

from gsnr_ref import golden
from gsnr_ref.golden.diagnosis.recomputed import ChangedModel, enumerated, right_losses_at, run
from gsnr_ref.golden.diagnosis.wrong_models import masks_of, with_dropout
from gsnr_ref.golden.diagnosis.wrong_positions import truncated_after
from gsnr_ref.golden.diagnosis.wrong_precision import FORMATS, TF32
from tests.gsnr_ref.golden.diagnosis.differences import assert_is_gradient_of


def log_sum(outputs):
    return np.log(np.exp(outputs).sum(axis=1))


@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_a_model_without_a_change_computes_the_expected_values(case):
    found = run(ChangedModel(case), case.params, case)
    result = {"losses": found.losses, "per_sample_gradients": found.gradients}
    golden.check(case, result, leave_out=set(case.expected) - set(result))


@pytest.mark.parametrize(
    "case",
    [*golden.cases(quantity="enumerated_osgr")[::4], golden.load("mlp2-tanh-frozen")],
    ids=str,
)
def test_enumeration_without_a_change_gives_the_expected_values(case):
    gradients = case.expected["per_sample_gradients"]
    made = enumerated(case, gradients, right_losses_at(case))
    for key, right in case.expected["enumerated_osgr"].items():
        # A fall is a difference of losses: it loses the digits that they share.
        assert made[key] == pytest.approx(float(right), rel=1e-9)


def test_a_flipped_kernel_is_a_convolution():
    case = golden.load("conv-tanh-squared-error")
    conv, dense = (la["name"] for la in case.model["layers"] if "name" in la)

    def losses_at(params):
        kernels = params[f"{conv}.weight"].reshape(2, 2, -1)
        losses = []
        for image, y in zip(case.x[..., 0], case.y, strict=True):
            maps = [convolve2d(image, kernels[..., c], mode="valid") for c in range(2)]
            maps = np.tanh(np.stack(maps, axis=-1) + params[f"{conv}.bias"])
            pooled = maps.reshape(2, 2, 2, 2, 2).max(axis=(1, 3))
            outputs = pooled.ravel() @ params[f"{dense}.weight"] + params[f"{dense}.bias"]
            losses.append(((outputs - y) ** 2).sum() / 2)
        return np.array(losses)

    wrong = golden.mistakes()["flipped-kernel"].wrong(case)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)


@pytest.mark.parametrize("n_steps", [1, 2])
def test_truncation_takes_an_early_hidden_state_for_a_constant(n_steps):
    case = golden.load("elman-squared-error")
    total = case.x.shape[1]

    def hidden_after(params, steps, hidden):
        for t in steps:
            inputs = np.concatenate([case.x[:, t], hidden], axis=1)
            hidden = np.tanh(inputs @ params["cell.weight"] + params["cell.bias"])
        return hidden

    start = hidden_after(case.params, range(total - n_steps), np.zeros((len(case.x), 2)))

    def losses_at(params):
        hidden = hidden_after(params, range(total - n_steps, total), start)
        outputs = hidden @ params["output.weight"] + params["output.bias"]
        return ((outputs - case.y) ** 2).sum(axis=1) / 2

    wrong = truncated_after(case, n_steps)
    np.testing.assert_allclose(losses_at(case.params), case.expected["losses"], rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)


def test_double_softmax_and_label_smoothing_are_these_losses():
    case = golden.load("softmax")
    rows = np.arange(len(case.x))

    def outputs_at(params):
        return case.x @ params["linear.weight"] + params["linear.bias"]

    def doubled(params):
        outputs = outputs_at(params)
        again = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        return log_sum(again) - again[rows, case.y]

    def smoothed(params):
        outputs = outputs_at(params)
        target = 0.9 * np.eye(3)[case.y] + 0.1 / 3
        return log_sum(outputs) - (target * outputs).sum(axis=1)

    for id, losses_at in (("double-softmax", doubled), ("label-smoothing", smoothed)):
        wrong = golden.mistakes()[id].wrong(case)
        np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
        assert_is_gradient_of(losses_at, case, wrong)


def test_dropout_scales_what_it_keeps():
    case = golden.load("mlp2-tanh-squared-error")
    masks = masks_of(case, 0.25, seed=3)

    def losses_at(params):
        hidden = np.tanh(case.x @ params["layer1.weight"] + params["layer1.bias"])
        hidden = hidden * masks["layer2"] / 0.75
        outputs = hidden @ params["layer2.weight"] + params["layer2.bias"]
        return ((outputs - case.y) ** 2).sum(axis=1) / 2

    wrong = with_dropout(case, 0.25, masks)
    assert set(np.unique(masks["layer2"])) == {0.0, 1.0}
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)


def test_positions_apart_lack_the_terms_between_them():
    """Σ_p Σ_q of what is summed over p = q only, position by position, sample by sample."""
    case = golden.load("conv-relu-cross-entropy")
    layer = run(ChangedModel(case), case.params, case).layers["conv1"]
    n, n_positions = layer.deltas.shape[:2]
    squares = per_position = np.zeros((4, 2))
    terms = np.array(
        [
            [np.outer(layer.inputs[i, p], layer.deltas[i, p]) for p in range(n_positions)]
            for i in range(n)
        ]
    )
    for i, p in product(range(n), range(n_positions)):
        squares = squares + terms[i, p] ** 2 / n
        per_position = per_position + (terms[i, p] - terms[:, p].mean(axis=0)) ** 2 / n
    mean = terms.sum(axis=1).mean(axis=0)
    for id, expected in (
        ("per-position-squares", squares - mean**2),
        ("per-position-variances", per_position),
    ):
        made = golden.mistakes()[id].wrong(case)["variance_ddof0"]["conv1.weight"]
        np.testing.assert_allclose(made, expected, rtol=1e-12, atol=1e-15)


def test_two_biases_count_twice_in_every_sum():
    case = golden.load("elman-squared-error")
    wrong = golden.mistakes()["two-biases-counted"].wrong(case)
    mean, variance = case.expected["mean"], case.expected["variance_ddof0"]
    weight = {name: 2 if name == "cell.bias" else 1 for name in mean}
    signal = sum(weight[k] * (mean[k] ** 2).sum() for k in mean)
    noise = sum(weight[k] * variance[k].sum() for k in mean)
    assert wrong["noise_scale"] == pytest.approx(noise / signal, rel=1e-13)
    assert wrong["predicted_osgr"]["8"] == pytest.approx(signal / (signal + noise / 8), rel=1e-13)
    shares = wrong["osgr_weights"]["8"]
    assert sum(weight[k] * shares[k].sum() for k in mean) == pytest.approx(1, rel=1e-13)


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_formats_round_as_numpy_does(name):
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal(2000) * 10.0 ** rng.uniform(-9, 6, 2000)
    numbers = np.concatenate([numbers, [0.0, 1 + 2**-11, 1 + 3 * 2**-11, 2**-25, 3 * 2**-25]])
    with np.errstate(over="ignore", under="ignore"):
        theirs = numbers.astype(name).astype(float)
    np.testing.assert_array_equal(FORMATS[name].rounded(numbers), theirs)


def test_bfloat16_and_tf32_keep_the_first_bits_of_float32():
    rng = np.random.default_rng(1)
    numbers = rng.standard_normal(2000).astype(np.float32)
    bits = numbers.view(np.uint32)
    for form, dropped in ((FORMATS["bfloat16"], 16), (TF32, 13)):
        cut = (bits >> dropped << dropped).view(np.float32).astype(float)
        np.testing.assert_array_equal(form.truncated(numbers.astype(float)), cut)
        half = np.uint32(2 ** (dropped - 1) - 1) + ((bits >> dropped) & 1).astype(np.uint32)
        near = ((bits + half) >> dropped << dropped).view(np.float32).astype(float)
        np.testing.assert_array_equal(form.rounded(numbers.astype(float)), near)


def test_another_epsilon_and_bessel_in_a_layer_norm():
    case = golden.load("layer-norm-cross-entropy")
    rows, k = np.arange(len(case.x)), case.x.shape[1]

    def losses_at(params, eps=0.125, ddof=0):
        deviations = case.x - case.x.mean(axis=1, keepdims=True)
        variance = (deviations**2).sum(axis=1, keepdims=True) / (k - ddof)
        normed = deviations / np.sqrt(variance + eps)
        normed = normed * params["norm1.scale"] + params["norm1.shift"]
        outputs = normed @ params["layer1.weight"] + params["layer1.bias"]
        return log_sum(outputs) - outputs[rows, case.y]

    np.testing.assert_allclose(losses_at(case.params), case.expected["losses"], rtol=1e-13)
    for id, changed in (("another-norm-epsilon", {"eps": 0.0}), ("bessel-in-norm", {"ddof": 1})):
        wrong = golden.mistakes()[id].wrong(case)
        np.testing.assert_allclose(wrong["losses"], losses_at(case.params, **changed), rtol=1e-12)
        assert_is_gradient_of(lambda p, changed=changed: losses_at(p, **changed), case, wrong)


def test_the_mean_over_weights_is_that_of_a_framework():
    case = golden.load("softmax-class-weights-mean-reduced")
    weights = np.array(case.model["loss"]["class_weights"])[case.y]
    wrong = golden.mistakes()["mean-over-weights"].wrong(case)
    expected = case.expected["losses"].sum() / weights.sum()
    assert wrong["reduced_loss"] == pytest.approx(expected, rel=1e-13)
    plain = golden.mistakes()["class-weights-left-out"].wrong(case)
    np.testing.assert_allclose(plain["losses"] * weights, case.expected["losses"], rtol=1e-13)
