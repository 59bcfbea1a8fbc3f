"""GSNR along training of a logistic regression and of perceptrons of growing depth."""

from typing import Any

from gsnr_ref.experiments.data import draw, pool
from gsnr_ref.experiments.drawing import curve, figure, log_steps
from gsnr_ref.experiments.experiment import (
    Cell,
    Experiment,
    Finding,
    Rise,
    Row,
    Settings,
    mean_curve,
    select,
)
from gsnr_ref.experiments.training import as_float32, descent, log_spaced, losses
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import MLP


def cells(settings: Settings) -> list[Cell]:
    """A cell a depth and a repetition; the deepest first."""
    shared = ("data", "n", "width", "activation", "learning_rate", "last_step")
    return [
        {"n_layers": n_layers, "repetition": repetition} | {key: settings[key] for key in shared}
        for n_layers in sorted(settings["n_layers"], reverse=True)
        for repetition in range(settings["repetitions"])
    ]


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    images = pool(cell["data"])
    x, y = draw(images.x, images.y, cell["n"], 0.0, [cell["seed"], cell["repetition"]])
    x = x.reshape(len(x), -1)
    sizes = [x.shape[1], *[cell["width"]] * (cell["n_layers"] - 1), 10]
    model = MLP(sizes, cell["activation"], "cross_entropy")
    start = as_float32(model.init(1000 * cell["seed"] + cell["repetition"]))
    rows = []
    steps = log_spaced(cell["last_step"])
    for step, params in descent(model, start, x, y, cell["learning_rate"], steps):
        summary = gsnr_summary(gradient_moments(model, params, x, y), ddof=1)
        rows.append(
            {
                "n_layers": cell["n_layers"], "repetition": cell["repetition"], "step": step,
                "mean": summary.mean, "median": summary.median, "effective": summary.effective,
                "training_loss": float(losses(model, params, x, y).mean()),
            }
        )  # fmt: skip
    return rows


def _label(n_layers: int) -> str:
    return "logistic regression" if n_layers == 1 else f"{n_layers} layers"


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Mean and effective GSNR against the step."""
    drawn, axes = figure(1, 3)
    names = {"mean": "mean GSNR", "effective": "effective GSNR", "training_loss": "training loss"}
    for panel, (name, label) in zip(axes, names.items(), strict=True):
        for k, n_layers in enumerate(settings["n_layers"]):
            curve(panel, *mean_curve(select(rows, n_layers=n_layers), "step", name),
                  _label(n_layers), k)  # fmt: skip
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(label)
    axes[0].legend()
    return {"gsnr-by-depth": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Whether GSNR falls from the start, or rises first."""
    found = []
    for n_layers in settings["n_layers"]:
        mine = select(rows, n_layers=n_layers)
        for name in ("mean", "effective"):
            at, mean, _ = mean_curve(mine, "step", name)
            rise = Rise.of(at, mean)
            deep = n_layers > 1
            stated = "rises early (paper)" if deep else "falls throughout (paper)"
            agrees = (rise.factor > 1.2) == deep
            found.append(Finding(f"{name} GSNR, {_label(n_layers)}", str(rise), stated, agrees))
    return found


EXPERIMENT = Experiment(
    name="shallow-and-deep",
    title="Shallow and deep: who raises its GSNR",
    asks="A logistic (softmax) regression and perceptrons of growing depth learn the same n images "
    "by gradient descent. A shallow model has nothing to learn but its output layer. GSNR is the "
    "plug-in of the training set. Bands are one standard error over repetitions.",
    scales={
        "smoke": {
            "data": "digits", "n": 200, "width": 16, "activation": "tanh", "learning_rate": 0.1,
            "last_step": 100, "repetitions": 1, "n_layers": [1, 3],
        },
        "default": {
            "data": "digits", "n": 1000, "width": 32, "activation": "tanh", "learning_rate": 0.1,
            "last_step": 2000, "repetitions": 5, "n_layers": [1, 2, 3, 5],
        },
        "paper": {
            "data": "mnist", "n": 10000, "width": 100, "activation": "tanh", "learning_rate": 0.1,
            "last_step": 5000, "repetitions": 10, "n_layers": [1, 2, 3, 5, 8],
        },
    },
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
)  # fmt: skip
