"""Several layers: perceptrons, a convolution, a recurrence. Imports nothing of ``gsnr_ref``."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.certify.cases.building import (
    Case,
    activation,
    affine,
    case,
    network,
    reordered,
    twin,
)
from tests.certify.cases.shapes import Layer


def mlp_layers(sizes: Sequence[int], function: str, bias: bool = True) -> list[Layer]:
    layers: list[Layer] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        layers += [activation(function)] if layers else []
        layers.append(affine(f"layer{i}", n_in, n_out, bias))
    return layers


def mlp_cases() -> list[Case]:
    """Multilayer perceptrons: two and three layers, every activation, both losses."""
    cases = []
    rational = {"relu": ("rational",), "identity": ("rational",)}
    for n_layers, sizes in ((2, (2, 3, 2)), (3, (2, 3, 3, 2))):
        for function in ("tanh", "relu", "sigmoid", "softplus", "identity"):
            for loss in ("squared_error", "cross_entropy"):
                tags = ["deep", "bias", *(["multiple-outputs"] if loss == "squared_error" else [])]
                tags += rational.get(function, ()) if loss == "squared_error" else ()
                tags += ["square-weight"] if n_layers == 3 else []
                tags += ["dead"] if (n_layers, function) == (3, "relu") else []
                short = loss.replace("_", "-")
                cases.append(
                    network(
                        f"mlp{n_layers}-{function}-{short}",
                        f"{n_layers} layers, {function}, {loss.replace('_', ' ')}.",
                        tags,
                        mlp_layers(sizes, function),
                        [2],
                        2,
                        n_samples=5,
                        loss=loss,
                        enumerate_at=[(1, 0.125), (2, 0.25)] if n_layers == 2 else (),
                    )
                )
    base, classes = cases[0], cases[1]
    two = mlp_layers((2, 3, 1), "relu")
    weights = {
        "layer1.weight": [[0.5, -0.75, 0.25], [1.0, 0.5, -1.5]],
        "layer1.bias": [0.25, 0.5, -9.0],
        "layer2.weight": [[1.5], [-0.5], [0.75]],
        "layer2.bias": [0.125],
    }
    x = [[0.5, 1.25], [1.75, 0.375], [-0.625, 2.0], [1.5, -1.125]]
    y = [[1.25], [-0.5], [0.375], [2.5]]
    at_kink = weights | {"layer1.bias": [-1.5, 0.5, 0.5]}  # 0.5·0.5 + 1.25·1 − 1.5 = 0
    return [
        *cases,
        case("mlp2-relu-dead-unit", "The third hidden unit is never active.",
             ["deep", "dead", "rational"], two, weights, x, y, enumerate_at=[(1, 0.125)]),
        case("mlp2-relu-kink", "A pre-activation of exactly 0.", ["deep", "kink", "rational"], two,
             at_kink, x, y),
        network("mlp2-tanh-no-bias", "No biases.", ["deep"],
                mlp_layers((2, 3, 2), "tanh", bias=False), [2], 2, n_samples=5),
        network("mlp2-tanh-frozen", "The first layer does not train.", ["deep", "frozen"],
                mlp_layers((2, 3, 1), "tanh"), [2], 1, n_samples=4, frozen=("layer1",),
                enumerate_at=[(1, 0.125), (2, 0.5)]),
        network("mlp2-tanh-one-sample", "One sample.", ["deep", "one-sample", "zero-variance"],
                mlp_layers((2, 3, 1), "tanh"), [2], 1, n_samples=1),
        network("mlp2-tanh-two-samples", "Two samples.", ["deep", "two-samples"],
                mlp_layers((2, 3, 1), "tanh"), [2], 1, n_samples=2,
                enumerate_at=[(1, 0.125), (2, 0.5)]),
        twin(base, "mlp2-tanh-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean", enumerate_at=()),
        twin(classes, "mlp2-tanh-cross-entropy-sum-reduced", "Trained on the summed loss.",
             "sum-reduced", reduction="sum", enumerate_at=()),
        twin(base, "mlp2-tanh-permuted", "Another order.", "permuted", enumerate_at=(),
             **reordered(base, [4, 2, 0, 1, 3])),
        twin(base, "mlp2-tanh-uneven-batches", "Batches of two and three.", "uneven-batches",
             batches=[2, 3], enumerate_at=()),
        twin(base, "mlp2-tanh-loss-scaled", "The loss times 4096.", "loss-scaled", enumerate_at=(),
             scale=4096.0),
        case("mlp2-tanh-float32", "Inputs that float32 holds exactly.", ["deep", "float32-inputs"],
             mlp_layers((2, 3, 1), "tanh"), weights | {"layer1.bias": [0.25, 0.5, -0.75]}, x, y,
             dtype="float32", enumerate_at=[(1, 0.125), (2, 0.5)]),
        case("mlp2-tanh-saturated", "Pre-activations of 15 to 30: derivatives of 1e-13 and less.",
             ["deep", "saturated"], mlp_layers((2, 2, 1), "tanh"),
             {"layer1.weight": [[9.0, 0.5], [11.0, -0.75]], "layer1.bias": [2.0, 0.25],
              "layer2.weight": [[1.5], [-0.5]], "layer2.bias": [0.125]},
             [[0.75, 0.5], [1.25, 0.625], [1.0, 1.25], [-1.5, -0.5], [0.25, 1.5]],
             [[1.25], [-0.5], [0.375], [2.5], [1.0]]),
    ]  # fmt: skip


def activation_cases() -> list[Case]:
    """Perceptrons with activations that came later."""
    cases = []
    for function in ("gelu", "silu", "leaky_relu"):
        flag = function.replace("_", "-")
        rational = ["rational"] if function == "leaky_relu" else []
        cases += [
            network(f"mlp2-{flag}-squared-error", f"2 layers, {function}, squared error.",
                    ["deep", flag, *rational], mlp_layers((2, 3, 1), function), [2], 1,
                    n_samples=5, enumerate_at=[(1, 0.125)]),
            network(f"mlp2-{flag}-cross-entropy", f"2 layers, {function}, cross entropy.",
                    ["deep", flag], mlp_layers((2, 3, 2), function), [2], 2, n_samples=4,
                    loss="cross_entropy"),
            network(f"mlp3-{flag}-squared-error", f"3 layers, {function}, squared error.",
                    ["deep", flag, *rational], mlp_layers((2, 2, 2, 1), function), [2], 1,
                    n_samples=4),
        ]  # fmt: skip
    saturated = network("mlp2-gelu-saturated", "Pre-activations of −4 to −8: Φ of 1e-5 and less.",
                        ["deep", "gelu", "saturated"], mlp_layers((1, 2, 1), "gelu"), [1], 1,
                        n_samples=4)  # fmt: skip
    params = saturated.params | {"layer1.weight": [[1.0, -1.5]], "layer1.bias": [-6.0, -5.5]}
    return [*cases, replace(saturated, params=params)]


def loss_cases() -> list[Case]:
    """Cross-entropy with what frameworks add to it."""
    cases = []
    added: dict[str, dict[str, Any]] = {
        "class-weights": {"class_weights": [0.5, 2.0, 1.25]},
        "ignore-index": {"ignore_index": -100},
        "label-smoothing": {"label_smoothing": 0.125},
    }
    for flag, options in added.items():
        words = flag.replace("-", " ")
        more: dict[str, Any] = {"loss": "cross_entropy", "loss_options": options, "level": "deep"}
        several = [
            network(f"softmax-{flag}", f"Softmax regression, {words}.", [flag],
                    [affine("linear", 2, 3)], [2], 3, n_samples=6, enumerate_at=[(1, 0.125)],
                    **more),
            network(f"mlp2-tanh-{flag}", f"2 layers, tanh, {words}.", [flag, "deep"],
                    mlp_layers((2, 2, 3), "tanh"), [2], 3, n_samples=5, **more),
        ]  # fmt: skip
        if flag == "ignore-index":
            several = [replace(c, y=[-100, *c.y[1:-2], -100, c.y[-1]]) for c in several]
        mean = twin(several[0], f"softmax-{flag}-mean-reduced", "Trained on the mean loss.",
                    "mean-reduced", reduction="mean", enumerate_at=())  # fmt: skip
        cases += [*several, mean]
    return cases


def recurrent_cases() -> list[Case]:
    """Elman cells whose input and hidden state differ in size."""

    def elman(id: str, n_features: int, n_hidden: int, n_steps: int, **more: Any) -> Case:
        cell = {"n_features": n_features, "n_hidden": n_hidden, "n_steps": n_steps, "bias": True}
        n_outputs = 2 if "loss" in more else 1
        return network(
            id,
            f"{n_features} features, {n_hidden} hidden units, {n_steps} time steps.",
            ["recurrence", "tied-weights", "deep", "not-as-many-hidden"],
            [{"type": "elman", "name": "cell", **cell}, affine("output", n_hidden, n_outputs)],
            [n_steps, n_features],
            n_outputs,
            n_samples=4,
            **more,
        )

    return [
        elman("elman-three-hidden", 1, 3, 3),
        elman("elman-one-hidden", 3, 1, 2),
        elman("elman-three-hidden-cross-entropy", 2, 3, 2, loss="cross_entropy"),
    ]


def structured_cases() -> list[Case]:
    """A small convolution, and a recurrence with tied weights."""

    def convolution(function: str, n_out: int) -> list[Layer]:
        return [
            {
                "type": "convolution",
                "name": "conv1",
                "height": 5,
                "width": 5,
                "n_in": 1,
                "n_out": 2,
                "kernel": 2,
                "bias": True,
            },
            activation(function),
            {"type": "max_pool", "height": 4, "width": 4, "n_channels": 2},
            affine("dense1", 8, n_out),
        ]

    def recurrence(n_out: int) -> list[Layer]:
        return [
            {
                "type": "elman",
                "name": "cell",
                "n_features": 2,
                "n_hidden": 2,
                "n_steps": 3,
                "bias": True,
            },
            affine("output", 2, n_out),
        ]

    conv = network(
        "conv-relu-cross-entropy",
        "2 × 2 convolution, ReLU, max-pool, dense.",
        ["convolution", "tied-weights", "deep"],
        convolution("relu", 2),
        [5, 5, 1],
        2,
        n_samples=4,
        loss="cross_entropy",
    )
    elman = network(
        "elman-squared-error",
        "Three time steps.",
        ["recurrence", "tied-weights", "deep"],
        recurrence(1),
        [3, 2],
        1,
        n_samples=5,
        enumerate_at=[(1, 0.125), (2, 0.25)],
    )
    return [
        conv,
        network(
            "conv-tanh-squared-error",
            "2 × 2 convolution, tanh, max-pool, dense.",
            ["convolution", "tied-weights", "deep", "multiple-outputs"],
            convolution("tanh", 2),
            [5, 5, 1],
            2,
            n_samples=4,
        ),
        twin(
            conv, "conv-mean-reduced", "Trained on the mean loss.", "mean-reduced", reduction="mean"
        ),
        elman,
        network(
            "elman-cross-entropy",
            "Three time steps, three classes.",
            ["recurrence", "tied-weights", "deep"],
            recurrence(3),
            [3, 2],
            3,
            n_samples=5,
            loss="cross_entropy",
            enumerate_at=[(1, 0.125)],
        ),
        twin(
            elman,
            "elman-mean-reduced",
            "Trained on the mean loss.",
            "mean-reduced",
            reduction="mean",
            enumerate_at=(),
        ),
    ]
