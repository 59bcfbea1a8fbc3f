"""One affine map: the location model, linear regression, softmax regression.

Imports nothing of ``gsnr_ref``.
"""

import random
from collections.abc import Sequence
from typing import Any

from tests.certify.cases.building import (
    Case,
    affine,
    case,
    draw,
    network,
    reordered,
    twin,
)


def location_cases() -> list[Case]:
    """One parameter θ, loss ½(θ − y)²: the gradient is θ − y. An affine map of the input 1."""

    def location(
        id: str,
        description: str,
        flags: Sequence[str],
        theta: float,
        y: Sequence[float],
        **more: Any,
    ) -> Case:
        x, targets = [[1.0]] * len(y), [[value] for value in y]
        layers = [affine("linear", 1, 1, bias=False)]
        params = {"linear.weight": [[theta]]}
        return case(id, description, ("rational", *flags), layers, params, x, targets, **more)

    rates = [(1, 0.125), (2, 0.125), (2, 0.5), (3, 1.5)]
    ones = [1e-6, -1e-6, 2e-6, -2e-6, 3e-6, -1.5e-6]
    return [
        location("location", "The location model: GSNR is (θ − μ)²/s².", ["basic"], 0.7,
                 [0.1, 1.3, -0.4, 0.25], enumerate_at=rates),
        location("location-weighted", "Points with probabilities.", ["weighted"], 0.7,
                 [0.1, 1.3, -0.4, 0.25], probabilities=[0.125, 0.375, 0.25, 0.25],
                 enumerate_at=rates),
        location("location-zero-mean", "θ is the mean of y.", ["zero-mean", "negative-estimate"],
                 0.5, [0.0, 1.0, -0.5, 1.5], enumerate_at=rates),
        location("location-zero-variance", "All targets are equal.", ["zero-variance"], 0.75,
                 [0.5, 0.5, 0.5, 0.5], enumerate_at=rates),
        location("location-one-sample", "One sample.", ["one-sample", "zero-variance"], 0.3,
                 [0.1], enumerate_at=[(1, 0.125), (2, 0.5)]),
        location("location-two-samples", "Two samples.", ["two-samples"], 0.3, [0.1, 1.1],
                 enumerate_at=rates),
        location("location-three-samples", "Three samples.", ["three-samples"], 0.3,
                 [0.1, 1.1, -0.7], enumerate_at=rates),
        location("location-all-dead", "A perfect fit: every gradient is 0.", ["all-dead", "dead"],
                 0.5, [0.5, 0.5, 0.5]),
        location("location-snr-1e12", "Gradients 1 ± 1e-6.", ["large-snr"], 1.0, ones),
        location("location-snr-1e-12", "Gradients ±1 with a mean of 1e-6.",
                 ["small-snr", "negative-estimate"], 0.0,
                 [1 - 1e-6, -1 - 1e-6, 0.9 - 1e-6, -0.9 - 1e-6, 1.1 - 1e-6, -1.1 - 1e-6]),
        location("location-no-signal", "A mean within its error: estimates below 0.",
                 ["negative-estimate"], 0.1, [0.9, -1.2, 0.4, -0.8, 1.3, -0.2, 0.6, -0.5],
                 enumerate_at=[(1, 0.125), (2, 0.5)]),
        location("location-fifty", "Fifty samples: ddof changes 2 %.", ["basic"], 0.7,
                 draw(random.Random("location-fifty"), 50, scale=2.0)),
    ]  # fmt: skip


def linear_cases() -> list[Case]:
    """Linear regression: rational, with everything that can go wrong in moments."""

    def linear(
        id: str,
        description: str,
        flags: Sequence[str],
        n_in: int = 2,
        n_out: int = 1,
        bias: bool = True,
        **more: Any,
    ) -> Case:
        layers = [affine("linear", n_in, n_out, bias)]
        if "params" not in more:
            tags = ("rational", *flags, *(["bias"] if bias else []))
            return network(id, description, tags, layers, [n_in], n_out, **more)
        params, x, y = (more.pop(key) for key in ("params", "x", "y"))
        return case(id, description, ("rational", *flags), layers, params, x, y, **more)

    rates = [(1, 0.125), (2, 0.125), (2, 0.5)]
    base = linear("linear", "Two features, one output.", ["basic"], enumerate_at=rates)
    several = linear(
        "linear-multi-output", "Three outputs.", ["multiple-outputs"], n_out=3, enumerate_at=rates
    )
    x = [[1.0, 0.25], [1.0, -1.5], [1.0, 0.5], [1.0, 1.25]]
    params = {"linear.weight": [[0.5], [0.75]], "linear.bias": [0.125]}
    signs = [1.0, -1.0, 1.0, -1.0]

    def targets(residuals: Sequence[float]) -> list[list[float]]:
        """Targets that leave these residuals, exactly, on x and params."""
        rows = zip(x, residuals, strict=True)
        return [[0.5 * row[0] + 0.75 * row[1] + 0.125 - r] for row, r in rows]

    unbiased: dict[str, Any] = {"n_in": 1, "bias": False}
    scales = [
        [1.0, 0.001, 1000.0],
        [0.9, -0.0012, 700.0],
        [1.2, 0.0004, -150.0],
        [-0.3, 0.0021, 480.0],
        [0.8, -0.0016, 820.0],
        [1.4, 0.0007, 90.0],
    ]
    return [
        base,
        linear("linear-no-bias", "No bias.", ["basic"], bias=False, enumerate_at=rates),
        several,
        linear("linear-square", "Three features, three outputs, no bias.",
               ["multiple-outputs", "square-weight"], n_in=3, n_out=3, bias=False),
        linear("linear-two-outputs", "Two outputs: ½ and a mean over outputs cancel.",
               ["multiple-outputs"], n_in=3, n_out=2),
        linear("linear-weighted", "A population of four points with probabilities.", ["weighted"],
               n_samples=4, probabilities=[0.5, 0.125, 0.125, 0.25], enumerate_at=rates),
        twin(base, "linear-duplicated", "Each sample twice.", "duplicated", enumerate_at=(),
             **reordered(base, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])),
        twin(base, "linear-permuted", "Another order.", "permuted",
             **reordered(base, [3, 5, 0, 4, 1, 2])),
        twin(base, "linear-batches", "Three batches of two.", "batches", batches=[2, 2, 2]),
        twin(base, "linear-uneven-batches", "Batches of one, two and three.", "uneven-batches",
             batches=[1, 2, 3]),
        twin(base, "linear-loss-scaled", "The loss times 1024.", "loss-scaled", enumerate_at=(),
             scale=1024.0),
        twin(base, "linear-loss-scaled-1e-3", "The loss times 0.001, which is no binary number.",
             "loss-scaled", enumerate_at=(), scale=0.001),
        twin(base, "linear-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean"),
        twin(base, "linear-sum-reduced", "Trained on the summed loss.", "sum-reduced",
             reduction="sum"),
        twin(several, "linear-multi-output-mean-reduced", "Trained on the mean loss.",
             "mean-reduced", reduction="mean", enumerate_at=()),
        linear("linear-one-sample", "One sample.", ["one-sample", "zero-variance"], n_samples=1,
               enumerate_at=[(1, 0.125)]),
        linear("linear-two-samples", "Two samples.", ["two-samples"], n_samples=2,
               enumerate_at=rates),
        linear("linear-three-samples", "Three samples.", ["three-samples"], n_samples=3,
               enumerate_at=rates),
        linear("linear-eight-samples", "Eight samples: B² = 64.", ["basic"], n_samples=8),
        linear("linear-zero-variance", "Constant residual: the bias and one weight never vary.",
               ["zero-variance", "bias"], params=params, x=x, y=targets([0.5] * 4),
               enumerate_at=rates),
        linear("linear-zero-mean", "Residuals ±1 in balance: the bias has mean 0.",
               ["zero-mean", "bias", "negative-estimate"], params=params, x=x, y=targets(signs),
               enumerate_at=rates),
        linear("linear-dead-input", "A feature that is always 0.", ["dead", "bias"],
               params=params, x=[[0.0, row[1]] for row in x],
               y=[[0.3], [-1.1], [0.9], [0.2]], enumerate_at=rates),
        linear("linear-snr-1e12", "Gradients with a relative deviation of 1e-6.", ["large-snr"],
               n_in=2, bias=False, params={"linear.weight": [[0.5], [0.25]]},
               x=[[1.0, 2.0]] * 6,
               y=[[v] for v in (1e-6, -1e-6, 2e-6, -2e-6, 5e-7, 1.5e-6)]),
        linear("linear-snr-1e-12", "A mean a million times smaller than the deviation.",
               ["small-snr", "negative-estimate"], **unbiased,
               params={"linear.weight": [[1e-6]]}, x=[[1.0], [1.0], [2.0], [2.0]],
               y=[[1.0], [-1.0], [0.5], [-0.5]]),
        linear("linear-tiny-1e-6", "Gradients around 1e-6.", ["tiny-gradients"], bias=False,
               params={"linear.weight": [[1e-6], [-2e-6]]},
               x=[[0.7, 1.3], [-0.4, 1.1], [1.9, 0.2], [0.6, -0.8], [1.1, 0.9]],
               y=[[3e-6], [-1e-6], [2.5e-6], [4e-6], [1.2e-6]]),
        linear("linear-tiny-1e-150", "Gradients around 1e-150.", ["tiny-gradients"], bias=False,
               params={"linear.weight": [[1e-150], [-2e-150]]},
               x=[[0.7, 1.3], [-0.4, 1.1], [1.9, 0.2], [0.6, -0.8], [1.1, 0.9]],
               y=[[3e-150], [-1e-150], [2.5e-150], [4e-150], [1.2e-150]]),
        linear("linear-huge-1e150", "Gradients around 1e150.", ["huge-gradients"], bias=False,
               params={"linear.weight": [[1e150], [-2e150]]},
               x=[[0.7, 1.3], [-0.4, 1.1], [1.9, 0.2], [0.6, -0.8], [1.1, 0.9]],
               y=[[3e150], [-1e150], [2.5e150], [4e150], [1.2e150]]),
        linear("linear-float32", "Inputs that float32 holds exactly.", ["float32-inputs"],
               params=params, x=[[0.5, -1.25], [1.75, 0.375], [-0.625, 2.0], [1.5, 1.125],
                                 [-2.25, 0.875]],
               y=[[1.25], [-0.5], [0.375], [2.5], [-1.75]], dtype="float32"),
        linear("linear-large-residual", "Targets that agree with the outputs in six digits.",
               ["large-residual"], bias=False, params={"linear.weight": [[1.5], [-0.7]]},
               x=[[1.1, 0.3], [0.9, 1.7], [-1.3, 0.6], [0.4, -1.9]],
               y=[[1.440001], [0.159998], [-2.370003], [1.930001]]),
        linear("linear-mixed-scales", "Features of scale 1, 0.001 and 1000.", ["mixed-scales"],
               n_in=3, bias=False, params={"linear.weight": [[0.5], [20.0], [0.001]]}, x=scales,
               y=[[0.3], [1.1], [-0.6], [0.2], [1.5], [-0.9]]),
    ]  # fmt: skip


def softmax_cases() -> list[Case]:
    """Softmax regression."""
    rates = [(1, 0.125), (2, 0.5)]

    def softmax(
        id: str,
        description: str,
        flags: Sequence[str],
        n_classes: int = 3,
        bias: bool = True,
        **more: Any,
    ) -> Case:
        layers = [affine("linear", 2, n_classes, bias)]
        tags = (*flags, *(["bias"] if bias else []))
        if "params" not in more:
            return network(
                id, description, tags, layers, [2], n_classes, loss="cross_entropy", **more
            )
        params, x, y = (more.pop(key) for key in ("params", "x", "y"))
        return case(id, description, tags, layers, params, x, y, "cross_entropy", **more)

    base = softmax("softmax", "Three classes.", ["basic"], enumerate_at=rates)
    zeros = {"linear.weight": [[0.0] * 4] * 2, "linear.bias": [0.0] * 4}
    x = [[0.6, -0.3], [1.2, 0.7], [-0.5, 0.9], [0.1, -1.4]]
    return [
        base,
        softmax("softmax-no-bias", "No bias.", ["basic"], bias=False, enumerate_at=rates),
        softmax("softmax-two-classes", "Two classes, two features: a square weight.",
                ["square-weight"], n_classes=2, enumerate_at=rates),
        softmax("softmax-weighted", "Points with probabilities.", ["weighted"], n_samples=4,
                probabilities=[0.25, 0.0625, 0.5, 0.1875], enumerate_at=rates),
        twin(base, "softmax-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean", enumerate_at=()),
        twin(base, "softmax-sum-reduced", "Trained on the summed loss.", "sum-reduced",
             reduction="sum", enumerate_at=()),
        twin(base, "softmax-loss-scaled", "The loss times 1e-6.", "loss-scaled", enumerate_at=(),
             scale=1e-6),
        twin(base, "softmax-duplicated", "Each sample twice.", "duplicated", enumerate_at=(),
             **reordered(base, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])),
        twin(base, "softmax-uneven-batches", "Batches of four, one and one.", "uneven-batches",
             batches=[4, 1, 1], enumerate_at=()),
        softmax("softmax-uniform", "All parameters 0: every class has probability ¼.",
                ["zero-mean"], n_classes=4, params=zeros, x=x, y=[0, 1, 2, 3]),
        softmax("softmax-saturated", "Logits of ±40: losses of 1e-35 and of 80.", ["saturated"],
                n_classes=2, params={"linear.weight": [[40.0, -40.0], [0.5, 0.25]],
                                     "linear.bias": [0.5, -0.5]},
                x=[[1.0, 0.3], [-1.0, 0.7], [0.5, -0.2], [0.9, 1.1], [0.8, -0.6]],
                y=[0, 1, 1, 1, 0]),
        softmax("softmax-float32", "Inputs that float32 holds exactly.", ["float32-inputs"],
                params={"linear.weight": [[0.5, -0.25, 1.125], [0.75, 0.375, -0.5]],
                        "linear.bias": [0.125, -0.5, 0.25]},
                x=[[0.5, -1.25], [1.75, 0.375], [-0.625, 2.0], [1.5, 1.125], [-2.25, 0.875]],
                y=[0, 2, 1, 1, 0], dtype="float32"),
    ]  # fmt: skip
