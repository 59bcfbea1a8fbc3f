"""Attention, and blocks around it. Imports nothing of ``gsnr_ref``."""

from typing import Any

from tests.certify.cases.building import Case, activation, affine, network, twin
from tests.certify.cases.sequences import (
    LENGTHS,
    NEXT,
    WORDS,
    embedding,
    language,
    per_step,
    position_embedding,
    tied_outputs,
)
from tests.certify.cases.shapes import Layer


def attention(n_steps: int, width: int, n_heads: int = 1, causal: bool = False) -> list[Layer]:
    """Queries, keys and values in one map, without bias: the keys' would have no gradient."""
    weighted = {"n_steps": n_steps, "n_out": width, "n_heads": n_heads, "causal": causal}
    return [
        per_step("qkv", n_steps, width, 3 * width, bias=False),
        {"type": "attention", **weighted},
        per_step("mix", n_steps, width, width),
    ]


def layer_norm(name: str, n_steps: int, width: int) -> Layer:
    sizes = {"n_features": width, "n_positions": n_steps}
    return {"type": "layer_norm", "name": name, **sizes, "eps": 1e-5}


def block(n_steps: int, width: int, n_hidden: int, function: str, **more: Any) -> list[Layer]:
    """A pre-norm transformer block."""
    return [
        {
            "type": "residual",
            "layers": [layer_norm("norm1", n_steps, width), *attention(n_steps, width, **more)],
        },
        {
            "type": "residual",
            "layers": [
                layer_norm("norm2", n_steps, width),
                per_step("up", n_steps, width, n_hidden),
                activation(function),
                per_step("down", n_steps, n_hidden, width),
            ],
        },
    ]


def attention_cases() -> list[Case]:
    """One head and two, with and without a causal mask."""
    tags, level = ["attention", "tied-weights"], {"level": "attention"}
    words = [embedding(3, 2, 3), position_embedding(3, 2)]
    spoken = ["embedding", "position-embedding"]
    one = network(
        "attention-squared-error",
        "One head over three time steps.",
        tags,
        [*attention(3, 2), affine("output", 6, 1)],
        [3, 2],
        1,
        n_samples=4,
        **level,
    )
    return [
        one,
        twin(one, "attention-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean"),
        network("attention-causal-cross-entropy", "One head that sees no later time step.",
                [*tags, "causal"], [*attention(3, 2, causal=True), affine("output", 6, 3)], [3, 2],
                3, n_samples=4, loss="cross_entropy", **level),
        language("attention-causal-token-mean", "Tokens and time steps, one causal head; masked.",
                 [*tags, *spoken, "causal", "masked"],
                 [*words, *attention(3, 2, causal=True), per_step("output", 3, 2, 3)],
                 WORDS, LENGTHS, tokens="mean", **level),
        network("attention-two-heads-squared-error", "Two heads over two time steps.", tags,
                [*attention(2, 4, n_heads=2), affine("output", 8, 1)], [2, 4], 1, n_samples=4,
                **level),
        network("attention-two-heads-causal-cross-entropy", "Two causal heads, two classes.",
                [*tags, "causal"],
                [*attention(3, 4, n_heads=2, causal=True), affine("output", 12, 2)], [3, 4], 2,
                n_samples=4, loss="cross_entropy", **level),
        language("attention-two-heads-tied-token-sum", "Two causal heads between tied rows.",
                 [*tags, *spoken, "causal", "tied-embedding"],
                 [embedding(3, 4, 3), position_embedding(3, 4),
                  *attention(3, 4, n_heads=2, causal=True), tied_outputs(3, 4, 3)],
                 WORDS, NEXT, tokens="sum", **level),
    ]  # fmt: skip


def transformer_cases() -> list[Case]:
    """Whole pre-norm blocks."""
    tags = ["attention", "transformer", "layer-norm", "residual", "positions", "tied-weights"]
    level = {"level": "attention"}
    spoken = [*tags, "embedding", "position-embedding", "tied-embedding", "causal"]

    def model(width: int, **more: Any) -> list[Layer]:
        return [
            embedding(3, width, 3),
            position_embedding(3, width),
            *block(3, width, 3, "tanh", causal=True, **more),
            layer_norm("norm3", 3, width),
            tied_outputs(3, width, 3),
        ]

    return [
        network("transformer-squared-error", "A block over two time steps, and one output.", tags,
                [*block(2, 3, 4, "tanh"), affine("output", 6, 1)], [2, 3], 1, n_samples=4, **level),
        network("transformer-two-heads-cross-entropy", "A block of two heads, two classes.", tags,
                [*block(2, 4, 3, "softplus", n_heads=2), affine("output", 8, 2)], [2, 4], 2,
                n_samples=3, loss="cross_entropy", **level),
        language("transformer-token-mean", "Tokens, a causal block, tied outputs.", spoken,
                 model(3), WORDS, NEXT, tokens="mean", like="transformer-masked-token-sum",
                 **level),
        language("transformer-masked-token-sum", "Tokens, a causal block, tied outputs; masked.",
                 [*spoken, "masked"], model(3), WORDS, LENGTHS, tokens="sum", **level),
    ]  # fmt: skip
