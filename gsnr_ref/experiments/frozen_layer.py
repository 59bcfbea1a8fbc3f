"""E4: the GSNR of the second layer, with the first layer frozen and trained."""

from itertools import product
from typing import Any

import numpy as np

from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    by_scale,
    select,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    INITIAL_IN_WORDS,
    RANGES,
    curves,
    descend,
    falls,
    initial,
    log_spaced,
    losses,
    panels,
    rise_text,
    rises,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import MLP, ProductRegression


def cells(settings: Settings) -> list[Cell]:
    """A cell a scale of the initial weights, a repetition, and frozen or not."""
    grid = [
        {"initial": how, "scale": scale, "repetition": repetition, "frozen": frozen}
        for how in settings["initial"]
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
    seed = 1000 * cell["seed"] + cell["repetition"]
    start = initial(model, seed, cell["initial"], cell["scale"])
    rows = []
    steps = log_spaced(cell["last_step"], per_decade=10)
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        moments = gradient_moments(model, params, x, y)
        layer = moments.select(["layer2.weight", "layer2.bias"])
        rows.append(
            {
                "initial": cell["initial"],
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
    """Mean GSNR of the second layer, and the training loss, against the step."""
    by_start = {
        _start(how, scale): {
            "first layer trained": select(rows, initial=how, scale=scale, frozen=0),
            "frozen": select(rows, initial=how, scale=scale, frozen=1),
        }
        for how, scale in product(settings["initial"], settings["scale"])
    }
    gsnr = "mean GSNR, second layer"
    return {
        "second-layer-gsnr": panels(by_start, "mean_gsnr", gsnr, settings["n"], height=2.7),
        "training-loss": panels(by_start, "training_loss", "training loss", None, height=2.7),
    }


def _start(how: str, scale: float) -> str:
    return f"initial weights {how} × {scale:g}"


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Frozen falls; trained rises; at which scales it does not."""
    found = []
    for how, scale in product(settings["initial"], settings["scale"]):
        for frozen, label, stated in (
            (0, "trained", "rises clearly early (paper)"),
            (1, "frozen", "falls throughout (paper)"),
        ):
            runs = curves(select(rows, initial=how, scale=scale, frozen=frozen), "mean_gsnr")
            verdict = falls(runs) if frozen else rises(runs)
            what = f"{label}, {_start(how, scale)}"
            found.append(Finding(what, rise_text(runs), stated, verdict))
    return found


EXPERIMENT = Experiment(
    name="frozen-layer",
    title="The first layer frozen and trained (E4)",
    asks="A perceptron 2-N-1 learns y = x₀·x₁ + noise from n samples by gradient descent, with its "
    "first layer trained and with it frozen, from the same initial weights. The mean GSNR of the "
    "second layer shows whether learning features raises it. Several initial weights are tried ("
    + INITIAL_IN_WORDS
    + "), each times a scale: where they are large, the fall of what the start owes to its bias "
    "hides the rise. Bands are one "
    "standard error over repetitions.",
    scales=by_scale(
        n=(100, 200, 200),
        n_hidden=(10, 20, 20),
        activation=("relu", "relu", "relu"),
        learning_rate=(0.1, 0.1, 0.1),
        last_step=(200, 3000, 30000),
        repetitions=(2, 10, 50),
        initial=(["small"], ["small", "ours", "pytorch"], ["small", "ours", "pytorch"]),
        scale=([0.3, 1.0], [0.3, 1.0], [0.03, 0.1, 0.3, 1.0, 3.0]),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "second-layer-gsnr": "Whether GSNR rises where the first layer is trained and only falls "
        "where it is frozen, and how that depends on the size of the initial weights.",
        "training-loss": "Whether the training loss falls all the while: a rise of GSNR where it "
        "does not is an instability.",
    },
)
