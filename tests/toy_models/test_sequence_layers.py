"""Layers of sequences: what they compute, and that taps and loops agree on their gradients."""

import numpy as np
import pytest

from gsnr_ref import gradient_moments, per_sample_gradients
from tests.oracles.differences import central_differences
from tests.oracles.exact import exact_moments
from toy_models import Stack, squared_error
from toy_models.affine_maps import no_tap
from toy_models.attention import attention
from toy_models.embedding import embed, tied_outputs
from toy_models.language_models import transformer
from toy_models.layer_types import Activation, Affine, Residual
from toy_models.losses import cross_entropy
from toy_models.sequence_layers import (
    Attention,
    Embedding,
    PositionEmbedding,
    Recurrence,
    TiedOutputs,
)
from toy_models.token_losses import token_mean, token_sum

RNG = np.random.default_rng(0)
TOKENS = np.array([[0, 1, 1], [2, 0, 1], [1, 2, 2], [0, 0, 2], [1, 0, 2]])
LABELS = np.array([[1, 1, 2], [0, -1, -1], [2, 2, -1], [-1, 2, 0], [0, 1, 2]])
WORDS = [Embedding("tokens", 4, 2, 3), PositionEmbedding("positions", 3, 2)]
HEADS = [
    Affine("qkv", 2, 6, bias=False, n_positions=3),
    Attention(3, 2, n_heads=2, causal=True),
    Affine("mix", 2, 2, n_positions=3),
]


STACKS = {
    "transformer": (transformer(4, 3, 4, n_heads=2, n_blocks=2, tokens="sum"), LABELS),
    "embedding": (
        Stack([WORDS[0], Affine("output", 6, 2)], squared_error),
        RNG.normal(size=(5, 2)),
    ),
    "tied": (
        Stack([*WORDS, Activation("tanh"), TiedOutputs("tokens", 2, 4, 3)], token_mean),
        LABELS,
    ),
    "attention": (
        Stack([*WORDS, Residual(HEADS), TiedOutputs("tokens", 2, 4, 3)], token_mean),
        LABELS,
    ),
    "lstm": (
        Stack(
            [
                WORDS[0],
                Recurrence("lstm", "cell", 2, 2, 3, returns="all"),
                Affine("o", 2, 4, True, 3),
            ],
            token_mean,
        ),
        LABELS,
    ),
    "gru": (
        Stack([WORDS[0], Recurrence("gru", "cell", 2, 3, 3), Affine("o", 3, 2)], cross_entropy),
        np.array([0, 1, 1, 0, 1]),
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_gradients_and_moments_are_the_loops_and_the_differences(name):
    model, y = STACKS[name]
    params = model.init(0)
    params = {k: v + RNG.normal(size=v.shape) / 4 for k, v in params.items()}
    tapped = per_sample_gradients(model, params, TOKENS, y)
    looped = per_sample_gradients(model, params, TOKENS, y, method="loop")
    differences = central_differences(model, params, TOKENS, y)
    moments = gradient_moments(model, params, TOKENS, y)
    assert model.is_tapped
    for name in model.trainable:
        assert np.allclose(tapped[name], looped[name], rtol=1e-12, atol=1e-14)
        # step 1e-5: truncation about 1e-10, rounding about 1e-11 of a loss of 1
        assert np.allclose(tapped[name], differences[name], rtol=1e-6, atol=1e-8)
        _, mean, m2 = exact_moments(looped[name])
        assert np.allclose(moments.mean[name], mean.astype(float), rtol=1e-11, atol=1e-14)
        assert np.allclose(moments.m2[name], m2.astype(float), rtol=1e-11, atol=1e-14)


def test_a_token_that_does_not_occur_has_no_gradient():
    model, y = STACKS["embedding"]
    rows = per_sample_gradients(model, model.init(0), TOKENS, y)["tokens.weight"]
    occurs = (TOKENS[:, :, None] == np.arange(4)).any(axis=1)
    assert np.array_equal((rows != 0).all(axis=2), occurs)
    assert np.array_equal((rows != 0).any(axis=2), occurs)


@pytest.mark.parametrize("n_heads", [1, 2])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_its_formula(n_heads, causal):
    inputs, width = RNG.normal(size=(2, 3, 12)), 4 // n_heads
    expected = np.zeros((2, 3, 4))
    for i in range(2):
        for head in range(n_heads):
            of = [inputs[i, :, part * 4 + head * width :][:, :width] for part in range(3)]
            for t in range(3):
                seen = t + 1 if causal else 3
                shares = np.exp([of[0][t] @ of[1][s] / np.sqrt(width) for s in range(seen)])
                value = shares @ of[2][:seen] / shares.sum()
                expected[i, t, head * width : (head + 1) * width] = value
    assert np.allclose(attention(inputs, n_heads, causal), expected, rtol=1e-13, atol=1e-15)
    assert np.isfinite(attention(inputs * 1e3, n_heads, causal)).all()  # scores of 1e6


def test_tokens_that_are_masked_do_not_count():
    outputs = RNG.normal(size=(5, 3, 4))
    each = np.array(
        [cross_entropy(o, np.maximum(y, 0)) for o, y in zip(outputs, LABELS, strict=True)]
    )
    sums = np.where(LABELS >= 0, each, 0).sum(axis=1)
    assert np.allclose(token_sum(outputs, LABELS), sums, rtol=1e-14, atol=0)
    assert np.allclose(token_mean(outputs, LABELS), sums / [3, 1, 2, 2, 3], rtol=1e-14, atol=0)
    empty = np.full((1, 3), -1)
    assert token_sum(outputs[:1], empty) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transformer(4, 3, 4, n_heads=3), "n_heads is 3; expected a divisor of"),
        (lambda: transformer(4, 3, 4, tokens="all"), "tokens is 'all'"),
        (lambda: token_sum(np.ones((1, 7)), np.ones((1, 2), int)), r"outputs \(1, 7\)"),
        (lambda: embed({"t.weight": np.ones((2, 1))}, "t", np.array([[2]])), "'t' are 2 to 2"),
        (lambda: embed({"t.weight": np.ones((2, 1))}, "t", np.array([[-1]])), "expected 0 to 1"),
        (lambda: embed({"t.weight": np.ones((2, 1))}, "t", np.ones((1, 1))), "expected integers"),
        (lambda: attention(np.ones((1, 2, 6)), 4), "n_heads is 4"),
        (lambda: attention(np.ones((1, 2, 6)), 0), "n_heads is 0"),
        (lambda: token_sum(np.ones((1, 2, 3)), np.ones((1, 2))), "y has shape .* float64"),
        (lambda: token_sum(np.ones((1, 2, 3)), np.ones((1, 3), int)), "expected integer classes"),
        (lambda: token_mean(np.ones((2, 1, 3)), np.array([[0], [-1]])), "every token of sample 1"),
    ],
)
def test_bad_inputs_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_causal_model_does_not_see_what_comes_later():
    model, _ = STACKS["transformer"]
    params, later = model.init(0), TOKENS.copy()
    later[:, 2] = (later[:, 2] + 1) % 4
    before, after = (model.outputs(params, x).reshape(5, 3, 4) for x in (TOKENS, later))
    assert np.array_equal(before[:, :2], after[:, :2])
    assert (before[:, 2] != after[:, 2]).all()


def test_tied_outputs_are_products_with_the_weight():
    params, inputs = {"t.weight": RNG.normal(size=(4, 2))}, RNG.normal(size=(3, 5, 2))
    products = tied_outputs(params, "t", inputs, no_tap)
    assert np.allclose(products, inputs @ params["t.weight"].T, rtol=1e-14, atol=1e-15)
