"""E1 and E3 for recurrent networks: asked at the talk, not done there."""

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
    labels,
    log_steps,
    mean_curve,
    select,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    as_float32,
    both_sides,
    curves,
    descend,
    distance_figure,
    draw,
    identity_findings,
    log_spaced,
    losses,
    rise_text,
    scatter,
    sequences,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import RecurrentNet


def cells(settings: Settings) -> list[Cell]:
    """A cell a setting of the identity, and a cell a curve of GSNR.

    The setting "cell", which recurrent cell, is the "unit" of a cell of the grid.
    """
    grid: list[Cell] = [
        {"kind": "identity", "task": task, "unit": unit, "n": n, "label_noise": noise}
        for task in settings["task"]
        for unit in settings["cell"]
        for n in settings["n"]
        for noise in settings["label_noise"]
    ]
    grid += [
        {"kind": "curve", "task": task, "unit": unit, "label_noise": noise}
        for task in settings["task"]
        for unit in settings["cell"]
        for noise in (0.0, 1.0)
    ]
    grid.sort(
        key=lambda cell: (cell["unit"] == "elman", -int(cell.get("n") or settings["n_curve"]))
    )
    shared = ("n_hidden", "learning_rate", "n_sets", "n_test", "epochs", "last_step", "n_curve")
    return with_settings(grid, settings, *shared)


def run(cell: Cell) -> list[Row]:
    """Rows of one setting of the identity, or of one curve of GSNR."""
    x, y = population = sequences(cell["task"])
    n_classes = int(y.max()) + 1
    model = RecurrentNet(x.shape[2], cell["n_hidden"], n_classes, cell["unit"])
    start = as_float32(model.init(cell["seed"]))
    if cell["kind"] == "identity":
        sides = both_sides(
            model,
            start,
            population,
            n=cell["n"],
            label_noise=cell["label_noise"],
            learning_rate=cell["learning_rate"],
            epochs=cell["epochs"],
            n_sets=cell["n_sets"],
            n_test=cell["n_test"],
            seed=cell["seed"],
        )
        return [_labels(cell) | row for row in sides]
    x, y = draw(*population, cell["n_curve"], cell["label_noise"], [cell["seed"], 9])
    named = {name: _labels(cell)[name] for name in ("kind", "task", "cell", "label_noise")}
    rows = []
    steps = log_spaced(cell["last_step"])
    for step, params in descend(model, start, x, y, cell["learning_rate"], steps):
        summary = gsnr_summary(gradient_moments(model, params, x, y), ddof=1)
        rows.append(
            named
            | {"step": step, "mean": summary.mean, "effective": summary.effective}
            | {"training_loss": float(losses(model, params, x, y).mean())}
        )
    return rows


def _labels(cell: Cell) -> Row:
    """Those of the harness, with the unit under the name of its setting, which is its column."""
    return {"cell" if name == "unit" else name: value for name, value in labels(cell).items()}


def _label(row: Row) -> str:
    return f"{row['cell']}, {row['task']}"


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Both sides by epoch; the gradient distributions; GSNR against the step."""
    identity = select(rows, kind="identity")
    groups = [f"{unit}, {task}" for task in settings["task"] for unit in settings["cell"]]
    drawn, axes = figure(-(-len(groups) // 2), min(len(groups), 2), height=3, share="y")
    for panel, group in zip(axes, groups, strict=False):
        for k, (noise, label) in enumerate(((0.0, "true labels"), (1.0, "random labels"))):
            mine = [r for r in select(rows, kind="curve", label_noise=noise) if _label(r) == group]
            curve(panel, *mean_curve(mine, "step", "mean"), label, k)
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_title(group, fontsize=10)
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(f"mean GSNR (plug-in, n = {settings['n_curve']})")
        floor(panel, settings["n_curve"])
    for panel in axes[len(groups) :]:
        panel.set_axis_off()
    label_ends(axes[: len(groups)])
    return {
        "both-sides": scatter(identity, _label, groups),
        "gradient-distributions": distance_figure(identity, settings["n_sets"], _label),
        "gsnr-by-labels": drawn,
    }


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """As for the convolutional network."""
    found = identity_findings(select(rows, kind="identity"), settings["n_sets"])
    for task in settings["task"]:
        for unit in settings["cell"]:
            for noise, label in ((0.0, "true"), (1.0, "random")):
                path = select(rows, kind="curve", task=task, cell=unit, label_noise=noise)
                (run,) = curves([row | {"repetition": 0} for row in path], "mean")
                what = f"mean GSNR, {unit} on {task}, {label} labels"
                found.append(Finding(what, rise_text([run])))
    return found


EXPERIMENT = Experiment(
    name="recurrent",
    title="Recurrent networks: the identity and random labels",
    asks="Elman and LSTM networks read a digit image row by row, or a synthetic sequence whose "
    "class tells which half has the larger sum. Their weights are tied through time, and the "
    "identity asks nothing about that: at the start both sides must agree. The paper did not try "
    "it.",
    scales=by_scale(
        task=(["digits", "order"], ["digits", "order"], ["mnist", "order"]),
        cell=(["elman", "lstm"], ["elman", "lstm"], ["elman", "lstm"]),
        n=([50], [50, 200, 500], [1000, 4000, 10000]),
        n_hidden=(6, 16, 64),
        label_noise=([0.0, 0.5], [0.0, 0.2, 0.5], [0.0, 0.1, 0.2, 0.3, 0.5]),
        learning_rate=(0.1, 0.1, 0.01),
        epochs=([1, 10], [1, 5, 20, 50, 100], [1, 20, 100, 300, 1000]),
        n_sets=(4, 10, 10),
        n_test=(500, 1797, 10000),
        last_step=(20, 1000, 3000),
        n_curve=(50, 500, 10000),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "both-sides": "How close the points lie to the diagonal at the first epoch, and how they "
        "leave it later.",
        "gradient-distributions": "How far both curves leave the line of equal distributions as "
        "training goes on: there the assumption behind the prediction ends.",
        "gsnr-by-labels": "Whether GSNR rises early on true labels, and stays low on random ones.",
    },
    load=lambda settings: [sequences(task) for task in settings["task"]],
)
