"""E6: signs of gradients, weights against the change of their gradients, and equation 28."""

from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Model, Params, flat
from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    by_scale,
    curve,
    figure,
    label_ends,
    log_steps,
    mean_curve,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    as_float32,
    convnet,
    curves,
    draw,
    losses,
    mean_gradient,
    moved,
    pool,
    reaches,
    turns,
)
from gsnr_ref.feature_learning import feature_learning_terms
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.related import sign_agreement


def cells(settings: Settings) -> list[Cell]:
    """A cell a repetition."""
    grid = [{"repetition": repetition} for repetition in range(settings["repetitions"])]
    of_the_task = ("data", "n", "n_signs", "label_noise")
    of_the_run = ("channels", "hidden", "learning_rate", "measured_steps")
    return with_settings(grid, settings, *of_the_task, *of_the_run)


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    images = pool(cell["data"])
    seed = [cell["seed"], cell["repetition"]]
    model = convnet(cell["data"], cell["channels"], cell["hidden"])
    x, y = draw(images.x, images.y, cell["n"], cell["label_noise"], seed)
    params = as_float32(model.init(cell["seed"] + cell["repetition"]))
    measured = set(cell["measured_steps"])
    rows, done = [], 0
    gradient = mean_gradient(model, params, x, y)
    while done <= max(measured):
        following = moved(params, gradient, cell["learning_rate"])
        next_gradient = mean_gradient(model, following, x, y)
        if done in measured:
            signs = per_sample_gradients(model, params, x[: cell["n_signs"]], y[: cell["n_signs"]])
            labels = {"repetition": cell["repetition"], "step": done}
            rows.append(
                labels
                | {"sign_agreement": sign_agreement(signs)}
                | {"training_loss": float(losses(model, params, x, y).mean())}
                | _weights_and_gradients(params, gradient, next_gradient)
                | _equation_28(model, params, gradient, x, y, cell["learning_rate"])
            )
        params, gradient, done = following, next_gradient, done + 1
    return rows


def _weights_and_gradients(params: Params, before: Params, after: Params) -> Row:
    """Correlation of W with Δg in one step, and signs of the largest weights; over all weights."""
    names = [name for name in before if name.endswith(".weight")]
    w, g, h = (
        flat({name: tree[name] for name in names}).astype(np.float64)
        for tree in (params, before, after)
    )
    moving = g != 0
    w, g, h = w[moving], g[moving], h[moving]
    largest = np.abs(w) >= np.quantile(np.abs(w), 0.9)
    return {
        "corr_w_dg": float(np.corrcoef(w, h - g)[0, 1]),
        "opposite_largest": float((w[largest] * g[largest] < 0).mean()),
        "opposite_all": float((w * g < 0).mean()),
    }


def _equation_28(
    model: Model, params: Params, gradient: Params, x: Array, y: Array, learning_rate: float
) -> Row:
    """Equation 28's term of the last layer against the measured change of its mean gradient.

    The change is measured in a step of the earlier layers alone: the derivation's "other terms" are
    what the deltas do meanwhile.
    """
    layer = "dense2"
    earlier = {k: v for k, v in gradient.items() if not k.startswith(layer)}
    stepped = moved(params, earlier, learning_rate)
    weight = f"{layer}.weight"
    change = mean_gradient(model, stepped, x, y)[weight] - gradient[weight]
    term = feature_learning_terms(model, params, x, y, layer)
    moving = term.diagonal != 0
    change = change[moving].astype(float)

    def correlation(predicted: Array) -> float:
        return float(np.corrcoef(predicted[moving].astype(float), change)[0, 1])

    return {
        "corr_28_diagonal": correlation(term.diagonal),
        "corr_28_complete": correlation(term.complete),
        "slope_28_complete": float(
            (learning_rate * term.complete[moving] * change).sum() / np.square(change).sum()
        ),
        "same_sign_28": float((term.diagonal[moving] * change > 0).mean()),
    }


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Signs, correlation and equation 28 against the step."""
    drawn, (signs, weights, largest, formula) = figure(2, 2)
    curve(signs, *mean_curve(rows, "step", "sign_agreement"), "all parameters", 0)
    signs.axhline(0.5, color="0.6", linewidth=1)
    signs.set_ylabel("sign agreement of per-sample gradients")
    curve(weights, *mean_curve(rows, "step", "corr_w_dg"), "corr(W, Δg), one step", 0)
    weights.axhline(0, color="0.6", linewidth=1)
    weights.set_ylabel("correlation")
    curve(largest, *mean_curve(rows, "step", "opposite_largest"), "10 % largest |W|", 0)
    curve(largest, *mean_curve(rows, "step", "opposite_all"), "all weights", 1)
    largest.axhline(0.5, color="0.6", linewidth=1)
    largest.set_ylabel("share with sign opposite to mean gradient")
    for k, (name, label) in enumerate(
        (("corr_28_diagonal", "equation 28"), ("corr_28_complete", "all of feature learning"))
    ):
        curve(formula, *mean_curve(rows, "step", name), label, k)
    formula.set_ylabel("correlation with measured Δg, last layer")
    for panel in (signs, weights, largest, formula):
        log_steps(panel)
        panel.set_xlabel("step of gradient descent")
    label_ends((signs, weights, largest, formula))
    return {"feature-learning": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Each figure of the paper's section 3 beside the measured one."""
    at, signs, _ = mean_curve(rows, "step", "sign_agreement")
    _, correlation, _ = mean_curve(rows, "step", "corr_w_dg")
    _, opposite, _ = mean_curve(rows, "step", "opposite_largest")
    _, diagonal, _ = mean_curve(rows, "step", "corr_28_diagonal")
    _, complete, _ = mean_curve(rows, "step", "corr_28_complete")
    _, same, _ = mean_curve(rows, "step", "same_sign_28")
    top = int(np.argmax(signs))
    sign_text = f"{100 * signs[0]:.1f} % at the start, at most {100 * signs[top]:.1f} % at step "
    sign_text += f"{at[top]:.0f}"
    path = ", ".join(f"{t:.0f}: {c:+.2f}" for t, c in zip(at, correlation, strict=True))
    return [
        Finding("Sign agreement", sign_text, "about 50 % to about 56 % (paper; definition ours)"),
        Finding(
            "corr(W, Δg), by step",
            path,
            "negative early, about +0.4 after about epoch 100 (paper)",
            turns(curves(rows, "corr_w_dg"), 0.3),
        ),
        Finding(
            "10 % largest |W| with the sign opposite to their mean gradient",
            f"{100 * opposite[0]:.0f} % at the start, {100 * opposite.max():.0f} % at most",
            "about 80 % (paper)",
            reaches(curves(rows, "opposite_largest"), 0.75),
        ),
        Finding(
            "Equation 28 against the measured change of the last layer's gradient, correlation",
            f"{diagonal[0]:.2f} at the start, {diagonal.min():.2f} to {diagonal.max():.2f}; same "
            f"sign for {100 * same[0]:.0f} % of the weights at the start",
        ),
        Finding(
            "All of feature learning (δ frozen) against the measured change, correlation",
            f"{complete[0]:.2f} at the start, {complete.min():.2f} to {complete.max():.2f}",
        ),
    ]


EXPERIMENT = Experiment(
    name="feature-learning",
    title="Feature learning: signs, weights and equation 28 (E6)",
    asks="Along gradient descent of a convolutional network: how far do the signs of per-sample "
    "gradients agree (mean over parameters of q² + (1 − q)², q the share of positive signs: 50 % "
    "without agreement); is the change of a weight's mean gradient in a step correlated with the "
    "weight; do the largest weights have the sign opposite to their gradient; and does equation "
    "28's term predict how the last layer's gradient changes in a step of the earlier layers? The "
    "hidden dense layer is narrower than in the paper, since equation 28 takes a backward pass a "
    "weight.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        n=(60, 200, 5000),
        n_signs=(60, 200, 500),
        channels=(2, 6, 6),
        hidden=(6, 24, 120),
        learning_rate=(0.1, 0.02, 0.001),
        measured_steps=(
            [0, 3, 10],
            [0, 1, 3, 10, 30, 60, 100, 200, 300],
            [0, 1, 3, 10, 30, 100, 200, 300, 1000],
        ),
        label_noise=(0.0, 0.0, 0.0),
        repetitions=(1, 2, 5),
    ),
    expected=RANGES | {"hidden": whole(2, 10_000)},  # one unit, once dead, leaves no weight
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "feature-learning": "Where, if at all, corr(W, Δg) turns from negative to positive, and "
        "how close equation 28 comes to the measured change of the gradient.",
    },
    load=lambda settings: pool(settings["data"]),
)
