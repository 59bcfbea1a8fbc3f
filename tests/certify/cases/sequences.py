"""Sequences: tokens, gated recurrences, masks, attention. Imports nothing of ``gsnr_ref``."""

import random
from collections.abc import Sequence
from typing import Any

from tests.certify.cases.building import Case, activation, affine, case, draw, network, twin
from tests.certify.cases.shapes import Layer, parameter_shapes

MASKED = -1


def embedding(n_tokens: int, n_out: int, n_steps: int) -> Layer:
    return {
        "type": "embedding",
        "name": "tokens",
        "n_tokens": n_tokens,
        "n_out": n_out,
        "n_steps": n_steps,
    }


def position_embedding(n_steps: int, n_out: int) -> Layer:
    return {"type": "position_embedding", "name": "positions", "n_steps": n_steps, "n_out": n_out}


def per_step(name: str, n_steps: int, n_in: int, n_out: int, bias: bool = True) -> Layer:
    return affine(name, n_in, n_out, bias) | {"n_positions": n_steps}


def tied_outputs(n_steps: int, n_in: int, n_tokens: int) -> Layer:
    return per_step("tokens", n_steps, n_in, n_tokens, bias=False) | {"transposed": True}


def gated(kind: str, n_steps: int, n_in: int, n_hidden: int, **more: Any) -> Layer:
    sizes = {"n_steps": n_steps, "n_features": n_in, "n_hidden": n_hidden}
    return {"type": kind, "name": "cell", **sizes, "bias": True, "returns": "last"} | more


def language(
    id: str,
    description: str,
    flags: Sequence[str],
    layers: list[Layer],
    x: list[list[int]],
    y: list[Any],
    loss: str = "token_cross_entropy",
    tokens: str = "",
    like: str = "",
    level: str = "sequence",
    **more: Any,
) -> Case:
    """A case whose samples are tokens, with drawn parameters; their seed is `like`, or the id."""
    rng = random.Random(like or id)
    params = {name: draw(rng, *shape) for name, shape in parameter_shapes(layers).items()}
    if tokens:
        more |= {"loss_options": {"tokens": tokens}}
    return case(id, description, flags, layers, params, x, y, loss, level=level, **more)


#: Four samples of three tokens. Tokens occur twice in a sample, and not at all.
WORDS = [[0, 1, 1], [2, 0, 1], [1, 2, 2], [0, 0, 2]]
NEXT = [[1, 1, 2], [0, 1, 0], [2, 2, 1], [0, 2, 0]]
#: Three tokens, one, two, three.
LENGTHS = [[1, 1, 2], [0, MASKED, MASKED], [2, 2, MASKED], [0, 2, 0]]


def embedding_cases() -> list[Case]:
    """Rows of a weight by token and by time step, and the same rows as outputs."""
    flat = [embedding(4, 2, 3), affine("output", 6, 2)]
    looked_up = language(
        "embedding-squared-error",
        "A token that never occurs, and some twice.",
        ["embedding", "tied-weights", "dead", "rational", "multiple-outputs"],
        flat,
        WORDS,
        [[0.5, -1.25], [1.5, 0.75], [-0.25, 0.5], [1.0, -0.5]],
        loss="squared_error",
        enumerate_at=[(1, 0.125), (2, 0.25)],
    )
    bigram = [embedding(3, 2, 3), tied_outputs(3, 2, 3)]
    hidden = [
        embedding(3, 2, 3),
        per_step("hidden", 3, 2, 2),
        activation("tanh"),
        tied_outputs(3, 2, 3),
    ]
    places = [embedding(3, 2, 3), position_embedding(3, 2)]
    return [
        looked_up,
        language("embedding-cross-entropy", "Three tokens, tanh, three classes.",
                 ["embedding", "tied-weights"],
                 [embedding(3, 2, 3), activation("tanh"), affine("output", 6, 3)],
                 WORDS, [2, 0, 1, 0], loss="cross_entropy", enumerate_at=[(1, 0.125)]),
        twin(looked_up, "embedding-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean", enumerate_at=()),
        network("positions-squared-error", "A row for each of three time steps.",
                ["position-embedding", "rational", "multiple-outputs"],
                [position_embedding(3, 2), affine("output", 6, 2)], [3, 2], 2, n_samples=4,
                level="sequence"),
        language("positions-cross-entropy", "Tokens and time steps, tanh, two classes.",
                 ["embedding", "position-embedding", "tied-weights"],
                 [*places, activation("tanh"), affine("output", 6, 2)], WORDS, [1, 0, 0, 1],
                 loss="cross_entropy"),
        language("positions-token-mean", "The last time step is masked in every sample.",
                 ["embedding", "position-embedding", "tied-weights", "masked", "dead"],
                 [*places, per_step("output", 3, 2, 3)], WORDS,
                 [[1, 1, MASKED], [0, MASKED, MASKED], [2, 2, MASKED], [0, 2, MASKED]],
                 tokens="mean"),
        language("tied-squared-error", "Products of rows with every row.",
                 ["embedding", "tied-embedding", "tied-weights", "rational", "multiple-outputs"],
                 [embedding(3, 2, 2), tied_outputs(2, 2, 3)], [[0, 1], [2, 2], [1, 0], [1, 2]],
                 [[0.5, 1.0, -0.25, 0.75, 1.5, -0.5], [1.25, -1.0, 0.5, 0.25, 0.5, 2.0],
                  [-0.75, 0.5, 1.0, 1.5, -1.25, 0.25], [0.25, 0.75, -0.5, -1.5, 1.0, 0.5]],
                 loss="squared_error"),
        language("tied-token-sum", "The next token from this one, by products of rows.",
                 ["embedding", "tied-embedding", "tied-weights"], bigram, WORDS, NEXT,
                 tokens="sum"),
        language("tied-token-mean", "A hidden layer between the rows.",
                 ["embedding", "tied-embedding", "tied-weights"], hidden, WORDS, NEXT,
                 tokens="mean"),
        language("tied-positions-token-mean", "Tied rows, and a row for each time step.",
                 ["embedding", "tied-embedding", "position-embedding", "tied-weights", "masked"],
                 [*places, *hidden[1:]], WORDS, LENGTHS, tokens="mean", level="attention"),
    ]  # fmt: skip


def masked_cases() -> list[Case]:
    """Sequences of several lengths."""
    layers = [embedding(3, 2, 3), activation("tanh"), per_step("output", 3, 2, 3)]
    tags = ["embedding", "tied-weights", "masked"]
    averaged = language(
        "masked-token-mean",
        "Lengths 3, 1, 2 and 3; a mean over the tokens.",
        tags,
        layers,
        WORDS,
        LENGTHS,
        tokens="mean",
        enumerate_at=[(1, 0.125)],
    )
    added = language(
        "masked-token-sum",
        "Lengths 3, 1, 2 and 3; a sum over the tokens.",
        tags,
        layers,
        WORDS,
        LENGTHS,
        tokens="sum",
        like="masked-token-mean",
        enumerate_at=[(1, 0.125)],
    )
    return [
        averaged,
        added,
        twin(averaged, "masked-token-mean-mean-reduced",
             "Trained on the mean over samples, not over all tokens.", "mean-reduced",
             reduction="mean", enumerate_at=()),
        twin(added, "masked-token-sum-sum-reduced", "Trained on the sum over samples.",
             "sum-reduced", reduction="sum", enumerate_at=()),
        language("masked-empty-sample", "A sample without a token: its gradient is 0, and counts.",
                 tags, layers, WORDS, [NEXT[0], [MASKED] * 3, NEXT[2], [MASKED, 2, 0]],
                 tokens="sum"),
    ]  # fmt: skip


def gated_cases() -> list[Case]:
    """LSTM and GRU: on features and on tokens, with and without biases."""
    cases = []
    for kind in ("lstm", "gru"):
        cell, tags = gated(kind, 3, 2, 2), ["recurrence", "gated", "tied-weights"]
        name = kind.upper()
        cases += [
            network(f"{kind}-squared-error", f"{name}, three time steps.", tags,
                    [cell, affine("output", 2, 1)], [3, 2], 1, n_samples=4, level="sequence",
                    enumerate_at=[(1, 0.125)]),
            network(f"{kind}-cross-entropy", f"{name}, three time steps, three classes.", tags,
                    [cell, affine("output", 2, 3)], [3, 2], 3, n_samples=4, level="sequence",
                    loss="cross_entropy"),
            network(f"{kind}-no-bias", f"{name} without biases, two time steps.", tags,
                    [gated(kind, 2, 2, 2, bias=False), affine("output", 2, 2)], [2, 2], 2,
                    n_samples=4, level="sequence"),
        ]  # fmt: skip
        tokens = "mean" if kind == "lstm" else "sum"
        cases.append(
            language(
                f"{kind}-token-{tokens}",
                f"{name} over tokens, an output at every time step; masked where it has no label.",
                [*tags, "embedding", "masked"],
                [
                    embedding(3, 2, 3),
                    gated(kind, 3, 2, 2, returns="all"),
                    per_step("output", 3, 2, 3),
                ],
                WORDS,
                [[1, MASKED, 2], [MASKED, 1, 0], [2, 2, MASKED], [0, MASKED, MASKED]],
                tokens=tokens,
                like="lstm over tokens" if kind == "lstm" else "",
            )
        )
    return cases
