"""E4: the GSNR of the second layer, with the first layer frozen and trained."""

from typing import Any

import numpy as np

from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    by_scale,
    curve,
    figure,
    floor,
    label_ends,
    log_steps,
    mean_curve,
    select,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    curves,
    descend,
    falls,
    log_spaced,
    losses,
    rise_text,
    rises,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import MLP, ProductRegression


def cells(settings: Settings) -> list[Cell]:
    """A cell a scale of the initial weights, a repetition, and frozen or not."""
    grid = [
        {"scale": scale, "repetition": repetition, "frozen": frozen}
        for scale in settings["scale"]
        for repetition in range(settings["repetitions"])
        for frozen in (False, True)
    ]
    shared = ("n", "n_hidden", "activation", "learning_rate", "last_step")
    return with_settings(grid, settings, *shared)


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    rng = np.random.default_rng([cell["seed"], cell["repetition"]])
    x, y = ProductRegression().sample(rng, cell["n"])
    frozen = ("layer1",) if cell["frozen"] else ()
    model = MLP((2, cell["n_hidden"], 1), cell["activation"], frozen=frozen)
    start = model.init(1000 * cell["seed"] + cell["repetition"], cell["scale"])
    rows = []
    steps = log_spaced(cell["last_step"], per_decade=10)
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        moments = gradient_moments(model, params, x, y)
        layer = moments.select(["layer2.weight", "layer2.bias"])
        rows.append(
            {
                "scale": cell["scale"],
                "repetition": cell["repetition"],
                "frozen": int(cell["frozen"]),
                "step": step,
                "mean_gsnr": gsnr_summary(layer, ddof=1).mean,
                "weight_gsnr": gsnr_summary(layer.select(["layer2.weight"]), ddof=1).mean,
                "training_loss": float(losses(model, params, x, y).mean()),
            }
        )
    return rows


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Mean GSNR of the second layer against the step, a panel a scale."""
    scales = settings["scale"]
    drawn, axes = figure(-(-len(scales) // 2), min(len(scales), 2), height=3, share="y")
    for panel, scale in zip(axes, scales, strict=False):
        for k, (frozen, label) in enumerate(((0, "first layer trained"), (1, "frozen"))):
            mine = select(rows, scale=scale, frozen=frozen)
            curve(panel, *mean_curve(mine, "step", "mean_gsnr"), label, k)
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_title(f"initial weights × {scale:g}", fontsize=10)
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel("mean GSNR of the second layer")
        floor(panel, settings["n"])
    for panel in axes[len(scales) :]:
        panel.set_axis_off()
    label_ends(axes[: len(scales)])
    return {"second-layer-gsnr": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Frozen falls; trained rises; at which scales it does not."""
    found = []
    for scale in settings["scale"]:
        for frozen, label, stated in (
            (0, "trained", "rises clearly early (paper)"),
            (1, "frozen", "falls throughout (paper)"),
        ):
            runs = curves(select(rows, scale=scale, frozen=frozen), "mean_gsnr")
            verdict = falls(runs) if frozen else rises(runs)
            what = f"{label}, initial weights × {scale:g}"
            found.append(Finding(what, rise_text(runs), stated, verdict))
    return found


EXPERIMENT = Experiment(
    name="frozen-layer",
    title="The first layer frozen and trained (E4)",
    asks="A perceptron 2-N-1 learns y = x₀·x₁ + noise from n samples by gradient descent, with its "
    "first layer trained and with it frozen, from the same initial weights. The mean GSNR of the "
    "second layer shows whether learning features raises it. The initial weights are scaled: where "
    "they are large, the fall of what the start owes to its bias hides the rise. Bands are one "
    "standard error over repetitions.",
    scales=by_scale(
        n=(100, 200, 200),
        n_hidden=(10, 20, 20),
        activation=("relu", "relu", "relu"),
        learning_rate=(0.1, 0.1, 0.1),
        last_step=(200, 3000, 30000),
        repetitions=(2, 10, 50),
        scale=([0.3, 1.0], [0.1, 0.3, 1.0, 3.0], [0.03, 0.1, 0.3, 1.0, 3.0]),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "second-layer-gsnr": "Whether GSNR rises where the first layer is trained and only falls "
        "where it is frozen, and how that depends on the size of the initial weights.",
    },
)
