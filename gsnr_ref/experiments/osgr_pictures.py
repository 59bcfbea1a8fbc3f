"""E7: loss curves with OSGR near 0, between, and near 1; the gap and its one-step predictions."""

from typing import Any

from gsnr_ref.experiments.harness import (
    COLOURS,
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    Verdict,
    by_scale,
    column,
    figure,
    label_ends,
    select,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import RANGES, draw, losses, mean_gradient, moved, pool
from gsnr_ref.inference import debiased_osgr
from gsnr_ref.moments import gradient_moments
from toy_models import MLP

#: Size of the training set and label noise of each picture, by its name.
PICTURES = ("near 0", "between", "near 1")


def cells(settings: Settings) -> list[Cell]:
    """A cell a picture."""
    grid = [
        {"picture": picture, "n": n, "label_noise": noise}
        for picture, n, noise in zip(PICTURES, settings["n"], settings["label_noise"], strict=True)
    ]
    return with_settings(grid, settings, "data", "width", "learning_rate", "last_step")


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a step each."""
    images, seed = pool(cell["data"]), cell["seed"]
    noise, rate = cell["label_noise"], cell["learning_rate"]
    x, y = draw(images.x, images.y, cell["n"], noise, [seed, 1])
    test_x, test_y = draw(images.x, images.y, 5000, noise, [seed, 2])
    x, test_x = x.reshape(len(x), -1), test_x.reshape(len(test_x), -1)
    model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    params = model.init(seed)
    rows: list[Row] = []
    predicted_gap = ledger = 0.0
    start_gap = None
    for step in range(cell["last_step"] + 1):
        moments = gradient_moments(model, params, x, y)
        training = float(losses(model, params, x, y).mean())
        test = float(losses(model, params, test_x, test_y).mean())
        start_gap = test - training if start_gap is None else start_gap
        rows.append(
            {
                "picture": cell["picture"],
                "n": cell["n"],
                "label_noise": noise,
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
        steps, left, right = column(path, "step"), axes[2 * j], axes[2 * j + 1]
        lines = [
            (left, "training_loss", "training loss", 0, "-"),
            (left, "test_loss", "test loss", 1, "--"),
            (right, "gap", "gap, measured", 0, "-"),
            (right, "predicted_gap", "Σ λ Σσ² (eq. 14)", 1, "--"),
        ]
        if "ledger" in path[0]:
            lines.append((right, "ledger", "ledger (4.6)", 2, ":"))
        for panel, name, label, k, line in lines:
            panel.plot(steps, column(path, name), color=COLOURS[k], linestyle=line, label=label)
        title = f"OSGR {picture}: n = {path[0]['n']}, label noise {path[0]['label_noise']:g}"
        left.set_title(title, fontsize=10)
        left.set_ylabel("loss (nats)")
        right.set_ylabel("test − training loss (nats)")
        for panel in (left, right):
            panel.set_xlabel("step of gradient descent")
    label_ends(axes)
    return {"three-pictures": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Over the first and over all steps: test decrease over training decrease, and the gaps."""
    found, early = [], []
    for picture in PICTURES:
        path = select(rows, picture=picture)
        for last in (10, len(path) - 1):
            first, end = path[0], path[last]
            ratio = (first["test_loss"] - end["test_loss"]) / (
                first["training_loss"] - end["training_loss"]
            )
            early += [ratio] if last == 10 else []
            text = f"test decrease over training decrease {ratio:.2f}; gap {end['gap']:.4g}, "
            text += f"predicted {end['predicted_gap']:.4g}"
            text += f", by the ledger {end['ledger']:.4g}" if "ledger" in end else ""
            found.append(Finding(f"OSGR {picture}, first {last} steps", text))
    low, between, high = early
    stands = f"{low:.2f} against 0.2, {between:.2f} between, {high:.2f} against 0.8"
    one_run = Verdict("undecided", f"{stands}; one run of each, which has no error")
    found.append(
        Finding(
            "Test decrease over training decrease in the first 10 steps, in the three pictures",
            ", ".join(f"{value:.2f}" for value in early),
            "near 0, between, near 1",
            one_run if low < 0.2 < between < 0.8 < high else Verdict("no", stands),
        )
    )
    starts = [select(rows, picture=picture)[0]["debiased_osgr"] for picture in PICTURES]
    text = ", ".join(f"{value:.2f}" for value in starts)
    return [*found, Finding("Debiased OSGR at the start, from the one training set", text)]


EXPERIMENT = Experiment(
    name="osgr-pictures",
    title="Three pictures of OSGR (E7)",
    asks="Training and test loss where OSGR is near 0 (few samples, random labels), between, and "
    "near 1 (many samples, true labels). Beside them the generalization gap that opened since the "
    "start, against the sum of its one-step predictions λ Σσ² = λ tr Σ/n (equation 14), which "
    "assumes at each step that the parameters do not depend on the training set.",
    scales=by_scale(
        data=("digits", "digits", "mnist"),
        n=([20, 100, 1000], [50, 200, 1797], [100, 1000, 20000]),
        label_noise=([1.0, 0.5, 0.0], [1.0, 0.5, 0.0], [1.0, 0.5, 0.0]),
        width=(16, 32, 100),
        learning_rate=(0.1, 0.1, 0.1),
        last_step=(30, 300, 1000),
    ),
    expected=RANGES
    | {
        "n": RANGES["n"].values(len(PICTURES)),
        "label_noise": RANGES["label_noise"].values(len(PICTURES)),
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
