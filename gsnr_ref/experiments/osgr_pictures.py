"""E7: loss curves with OSGR near 0, between, and near 1; the gap and its one-step predictions."""

from typing import Any

import numpy as np

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
    select,
    values,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    Samples,
    all_parts,
    contrary,
    losses,
    mean_gradient,
    median_at_least,
    moved,
    pool,
)
from gsnr_ref.inference import debiased_osgr
from gsnr_ref.moments import gradient_moments
from toy_models import MLP, LinearRegression, randomize_labels
from toy_models.affine_maps import AffineModel

#: By name: settings with three values have one for each. The first is a linear regression on noise,
#: the others are images.
PICTURES = ("near 0", "between", "near 1")


def cells(settings: Settings) -> list[Cell]:
    """A cell a picture and a repetition; the largest first."""
    grid = [
        {"picture": picture, "n": n, "learning_rate": rate, "repetition": repetition}
        for picture, n, rate in zip(PICTURES, settings["n"], settings["learning_rate"], strict=True)
        for repetition in range(settings["repetitions"])
    ]
    grid.reverse()
    shared = ("data", "n_features", "n_test", "label_noise", "width", "last_step")
    return with_settings(grid, settings, *shared)


def start_of(cell: Cell) -> tuple[AffineModel, Samples, Samples]:
    """The model, its training set and its test set, which have no sample in common."""
    n, n_test = cell["n"], cell["n_test"]
    seed = [cell["seed"], PICTURES.index(cell["picture"]), cell["repetition"]]
    rng = np.random.default_rng(seed)
    if cell["picture"] == "near 0":
        p = cell["n_features"]
        x = rng.standard_normal((n + n_test, p)) / np.sqrt(p)
        y = rng.standard_normal(n + n_test)  # nothing to learn
        model: AffineModel = LinearRegression(p, bias=False)
    else:
        images = pool(cell["data"])
        chosen = rng.permutation(len(images.x))[: n + n_test]
        x, y = images.x[chosen].reshape(len(chosen), -1), images.y[chosen]
        if cell["picture"] == "between":
            y = randomize_labels(y, cell["label_noise"], int(rng.integers(2**31)))
        model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    return model, (x[:n], y[:n]), (x[n:], y[n:])


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a step each."""
    rate = cell["learning_rate"]
    model, (x, y), (test_x, test_y) = start_of(cell)
    params = model.init(1000 * cell["seed"] + cell["repetition"])
    named = {name: cell[name] for name in ("picture", "n", "repetition")}
    rows: list[Row] = []
    predicted_gap = ledger = 0.0
    start_gap = None
    for step in range(cell["last_step"] + 1):
        moments = gradient_moments(model, params, x, y)
        training = float(losses(model, params, x, y).mean())
        test = float(losses(model, params, test_x, test_y).mean())
        start_gap = test - training if start_gap is None else start_gap
        rows.append(
            named
            | {
                "step": step,
                "training_loss": training,
                "test_loss": test,
                "gap": test - training - start_gap,
                "predicted_gap": predicted_gap,
                "ledger": ledger,
                "debiased_osgr": debiased_osgr(moments),
            }
        )
        _, trace = moments.signal_and_noise(ddof=1)
        predicted_gap += rate * trace / cell["n"]  # equation 14: λ Σ σ², step by step
        apart = mean_gradient(model, params, test_x, test_y)
        ledger += rate * sum(
            float((g * (g - apart[name])).sum()) for name, g in moments.mean.items()
        )  # 4.6: equation 14 times κ
        params = moved(params, moments.mean, rate)
    return rows


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Loss curves on the left; the gap, its prediction and the ledger on the right."""
    drawn, axes = figure(len(PICTURES), 2, height=2.8)
    for j, picture in enumerate(PICTURES):
        path = select(rows, picture=picture)
        left, right = axes[2 * j], axes[2 * j + 1]
        for panel, name, label, k, line in (
            (left, "training_loss", "training loss", 0, "-"),
            (left, "test_loss", "test loss", 1, "--"),
            (right, "gap", "gap, measured", 0, "-"),
            (right, "predicted_gap", "Σ λ Σσ² (eq. 14)", 1, "--"),
            (right, "ledger", "ledger (4.6)", 2, ":"),
        ):
            curve(panel, *mean_curve(path, "step", name), label, k)
            panel.get_lines()[-1].set(linestyle=line, marker="")
        left.set_title(f"OSGR {picture}: n = {path[0]['n']}", fontsize=10)
        left.set_ylabel("loss" if picture == PICTURES[0] else "loss (nats)")
        left.set_ylim(bottom=0)
        right.set_ylabel("test − training loss")
        for panel in (left, right):
            panel.set_xlabel("step of gradient descent")
    label_ends(axes)
    return {"three-pictures": drawn}


def _decreases(rows: list[Row], picture: str, last: int) -> list[float]:
    """Test decrease over training decrease from the start to a step, a run each."""
    ratios = []
    for repetition in values(rows, "repetition"):
        path = select(rows, picture=picture, repetition=repetition)
        first, end = path[0], path[min(last, len(path) - 1)]
        training = first["training_loss"] - end["training_loss"]
        ratios.append((first["test_loss"] - end["test_loss"]) / training)
    return ratios


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Over the first and over all steps: test decrease over training decrease, and the gaps."""
    found = []
    for picture in PICTURES:
        for last in (10, settings["last_step"]):
            ends = select(rows, picture=picture, step=last)
            gap, predicted, ledger = (
                column(ends, name).mean() for name in ("gap", "predicted_gap", "ledger")
            )
            ratio = np.median(_decreases(rows, picture, last))
            text = f"test decrease over training decrease {ratio:.2f} (median of {len(ends)}); "
            text += f"gap {gap:.4g}, predicted {predicted:.4g}, by the ledger {ledger:.4g} (means)"
            found.append(Finding(f"OSGR {picture}, first {last} steps", text))
    low, between, high = (_decreases(rows, picture, 10) for picture in PICTURES)
    found.append(
        Finding(
            "Test decrease over training decrease in the first 10 steps, in the three pictures",
            ", ".join(f"{np.median(ratios):.2f}" for ratios in (low, between, high)),
            "near 0 (below 0.2), between, near 1 (0.8 or more)",
            all_parts(
                contrary(median_at_least(low, 0.2, "near 0:")),
                median_at_least(between, 0.2, "between:"),
                contrary(median_at_least(between, 0.8, "between:")),
                median_at_least(high, 0.8, "near 1:"),
            ),
        )
    )
    starts = [select(rows, picture=picture, step=0) for picture in PICTURES]
    text = ", ".join(f"{column(path, 'debiased_osgr').mean():.2f}" for path in starts)
    return [*found, Finding("Debiased OSGR at the start, from training sets alone, means", text)]


EXPERIMENT = Experiment(
    name="osgr-pictures",
    title="Three pictures of OSGR (E7)",
    asks="Training and test loss where OSGR is near 0 (a linear regression with many more features "
    "than samples learns noise: the test loss stays flat), between (few images, a share of the "
    "labels random), and near 1 (many images, true labels). The population of the images is all "
    "of them, the published training and test images together; training and test set are drawn "
    "from it without an image in common. Beside the losses the generalization gap that opened "
    "since the start, against the sum of its one-step predictions λ Σσ² = λ tr Σ/n (equation 14), "
    "which assumes at each step that the parameters do not depend on the training set, and the "
    "ledger of the gap (4.6), which does not. Bands are one standard error over repetitions.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        n=([10, 40, 400], [20, 200, 5000], [20, 1000, 50000]),
        n_features=(200, 2000, 2000),
        n_test=(200, 2000, 10000),
        label_noise=(0.5, 0.5, 0.5),
        width=(16, 32, 100),
        learning_rate=([1.0, 0.1, 0.1], [1.0, 0.1, 0.1], [1.0, 0.1, 0.1]),
        last_step=(30, 200, 1000),
        repetitions=(1, 5, 10),
    ),
    expected=RANGES
    | {
        "n": RANGES["n"].values(len(PICTURES)),
        "learning_rate": RANGES["learning_rate"].values(len(PICTURES)),
        "n_features": whole(1, 1_000_000),
        "last_step": whole(11, 10_000_000),  # the findings look at the first 10
    },
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "three-pictures": "On the left, whether the test loss stays behind the training loss; on "
        "the right, where the sum of one-step predictions leaves the measured gap, as the "
        "parameters come to know the training set, and whether the ledger (4.6) stays with it.",
    },
    load=lambda settings: pool(settings["data"]),
)
