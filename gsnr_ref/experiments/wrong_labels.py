"""Wrong labels: found by a sample's agreement with the others, by loss, by gradient norm."""

from typing import Any

import numpy as np

from gsnr_ref.contract import Array, flat_rows
from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    by_scale,
    column,
    curve,
    figure,
    label_ends,
    mean_curve,
    number,
    select,
    symlog,
    values,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    curves,
    descend,
    draw,
    log_spaced,
    losses,
    median_at_least,
    pool,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.related import sample_agreement
from toy_models import MLP

SCORES = {"auc_agreement": "−u_i", "auc_loss": "loss", "auc_norm": "‖g_i‖"}

#: λt of the trial in which −u_i found wrong labels better than the loss.
EARLY = 2.0


def cells(settings: Settings) -> list[Cell]:
    """A cell a share of replaced labels and a repetition."""
    grid = [
        {"label_noise": noise, "repetition": repetition}
        for noise in settings["label_noise"]
        for repetition in range(settings["repetitions"])
    ]
    return with_settings(grid, settings, "data", "n", "width", "learning_rate", "last_step")


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    images, n, noise = pool(cell["data"]), cell["n"], cell["label_noise"]
    key = [cell["seed"], 61, n, round(1000 * noise), cell["repetition"]]
    x, y = draw(images.x, images.y, n, noise, key)
    _, true = draw(images.x, images.y, n, 0.0, key)  # the same images
    x, wrong = x.reshape(n, -1).astype(float), y != true
    model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    start = model.init(1000 * cell["seed"] + cell["repetition"])
    rows = []
    steps = log_spaced(cell["last_step"])
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        gradients = flat_rows(per_sample_gradients(model, params, x, y))
        agreement, loss = sample_agreement(gradients), losses(model, params, x, y)
        scores = (-agreement, loss, np.linalg.norm(gradients, axis=1))
        rows.append(
            {"label_noise": noise, "repetition": cell["repetition"], "step": step}
            | {"lambda_t": cell["learning_rate"] * step, "training_loss": float(loss.mean())}
            | {name: auc(s, wrong) for name, s in zip(SCORES, scores, strict=True)}
            | {"u_right": _mean(agreement[~wrong]), "u_wrong": _mean(agreement[wrong])}
        )
    return rows


def auc(score: Array, wrong: Array) -> float:
    """Chance that a wrong label has a higher score than a right one, ties counted half.

    The area under the curve of hits against false alarms; nan where all labels are of one kind.

    Examples
    --------
    >>> auc(np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, False, True]))
    0.875
    """
    if wrong.all() or not wrong.any():
        return float("nan")
    apart = score[wrong][:, None] - score[~wrong]
    return float((apart > 0).mean() + (apart == 0).mean() / 2)


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """AUC of each score, and the mean u_i of right and of wrong labels, a row a share of noise."""
    noises = settings["label_noise"]
    drawn, axes = figure(len(noises), 2, height=2.8, share="columns")
    for k, noise in enumerate(noises):
        mine, (left, right) = select(rows, label_noise=noise), axes[2 * k : 2 * k + 2]
        for j, (name, label) in enumerate(SCORES.items()):
            curve(left, *mean_curve(mine, "lambda_t", name), label, j)
        for j, (name, label) in enumerate((("u_right", "right"), ("u_wrong", "wrong"))):
            curve(right, *mean_curve(mine, "lambda_t", name), f"{label} labels", j)
        left.axhline(0.5, color="0.6", linewidth=1)
        right.axhline(0, color="0.6", linewidth=1)
        left.set_ylabel("AUC: wrong labels found")
        right.set_ylabel("mean u_i")
        for panel in (left, right):
            symlog(panel, "x", settings["learning_rate"])
            panel.set_xlim(left=0)
            panel.set_xlabel("λt")
            panel.set_title(f"label noise {noise:g}", fontsize=10)
    label_ends(axes)
    return {"wrong-labels": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """The highest AUC of each score, and whether agreement beats the loss, run by run."""
    found = []
    for noise in values(rows, "label_noise"):
        mine = select(rows, label_noise=noise)
        best = {name: [_highest(c.values) for c in curves(mine, name)] for name in SCORES}
        text = ", ".join(f"{SCORES[name]} {np.median(b):.3f}" for name, b in best.items())
        text += f" (medians of {len(best['auc_loss'])} runs)"
        found.append(Finding(f"Label noise {noise:g}: highest AUC along the run", text))
        early = min(values(mine, "lambda_t"), key=lambda t: abs(t - EARLY))
        here = select(mine, lambda_t=early)
        text = ", ".join(f"{s} {np.median(column(here, name)):.3f}" for name, s in SCORES.items())
        apart = (column(here, "auc_agreement") - column(here, "auc_loss")).tolist()
        verdict = median_at_least(apart, 0.0, "AUC of −u_i less that of the loss")
        what = f"Label noise {noise:g}: AUC early, at λt = {early:.3g}"
        found.append(Finding(what, text, "−u_i finds them better than the loss (a trial)", verdict))
    return found


def _highest(curve_: Array) -> float:
    return float(np.nanmax(curve_)) if np.isfinite(curve_).any() else float("nan")


EXPERIMENT = Experiment(
    name="wrong-labels",
    title="Wrong labels: who disagrees with the others",
    asks="A perceptron learns n images, a share of whose labels were replaced by random ones. "
    "Along gradient descent each sample gets three scores: −u_i, u_i = g_i · (mean gradient of the "
    "others), whose mean is the debiased ‖g̃‖² (4.9); its loss; and the norm of its gradient. AUC "
    "is the chance that a wrong label has a higher score than a right one. At parameters that do "
    "not depend on the samples, the mean u_i of a class of labels is what a small step on all of "
    "them gains on that class, over λ. Bands are one standard error over repetitions.",
    scales=by_scale(
        data=("digits", "digits", "mnist"),
        n=(60, 1000, 10000),
        label_noise=([0.2], [0.1, 0.2, 0.5], [0.1, 0.2, 0.5]),
        width=(4, 16, 64),
        learning_rate=(0.2, 0.2, 0.1),
        last_step=(20, 2000, 5000),
        repetitions=(2, 10, 10),
    ),
    expected=RANGES | {"label_noise": number(0, 1)},
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "wrong-labels": "How early and how well −u_i finds wrong labels beside loss and gradient "
        "norm, and when all of them fail: the wrong labels are then fitted.",
    },
    load=lambda settings: pool(settings["data"]),
)
