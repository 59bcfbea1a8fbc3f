"""OSGR layer by layer along training: shares, the sum, and steps of a single layer (4.8)."""

from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Model, Params
from gsnr_ref.experiments.harness import (
    COLOURS,
    MARKERS,
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
    select,
    symlog,
    values,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    Samples,
    close,
    convnet,
    difference_of_ratios,
    draw,
    log_spaced,
    losses,
    mean_gradient,
    meaningful,
    moved,
    pool,
)
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.ratio import ratio_of_means
from gsnr_ref.osgr.reused import held_out_osgr, reuse_factor


def cells(settings: Settings) -> list[Cell]:
    """A cell a size of the training sets."""
    grid = [{"n": n} for n in sorted(settings["n"], reverse=True)]
    of_the_task = ("data", "label_noise", "n_population", "n_sets")
    of_the_run = ("channels", "hidden", "learning_rate", "last_step")
    return with_settings(grid, settings, *of_the_task, *of_the_run)


def layers_of(names: Any) -> dict[str, list[str]]:
    """The names of each layer's parameters, and of all as "all".

    Examples
    --------
    >>> layers_of(["dense1.weight", "dense1.bias"])
    {'dense1': ['dense1.weight', 'dense1.bias'], 'all': ['dense1.weight', 'dense1.bias']}
    """
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition(".")[0], []).append(name)
    return found | {"all": list(names)}


def run(cell: Cell) -> list[Row]:
    """Rows of M training sets, a measured step and a layer each."""
    images, seed, n = pool(cell["data"]), cell["seed"], cell["n"]
    noise, rate = cell["label_noise"], cell["learning_rate"]
    x, y = draw(images.x, images.y, cell["n_population"], noise, [seed, 41])
    population = x.astype(float), y
    model = convnet(cell["data"], cell["channels"], cell["hidden"])
    steps = log_spaced(cell["last_step"], per_decade=4)
    seen: dict[int, list[Any]] = {step: [] for step in steps}
    for m in range(cell["n_sets"]):
        key = [seed, 42, n, round(1000 * noise), m]
        chosen = np.random.default_rng(key).integers(0, len(population[0]), n)
        own = population[0][chosen], population[1][chosen]
        params = model.init(seed)
        for step in range(max(steps) + 1):
            gradient = mean_gradient(model, params, *own)
            if step in seen:
                moments = [gradient_moments(model, params, *s) for s in (own, population)]
                seen[step].append(
                    (*moments, _steps(model, params, gradient, own, population, rate))
                )
            params = moved(params, gradient, rate)
    named = {"n": n, "label_noise": noise, "learning_rate": rate}
    return [
        named | {"step": step, "lambda_t": rate * step, "layer": layer} | _row(trials, layer, names)
        for step, trials in seen.items()
        for layer, names in layers_of(model.trainable).items()
    ]


def _steps(
    model: Model, params: Params, gradient: Params, own: Samples, population: Samples, rate: float
) -> dict[str, tuple[float, float]]:
    """Decrease of the training and of the population's loss in a small step of a layer alone.

    It is a thousandth of the learning rate, for which the losses need float64.
    """
    before = [losses(model, params, *s).mean() for s in (own, population)]
    found = {}
    for layer, names in layers_of(model.trainable).items():
        after = moved(params, {name: gradient[name] for name in names}, rate / 1000)
        later = [losses(model, after, *s).mean() for s in (own, population)]
        found[layer] = (float(before[0] - later[0]), float(before[1] - later[1]))
    return found


@np.errstate(divide="ignore", invalid="ignore")  # a layer may be dead
def _row(trials: list[Any], layer: str, names: list[str]) -> Row:
    """Share W_l, R_l, κ_l of a layer, and the OSGR of its own steps."""
    own, whole_ = ([trial[k].select(names) for trial in trials] for k in (0, 1))
    training, test = np.array([trial[2][layer] for trial in trials]).T
    squares = _squares(own)
    across = np.array([_inner(a, b) for a, b in zip(own, whole_, strict=True)])
    held_out, factor = held_out_osgr(own, whole_), reuse_factor(own, whole_)
    pairs = {
        "share": ratio_of_means(squares, _squares([trial[0] for trial in trials])),
        "held_out": (float(held_out.value), held_out.standard_error),
        "reuse_factor": (float(factor.value), factor.standard_error),
        "measured": ratio_of_means(test, training),
        "apart": difference_of_ratios((test, training), (across, squares)),
        "training_decrease": ratio_of_means(training, np.ones(len(trials))),
    }
    row: Row = {"sets_past_edge": int((training <= 0).sum())}
    for name, (value, error) in pairs.items():
        row |= {name: value, f"{name}_error": error}
    return row


def _squares(moments: list[GradientMoments]) -> Array:
    return np.array([float(m.signal_and_noise()[0]) for m in moments])


def _inner(one: GradientMoments, other: GradientMoments) -> float:
    return sum(float((one.mean[k] * other.mean[k]).sum()) for k in one.mean)


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Shares, R_l with the OSGR of single-layer steps, and κ_l, of the largest n."""
    drawn, (share, ratio, factor, none) = figure(2, 2)
    mine = select(rows, n=max(settings["n"]))
    panels = {"share": share, "held_out": ratio, "reuse_factor": factor}
    for k, layer in enumerate(values(mine, "layer")):
        here = select(mine, layer=layer)
        for name, panel in panels.items():
            if layer == "all" and name == "share":
                continue
            at, y, error = (column(here, c) for c in ("lambda_t", name, f"{name}_error"))
            curve(panel, at, y, error, layer, k)
        single = meaningful(here) or []
        ratio.plot(
            column(single, "lambda_t"),
            column(single, "measured"),
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            markersize=10,
            fillstyle="none",
            linestyle="none",
        )
    named = ("share of E‖g_D‖²", "R_l; open: by steps of that layer alone", "reuse factor κ_l")
    for panel, label in zip(panels.values(), named, strict=True):
        symlog(panel, "x", settings["learning_rate"])
        panel.set_xlim(left=0)
        panel.set_xlabel("λt")
        panel.set_ylabel(label)
    none.set_axis_off()
    label_ends(panels.values())
    return {"layers": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """The sum over layers, single-layer steps, and which layer reuses most."""
    found, gaps = [], []
    for row in select(rows, layer="all"):
        same = [r for r in rows if (r["n"], r["step"]) == (row["n"], row["step"])]
        parts = [r for r in same if r["layer"] != "all" and r["share"]]
        gaps.append(sum(r["share"] * r["held_out"] for r in parts) - row["held_out"])
    verdict = close(np.array(gaps), 1e-9)
    what = "Σ W_l R_l against R_h of the whole"
    found.append(Finding(what, verdict.reason, "equal (4.8)", verdict))
    for layer in values(rows, "layer"):
        here = select(rows, layer=layer)
        # At the start biases are 0, and blank patches of an image lie on the kink of ReLU.
        kept = [row for row in meaningful(here) or [] if row["step"] > 0]
        # What is left is of first order in a step of λ/1000.
        verdict = close(column(kept, "apart"), 0.01)
        text = f"{verdict.reason}; {len(here) - len(kept)} left out: the start, or a dead layer"
        what = f"{layer}: OSGR by steps of it alone, of λ/1000, against R_l"
        found.append(Finding(what, text, "equal (4.8)", verdict))
    last = [r for r in rows if r["step"] == max(values(rows, "step")) and r["n"] == rows[0]["n"]]
    told = ", ".join(
        f"{r['layer']} W {r['share']:.2f}, R {r['held_out']:.2f}, κ {r['reuse_factor']:.2f}"
        for r in last
    )
    return [*found, Finding(f"At the last step, n = {rows[0]['n']}", told)]


EXPERIMENT = Experiment(
    name="layers",
    title="Layer by layer: whose OSGR falls",
    asks="A convolutional network is trained by gradient descent on M sets of n images, drawn with "
    "replacement from a fixed population. For each layer l at measured steps: its share W_l of "
    "E‖g_D‖², R_l, the held-out OSGR of its own gradient, its reuse factor κ_l, and the OSGR of a "
    "small step of that layer alone. R_h of the whole is Σ W_l R_l (4.8). Bands are one standard "
    "error over the sets.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        n=([20], [200], [1000, 10000]),
        label_noise=(0.0, 0.2, 0.2),
        n_population=(60, 2000, 10000),
        n_sets=(3, 10, 20),
        channels=(1, 6, 6),
        hidden=(4, 120, 120),
        learning_rate=(0.1, 0.02, 0.01),
        last_step=(6, 200, 3000),
    ),
    expected=RANGES | {"n_population": whole(10, 10_000_000)},
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "layers": "Which layer has the largest share of the gradient, whose R_l falls first, and "
        "whether the open marks, steps of one layer alone, lie on their lines.",
    },
    load=lambda settings: pool(settings["data"]),
)
