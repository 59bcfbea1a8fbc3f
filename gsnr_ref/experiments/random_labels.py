"""E3: GSNR against epoch, on true and on random labels."""

from typing import Any

import numpy as np

from gsnr_ref.experiments.data import convnet, draw, pool
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
from gsnr_ref.experiments.training import as_float32, descent, flat, log_spaced, losses
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary

LABELS = {0.0: "true labels", 1.0: "random labels"}


def cells(settings: Settings) -> list[Cell]:
    """A cell a repetition and a kind of labels, and one for the mixture law."""
    shared = ("data", "n", "channels", "learning_rate", "last_step")
    grid: list[Cell] = [
        {"kind": "training", "label_noise": noise, "repetition": repetition}
        for repetition in range(settings["repetitions"])
        for noise in settings["label_noise"]
    ]
    grid.append({"kind": "mixture", "mixture": settings["mixture"]})
    return [cell | {key: settings[key] for key in shared} for cell in grid]


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each; or of the mixture law, a noise level each."""
    images = pool(cell["data"])
    model = convnet(cell["data"], cell["channels"])
    if cell["kind"] == "mixture":
        return _mixture_law(model, images, cell)
    seed = [cell["seed"], cell["repetition"]]
    x, y = draw(images.x, images.y, cell["n"], cell["label_noise"], seed)
    start = as_float32(model.init(cell["seed"] + cell["repetition"]))
    rows = []
    steps = log_spaced(cell["last_step"])
    for step, params in descent(model, start, x, y, cell["learning_rate"], steps):
        moments = gradient_moments(model, params, x, y)
        summary = gsnr_summary(moments, ddof=1)
        rows.append(
            {
                "kind": "training", "label_noise": cell["label_noise"],
                "repetition": cell["repetition"], "step": step, "mean": summary.mean,
                "median": summary.median, "effective": summary.effective,
                "share_dead": summary.share_dead,
                "training_loss": float(losses(model, params, x, y).mean()),
            }
        )  # fmt: skip
    return rows


def _mixture_law(model: Any, images: Any, cell: Cell) -> list[Row]:
    """At the start: OSGR at noise p from the moments of true and of uniform labels, and by drawing.

    Replacing labels with probability p mixes the distributions of the per-sample gradient, so its
    first two moments are (1 − p)·(true) + p·(uniform). The population is a fixed set of images,
    each with a distribution of labels.
    """
    n = cell["n"]
    x, y = draw(images.x, images.y, n, 0.0, [cell["seed"], 7])
    params = model.init(cell["seed"])
    n_classes = int(images.y.max()) + 1
    true = gradient_moments(model, params, x, y)
    by_class = [gradient_moments(model, params, x, np.full(n, c)) for c in range(n_classes)]
    uniform = by_class[0]
    for more in by_class[1:]:
        uniform = uniform.merge(more)
    mean_t, mean_u = flat(true.mean), flat(uniform.mean)
    square_t, square_u = (sum(m.signal_and_noise()) for m in (true, uniform))  # E‖g‖²
    rows = []
    for p in cell["mixture"]:
        mean = (1 - p) * mean_t + p * mean_u
        square = (1 - p) * square_t + p * square_u
        signal = float(mean @ mean)
        drawn = []
        for k in range(20):
            labels = _relabel(y, p, n_classes, [cell["seed"], 11, k])
            moments = gradient_moments(model, params, x, labels)
            # ḡ·g̃ and E‖g‖² are linear in the distribution, so unbiased; ‖ḡ‖² would not be.
            drawn.append((float(flat(moments.mean) @ mean), sum(moments.signal_and_noise())))
        estimates = [_osgr(s, e, n) for s, e in drawn]
        rows.append(
            {
                "kind": "mixture", "label_noise": p, "law": _osgr(signal, square, n),
                "drawn": float(np.mean(estimates)),
                "drawn_error": float(np.std(estimates, ddof=1) / np.sqrt(len(estimates))),
            }
        )  # fmt: skip
    return rows


def _osgr(signal: float, square: float, n: int) -> float:
    """‖g̃‖²/(‖g̃‖² + tr Σ/n), with tr Σ = E‖g‖² − ‖g̃‖²."""
    return signal / (signal + (square - signal) / n)


def _relabel(y: Any, p: float, n_classes: int, seed: Any) -> Any:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(y)) < p, rng.integers(0, n_classes, len(y)), y)


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Mean, median and effective GSNR against the step."""
    trained = select(rows, kind="training")
    drawn, axes = figure(1, 3)
    names = {"mean": "mean GSNR", "median": "median GSNR", "effective": "effective GSNR"}
    for panel, (name, label) in zip(axes, names.items(), strict=True):
        for k, noise in enumerate(settings["label_noise"]):
            at, mean, error = mean_curve(select(trained, label_noise=noise), "step", name)
            curve(panel, at, mean, error, LABELS.get(noise, f"label noise {noise:g}"), k)
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(f"{label} (plug-in, n = {settings['n']})")
    axes[0].legend()
    return {"gsnr-by-labels": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """The early rise, the low curve, the mixture law."""
    found = []
    trained = select(rows, kind="training")
    stated = {0.0: "a marked early rise (paper)", 1.0: "low throughout (paper)"}
    for name in ("mean", "median", "effective"):
        curves = {noise: mean_curve(select(trained, label_noise=noise), "step", name)[:2]
                  for noise in settings["label_noise"]}  # fmt: skip
        for noise, (at, mean) in curves.items():
            rise = Rise.of(at, mean)
            agrees = None
            if noise == 0:
                agrees = rise.factor > 1.5
            elif noise == 1 and 0.0 in curves:
                agrees = bool(mean.max() < 0.5 * curves[0.0][1].max())
            label = LABELS.get(noise, f"label noise {noise:g}")
            found.append(Finding(f"{name} GSNR, {label}", str(rise), stated.get(noise, ""), agrees))
    law = select(rows, kind="mixture")
    random = [r for r in law if r["label_noise"] > 0]
    z = [abs(r["law"] - r["drawn"]) / r["drawn_error"] for r in random]
    apart = max((abs(r["law"] - r["drawn"]) for r in law if r not in random), default=0.0)
    found.append(
        Finding(
            "Mixture law at the start: OSGR at label noise p from true and uniform labels, against "
            "the same with labels drawn",
            f"largest distance {max(z, default=0):.1f} standard errors over {len(law)} values of "
            f"p, {apart:.1g} where nothing is random",
            "equal (theory)",
            bool(max(z, default=0) < 4 and apart < 1e-9),
        )
    )
    return found


EXPERIMENT = Experiment(
    name="random-labels",
    title="GSNR on true and on random labels (E3)",
    asks="A convolutional network is trained by gradient descent on n images, once with their "
    "labels and once with labels drawn at random. How does the GSNR of its parameters move? GSNR "
    "is the plug-in of the training set, so without any signal it is about 1/n. Bands are one "
    "standard error over repetitions.",
    scales={
        "smoke": {
            "data": "digits", "n": 100, "channels": 2, "label_noise": [0.0, 1.0],
            "learning_rate": 0.2, "last_step": 60, "repetitions": 1, "mixture": [0.0, 0.5, 1.0],
        },
        "default": {
            "data": "mnist", "n": 500, "channels": 6, "label_noise": [0.0, 1.0],
            "learning_rate": 0.02, "last_step": 500, "repetitions": 2,
            "mixture": [0.0, 0.1, 0.3, 0.5, 1.0],
        },
        "paper": {
            "data": "mnist", "n": 10000, "channels": 6, "label_noise": [0.0, 1.0],
            "learning_rate": 0.01, "last_step": 3000, "repetitions": 5,
            "mixture": [0.0, 0.1, 0.2, 0.3, 0.5, 1.0],
        },
    },
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
)  # fmt: skip
