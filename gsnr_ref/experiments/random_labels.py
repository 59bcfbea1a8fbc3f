"""E3: GSNR against epoch, on true and on random labels."""

from functools import reduce
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, flat
from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    Verdict,
    by_scale,
    column,
    curve,
    figure,
    floor,
    label_ends,
    log_steps,
    mean_curve,
    select,
    symlog,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    INITIAL_IN_WORDS,
    RANGES,
    Pool,
    agree,
    all_parts,
    as_float32,
    convnet,
    curves,
    descend,
    draw,
    initial,
    log_spaced,
    losses,
    pool,
    rise_text,
    rises,
    stays_low,
)
from gsnr_ref.moments import GradientMoments, gradient_moments, mixed_moments
from gsnr_ref.osgr.predicted import collapsed_osgr
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import ConvNet

LABELS = {0.0: "true labels", 1.0: "random labels"}


def cells(settings: Settings) -> list[Cell]:
    """A cell a repetition and a kind of labels, and one for the mixture law."""
    grid: list[Cell] = [
        {"kind": "training", "label_noise": noise, "repetition": repetition}
        for repetition in range(settings["repetitions"])
        for noise in settings["label_noise"]
    ]
    grid.append({"kind": "mixture", "mixture": settings["mixture"]})
    of_the_task = ("data", "n", "n_fresh")
    of_the_run = ("channels", "initial", "learning_rate", "last_step")
    return with_settings(grid, settings, *of_the_task, *of_the_run)


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each; or of the mixture law, a noise level each."""
    images = pool(cell["data"])
    model = convnet(cell["data"], cell["channels"])
    if cell["kind"] == "mixture":
        return _mixture_law(model, images, cell)
    seed = [cell["seed"], cell["repetition"]]
    x, y = draw(images.x, images.y, cell["n"], cell["label_noise"], seed)
    fresh = draw(images.x, images.y, cell["n_fresh"], cell["label_noise"], [*seed, 1])
    start = as_float32(initial(model, 1000 * cell["seed"] + cell["repetition"], cell["initial"]))
    rows = []
    steps = log_spaced(cell["last_step"], per_decade=12)
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        moments = gradient_moments(model, params, x, y)
        summary = gsnr_summary(moments, ddof=1)
        signal, noise = gradient_moments(model, params, *fresh).signal_and_noise(ddof=1)
        rows.append(
            {
                "kind": "training",
                "label_noise": cell["label_noise"],
                "repetition": cell["repetition"],
                "step": step,
                "mean": summary.mean,
                "median": summary.median,
                "effective": summary.effective,
                "fresh": signal / noise - 1 / cell["n_fresh"],
                "share_dead": summary.share_dead,
                "training_loss": float(losses(model, params, x, y).mean()),
            }
        )
    return rows


def _mixture_law(model: ConvNet, images: Pool, cell: Cell) -> list[Row]:
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
    uniform = reduce(GradientMoments.merge, by_class)
    rows = []
    for p in cell["mixture"]:
        mixed = mixed_moments(true, uniform, p)
        mean = flat(mixed.mean)
        drawn = []
        for k in range(20):
            relabelled = _relabel(y, p, n_classes, [cell["seed"], 11, k])
            moments = gradient_moments(model, params, x, relabelled)
            # ḡ·g̃ and E‖g‖² are linear in the distribution, so unbiased; ‖ḡ‖² would not be, and so
            # the collapsed form is taken with these two instead of with the moments.
            signal, square = float(flat(moments.mean) @ mean), sum(moments.signal_and_noise())
            drawn.append(signal / (signal + (square - signal) / n))
        rows.append(
            {
                "kind": "mixture",
                "label_noise": p,
                "law": collapsed_osgr(mixed, n),
                "drawn": float(np.mean(drawn)),
                "drawn_error": float(np.std(drawn, ddof=1) / np.sqrt(len(drawn))),
            }
        )
    return rows


def _relabel(y: Array, p: float, n_classes: int, seed: list[int]) -> Array:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(y)) < p, rng.integers(0, n_classes, len(y)), y)


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """GSNR of the training set and of fresh images, and the training loss, against the step."""
    trained = select(rows, kind="training")
    drawn, axes = figure(2, 2)
    own = f"plug-in, n = {settings['n']}"
    names = {
        "mean": f"mean GSNR ({own})",
        "effective": f"effective GSNR ({own})",
        "fresh": f"effective GSNR ({settings['n_fresh']} fresh images, debiased)",
        "training_loss": "training loss (nats)",
    }
    for panel, (name, label) in zip(axes, names.items(), strict=True):
        for k, noise in enumerate(settings["label_noise"]):
            at, mean, error = mean_curve(select(trained, label_noise=noise), "step", name)
            curve(panel, at, mean, error, LABELS.get(noise, f"label noise {noise:g}"), k)
        log_steps(panel)
        if name == "fresh":
            symlog(panel, "y", 1e-3)
        elif name != "training_loss":
            panel.set_yscale("log")
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(label, fontsize=8)
        if own in label:
            floor(panel, settings["n"])
    label_ends(axes)
    return {"gsnr-by-labels": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """The early rise, the low curve, the mixture law."""
    found = []
    trained = select(rows, kind="training")
    stated = {0.0: "a marked early rise (paper)", 1.0: "low throughout (paper)"}
    names = {
        "mean": "mean GSNR",
        "median": "median GSNR",
        "effective": "effective GSNR",
        "fresh": "effective GSNR of fresh images, debiased",
    }
    for name, label in names.items():
        runs = {
            noise: curves(select(trained, label_noise=noise), name)
            for noise in settings["label_noise"]
        }
        for noise, mine in runs.items():
            verdict = None
            if noise == 0:
                verdict = rises(mine, by=1.5)
            elif noise == 1 and 0.0 in runs:
                verdict = stays_low(mine, runs[0.0])
            what = f"{label}, {LABELS.get(noise, f'label noise {noise:g}')}"
            found.append(Finding(what, rise_text(mine), stated.get(noise, ""), verdict))
    law = select(rows, kind="mixture")
    random = [r for r in law if r["label_noise"] > 0]
    z = [abs(r["law"] - r["drawn"]) / r["drawn_error"] for r in random]
    apart = max((abs(r["law"] - r["drawn"]) for r in law if r not in random), default=0.0)
    exact = Verdict("yes" if apart < 1e-9 else "no", f"{apart:.1g} apart where nothing is random")
    apart_drawn = column(random, "law") - column(random, "drawn")
    found.append(
        Finding(
            "Mixture law at the start: OSGR at label noise p from true and uniform labels, against "
            "the same with labels drawn",
            f"largest distance {max(z, default=0):.1f} standard errors over {len(law)} values of "
            f"p, {apart:.1g} where nothing is random",
            "equal (theory)",
            all_parts(exact, agree(apart_drawn, column(random, "drawn_error"), degrees=19)),
        )
    )
    return found


EXPERIMENT = Experiment(
    name="random-labels",
    title="GSNR on true and on random labels (E3)",
    asks="A convolutional network is trained by gradient descent on n images, once with their "
    "labels and once with labels drawn at random. How does the GSNR of its parameters move? GSNR "
    "is the plug-in of the training set, so without any signal it is about 1/n; the effective one "
    "also of fresh images with labels of the same kind, debiased, which is 0 without signal. Where "
    "training starts is a setting: "
    + INITIAL_IN_WORDS
    + ". Bands are one standard error over repetitions.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        n=(100, 500, 10000),
        n_fresh=(100, 1000, 10000),
        channels=(2, 6, 6),
        initial=("pytorch", "pytorch", "pytorch"),
        label_noise=([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
        learning_rate=(0.2, 0.01, 0.01),
        last_step=(60, 1000, 3000),
        repetitions=(1, 5, 5),
        mixture=([0.0, 0.5, 1.0], [0.0, 0.1, 0.3, 0.5, 1.0], [0.0, 0.1, 0.2, 0.3, 0.5, 1.0]),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "gsnr-by-labels": "Whether the curve of true labels rises, and how far below it that of "
        "random labels stays.",
    },
    load=lambda settings: pool(settings["data"]),
)
