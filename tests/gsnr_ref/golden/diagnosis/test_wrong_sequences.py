"""Mistakes with tokens and tied weights are what their formulas say, by central differences."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from tests.gsnr_ref.golden.diagnosis.differences import assert_is_gradient_of


def log_softmax(outputs):
    return outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))


def token_losses(case, params):
    """The surprise of each token's class; of a masked one that of class −1, the last."""
    hidden = np.tanh(params["tokens.weight"][case.x.astype(int)])
    shares = log_softmax(hidden @ params["output.weight"] + params["output.bias"])
    return -np.take_along_axis(shares, case.y[..., None], axis=2)[..., 0]


#: From token losses and a mask to the losses of the samples, by mistake.
REDUCED = {
    "token-sum-for-mean": lambda losses, seen: (losses * seen).sum(axis=1),
    "token-mean-over-batch": lambda losses, seen: (
        (losses * seen).sum(axis=1) * len(seen) / seen.sum()
    ),
    "masked-tokens-counted": lambda losses, seen: (losses * seen).mean(axis=1),
    "masked-tokens-as-last-class": lambda losses, seen: losses.mean(axis=1),
}


@pytest.mark.parametrize("id", REDUCED)
def test_tokens_are_added_up_as_the_mistake_says(id):
    case = golden.load("masked-token-mean")

    def losses_at(params):
        return REDUCED[id](token_losses(case, params), case.y >= 0)

    wrong = golden.mistakes()[id].wrong(case)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)


def test_a_mean_where_a_sum_is_asked_for():
    case = golden.load("masked-token-sum")
    seen = case.y >= 0

    def losses_at(params):
        return (token_losses(case, params) * seen).sum(axis=1) / seen.sum(axis=1)

    wrong = golden.mistakes()["token-mean-for-sum"].wrong(case)
    np.testing.assert_allclose(wrong["losses"], losses_at(case.params), rtol=1e-13)
    assert_is_gradient_of(losses_at, case, wrong)


@pytest.mark.parametrize("use", ["input", "output"])
def test_a_tied_weight_with_one_use_held_fixed(use):
    case = golden.load("tied-token-sum")
    fixed = case.params["tokens.weight"]

    def losses_at(params):
        moving = params["tokens.weight"]
        rows, columns = (moving, fixed) if use == "input" else (fixed, moving)
        shares = log_softmax(rows[case.x.astype(int)] @ columns.T)
        labels = np.maximum(case.y, 0)[..., None]
        losses = -np.take_along_axis(shares, labels, axis=2)[..., 0]
        return (losses * (case.y >= 0)).sum(axis=1)

    np.testing.assert_allclose(losses_at(case.params), case.expected["losses"], rtol=1e-13)
    wrong = golden.mistakes()[f"tied-{use}-only"].wrong(case)
    assert_is_gradient_of(losses_at, case, wrong)


def test_the_two_uses_of_a_tied_weight_add_up_and_when_stacked_count_as_samples():
    case, name = golden.load("tied-token-mean"), "tokens.weight"
    first, second, stacked = (
        golden.mistakes()[id].wrong(case)
        for id in ("tied-input-only", "tied-output-only", "tied-gradients-stacked")
    )
    uses = [wrong["per_sample_gradients"][name] for wrong in (first, second)]
    right = case.expected["per_sample_gradients"][name]
    np.testing.assert_allclose(uses[0] + uses[1], right, rtol=1e-11, atol=1e-15)
    rows = np.concatenate(uses)
    for quantity, values in (
        ("mean", rows.mean(axis=0)),
        ("variance_ddof0", rows.var(axis=0)),
        ("variance_ddof1", rows.var(axis=0, ddof=1)),
    ):
        np.testing.assert_allclose(stacked[quantity][name], values, rtol=1e-12)


def test_without_a_mask_nothing_is_taken_for_the_last_class():
    case = golden.load("gru-token-sum")
    case = replace(case, y=np.maximum(case.y, 0))
    assert golden.mistakes()["masked-tokens-as-last-class"].wrong(case) == {}
