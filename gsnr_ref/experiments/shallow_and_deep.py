"""GSNR along training of a logistic regression and of perceptrons of growing depth."""

from typing import Any

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
    as_float32,
    curves,
    descend,
    draw,
    falls,
    initial,
    log_spaced,
    losses,
    pool,
    rise_text,
    rises,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import MLP


def cells(settings: Settings) -> list[Cell]:
    """A cell a depth and a repetition; the deepest first."""
    grid = [
        {"n_layers": n_layers, "repetition": repetition}
        for n_layers in sorted(settings["n_layers"], reverse=True)
        for repetition in range(settings["repetitions"])
    ]
    shared = ("data", "n", "width", "activation", "initial", "learning_rate", "last_step")
    return with_settings(grid, settings, *shared)


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    images = pool(cell["data"])
    x, y = draw(images.x, images.y, cell["n"], 0.0, [cell["seed"], cell["repetition"]])
    x = x.reshape(len(x), -1)
    sizes = [x.shape[1], *[cell["width"]] * (cell["n_layers"] - 1), 10]
    model = MLP(sizes, cell["activation"], "cross_entropy")
    start = as_float32(initial(model, 1000 * cell["seed"] + cell["repetition"], cell["initial"]))
    rows = []
    steps = log_spaced(cell["last_step"])
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        summary = gsnr_summary(gradient_moments(model, params, x, y), ddof=1)
        rows.append(
            {
                "n_layers": cell["n_layers"],
                "repetition": cell["repetition"],
                "step": step,
                "mean": summary.mean,
                "median": summary.median,
                "effective": summary.effective,
                "training_loss": float(losses(model, params, x, y).mean()),
            }
        )
    return rows


def _label(n_layers: int) -> str:
    return "logistic regression" if n_layers == 1 else f"{n_layers} layers"


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Mean and effective GSNR against the step."""
    drawn, axes = figure(2, 2)
    names = {"mean": "mean GSNR", "effective": "effective GSNR", "training_loss": "training loss"}
    for panel, (name, label) in zip(axes, names.items(), strict=False):
        for k, n_layers in enumerate(settings["n_layers"]):
            mine = select(rows, n_layers=n_layers)
            curve(panel, *mean_curve(mine, "step", name), _label(n_layers), k)
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(label)
        if name != "training_loss":
            floor(panel, settings["n"])
    axes[-1].set_axis_off()
    label_ends(axes)
    return {"gsnr-by-depth": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Whether GSNR falls from the start, or rises first."""
    found = []
    for n_layers in settings["n_layers"]:
        mine = select(rows, n_layers=n_layers)
        for name in ("mean", "effective"):
            runs = curves(mine, name)
            deep = n_layers > 1
            stated = "rises early (paper)" if deep else "falls throughout (paper)"
            verdict = rises(runs) if deep else falls(runs)
            what = f"{name} GSNR, {_label(n_layers)}"
            found.append(Finding(what, rise_text(runs), stated, verdict))
    return found


EXPERIMENT = Experiment(
    name="shallow-and-deep",
    title="Shallow and deep: who raises its GSNR",
    asks="A logistic (softmax) regression and perceptrons of growing depth learn the same n images "
    "by gradient descent. A shallow model has nothing to learn but its output layer. GSNR is the "
    'plug-in of the training set. Weights and biases start as PyTorch draws them, unless "initial" '
    '"initial" says otherwise. Bands are one standard error over repetitions.',
    scales=by_scale(
        data=("digits", "digits", "mnist"),
        n=(200, 1000, 10000),
        width=(16, 32, 100),
        activation=("relu", "relu", "relu"),
        initial=("pytorch", "pytorch", "pytorch"),
        learning_rate=(0.1, 0.1, 0.1),
        last_step=(100, 2000, 5000),
        repetitions=(1, 5, 10),
        n_layers=([1, 3], [1, 2, 3, 5], [1, 2, 3, 5, 8]),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "gsnr-by-depth": "Which curves rise before they fall while the training loss falls: the "
        "deeper ones, if any.",
    },
    load=lambda settings: pool(settings["data"]),
)
