"""Mini-batches over a fixed set: the first pass, and what later ones have seen."""

from typing import Any

import numpy as np

from gsnr_ref.contract import flat
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
    select,
    symlog,
    values,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    agree,
    difference_of_ratios,
    draw,
    losses,
    mean_gradient,
    moved,
    pool,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr.ratio import ratio_of_means
from toy_models import MLP

_SUMS = ("training", "test", "squares", "across", "rest", "noise", "signal", "everything")


def cells(settings: Settings) -> list[Cell]:
    """A cell a size of the batches; the smallest has the most steps."""
    grid = [{"batch": batch} for batch in sorted(settings["batch"])]
    of_the_task = ("data", "label_noise", "n", "n_population", "n_runs")
    return with_settings(grid, settings, *of_the_task, "width", "learning_rate", "epochs")


def work(cell: Cell) -> float:
    """Passes through the network: at each batch of a measured epoch the population is looked at."""
    batches = max(cell["n"] // cell["batch"], 1)
    looked = len(cell["epochs"]) * batches * (10 * cell["batch"] + 4 * cell["n_population"])
    return float(cell["n_runs"] * (max(cell["epochs"]) * cell["n"] + looked))


def run(cell: Cell) -> list[Row]:
    """Rows of M runs, a measured epoch each: sums over all of its batches stand in each ratio."""
    images, seed, rate = pool(cell["data"]), cell["seed"], cell["learning_rate"]
    noise, n, batch = cell["label_noise"], cell["n"], min(cell["batch"], cell["n"])
    x, y = draw(images.x, images.y, cell["n_population"], noise, [seed, 51])
    x = x.reshape(len(x), -1).astype(float)
    model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    seen: dict[int, list[Any]] = {epoch: [] for epoch in cell["epochs"]}
    for r in range(cell["n_runs"]):
        rng = np.random.default_rng([seed, 52, n, batch, r])
        own = rng.integers(0, len(x), n)
        params = model.init(seed)
        for epoch in range(1, max(seen) + 1):
            order = rng.permutation(own)
            sums = np.zeros(len(_SUMS))
            for start in range(0, n - batch + 1, batch):
                b = order[start : start + batch]
                rest = np.concatenate([order[:start], order[start + batch :]])
                if epoch in seen:
                    sums += _looked_at(model, params, (x, y), b, rest, rate)
                params = moved(params, mean_gradient(model, params, x[b], y[b]), rate)
            if epoch in seen:
                seen[epoch].append(sums)
    named = {"batch": batch, "n": n, "label_noise": noise, "learning_rate": rate}
    return [named | {"epoch": epoch} | _row(np.array(sums)) for epoch, sums in seen.items()]


def _looked_at(model: Any, params: Any, population: Any, b: Any, rest: Any, rate: float) -> Any:
    """What a step on a batch does, and the terms of κ on the rest of the set and on fresh data."""
    x, y = population
    own, everyone = (gradient_moments(model, params, *s) for s in ((x[b], y[b]), (x, y)))
    after = moved(params, own.mean, rate)
    training, test = (
        float((losses(model, params, *s) - losses(model, after, *s)).mean())
        for s in ((x[b], y[b]), (x, y))
    )
    g, fresh = flat(own.mean), flat(everyone.mean)
    others = flat(mean_gradient(model, params, x[rest], y[rest])) if len(rest) else np.nan * g
    signal, spread = everyone.signal_and_noise()
    noise = own.signal_and_noise(ddof=1)[1] / len(b)
    squares = float(g @ g)
    return np.array(
        [training, test, squares, g @ fresh, g @ others, noise, signal, signal + spread / len(b)],
        dtype=float,
    )


@np.errstate(divide="ignore", invalid="ignore")
def _row(sums: Any) -> Row:
    """Ratios over the runs: OSGR of the batches' steps, what a fresh batch has, κ on both."""
    of = dict(zip(_SUMS, sums.T, strict=True))
    pairs = {
        "measured": ratio_of_means(of["test"], of["training"]),
        "held_out": ratio_of_means(of["across"], of["squares"]),
        "fresh": ratio_of_means(of["signal"], of["everything"]),
        "reuse_factor": ratio_of_means(of["squares"] - of["across"], of["noise"]),
        "reuse_factor_rest": ratio_of_means(of["squares"] - of["rest"], of["noise"]),
        "apart": difference_of_ratios(
            (of["across"], of["squares"]), (of["signal"], of["everything"])
        ),
    }
    row: Row = {}
    for name, (value, error) in pairs.items():
        row |= {name: value, f"{name}_error": error}
    return row


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """OSGR of the batches' steps, and κ, against the pass."""
    sizes = values(rows, "batch")
    drawn, axes = figure(len(sizes), 2, height=2.8, share="columns")
    left = {"measured": "measured", "held_out": "R_h", "fresh": "fresh batch"}
    right = {"reuse_factor": "κ on fresh data", "reuse_factor_rest": "κ on the rest of the set"}
    for k, batch in enumerate(sizes):
        mine = select(rows, batch=batch)
        for panel, names in ((axes[2 * k], left), (axes[2 * k + 1], right)):
            for j, (name, label) in enumerate(names.items()):
                at, y, error = (column(mine, c) for c in ("epoch", name, f"{name}_error"))
                curve(panel, at, y, error, label, j)
            panel.axhline(1, color="0.6", linewidth=1)
            symlog(panel, "x", 1)
            panel.set_xlim(left=1)
            panel.set_xlabel("pass over the set")
            panel.set_title(f"batches of {batch} of {mine[0]['n']}", fontsize=10)
        axes[2 * k].set_ylabel("OSGR of the batches' steps")
        axes[2 * k + 1].set_ylabel("reuse factor")
    label_ends(axes)
    return {"mini-batches": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """The first pass against the prediction for a fresh batch; κ of each pass."""
    found = []
    first = [row for row in rows if row["epoch"] == 1]
    if first:
        apart, errors = column(first, "apart"), column(first, "apart_error")
        text = ", ".join(
            f"batches of {row['batch']}: {row['held_out']:.3f} and {row['fresh']:.3f}"
            for row in first
        )
        verdict = agree(apart, errors, settings["n_runs"] - 1)
        what = "First pass: R_h of the batches' steps against a fresh batch's OSGR"
        found.append(Finding(what, text, "equal: no batch was seen before (theory)", verdict))
    for batch in values(rows, "batch"):
        mine = select(rows, batch=batch)
        for name, label in (("reuse_factor", "fresh data"), ("reuse_factor_rest", "the rest")):
            path = ", ".join(
                f"{r['epoch']}: {r[name]:.2f} ± {r[f'{name}_error']:.2f}" for r in mine
            )
            found.append(Finding(f"κ on {label} by pass, batches of {batch}", path))
    return found


EXPERIMENT = Experiment(
    name="mini-batches",
    title="Mini-batches: the first pass and the later ones",
    asks="A perceptron is trained on mini-batches of a fixed set of n images, shuffled at each "
    "pass. In the first pass no batch has been seen, so that the prediction for a fresh batch of "
    "its size must hold; later each has. At some passes, over all of their batches: the OSGR of "
    "the batch's step on the population that the set was drawn from, R_h (4.1), what a fresh batch "
    "has there, and the reuse factor κ (4.2) on fresh data and on the rest of the set. Bands are "
    "one standard error over runs.",
    scales=by_scale(
        data=("digits", "digits", "mnist"),
        label_noise=(0.0, 0.2, 0.2),
        n=(24, 200, 2000),
        n_population=(60, 1797, 10000),
        batch=([6, 12], [10, 50], [20, 100, 500]),
        n_runs=(4, 20, 50),
        width=(4, 16, 64),
        learning_rate=(0.1, 0.1, 0.05),
        epochs=([1, 2], [1, 2, 5, 10, 30], [1, 2, 5, 10, 30, 100]),
    ),
    expected=RANGES | {"batch": whole(2, 1_000_000), "n_population": whole(10, 10_000_000)},
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "mini-batches": "Whether in the first pass a batch's step has the OSGR of a fresh batch, "
        "with κ = 1, and how far later passes leave that, on fresh data and on the rest.",
    },
    load=lambda settings: pool(settings["data"]),
    work=work,
)
