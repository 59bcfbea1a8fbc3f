"""E1 and E3 for recurrent networks: asked at the talk, not done there."""

from typing import Any

from gsnr_ref.experiments.harness import (
    Cell,
    Experiment,
    Finding,
    Row,
    Settings,
    by_scale,
    labels,
    samples_seen,
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
    exact_at_start,
    identity_cells,
    identity_findings,
    log_spaced,
    losses,
    panels,
    rise_text,
    rises,
    scatter,
    sequences,
    stays_low,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.signal_to_noise import gsnr_summary
from toy_models import RecurrentNet


def cells(settings: Settings) -> list[Cell]:
    """Cells of the identity, one of each network's exact OSGR, and a cell a curve of GSNR.

    The setting "cell", which recurrent cell, is the "unit" of a cell of the grid.
    """
    networks: list[Cell] = [
        {"task": task, "unit": unit} for task in settings["task"] for unit in settings["cell"]
    ]
    grid = [
        network | {"n": n, "label_noise": noise}
        for network in networks
        for n in settings["n"]
        for noise in settings["label_noise"]
    ]
    everything = identity_cells(grid, settings)
    everything += [
        network
        | {"kind": "curve", "label_noise": noise, "repetition": repetition}
        | {name: settings[name] for name in ("learning_rate", "last_step", "n_curve")}
        for network in networks
        for noise in (0.0, 1.0)
        for repetition in range(settings["repetitions"])
    ]
    everything.sort(key=lambda cell: -(work(cell) * (1 if cell["unit"] == "elman" else 4)))
    sizes = {"n": settings["n"], "noises": settings["label_noise"]}
    exact: list[Cell] = [network | {"kind": "exact"} | sizes for network in networks]
    return with_settings([*exact, *everything], settings, "n_hidden", "n_test")


def work(cell: Cell) -> float:
    """Passes through the network."""
    if cell["kind"] == "exact":
        return 1.0
    return samples_seen({"n": cell.get("n_curve")} | cell)


def run(cell: Cell) -> list[Row]:
    """Rows of one setting of the identity, or of one curve of GSNR."""
    x, y = population = sequences(cell["task"])
    n_classes = int(y.max()) + 1
    model = RecurrentNet(x.shape[2], cell["n_hidden"], n_classes, cell["unit"])
    start = as_float32(model.init(cell["seed"]))
    named = {name: _labels(cell)[name] for name in ("kind", "task", "cell")}
    if cell["kind"] == "exact":
        exact = exact_at_start(model, start, population, cell["n"], cell["noises"])
        return [named | row for row in exact]
    if cell["kind"] != "curve":
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
            stream=_stream(cell),
        )
        return [_labels(cell) | row for row in sides]
    seed = [cell["seed"], 9, _stream(cell), cell["repetition"]]
    x, y = draw(*population, cell["n_curve"], cell["label_noise"], seed)
    start = as_float32(model.init(1000 * cell["seed"] + cell["repetition"]))
    named |= {name: cell[name] for name in ("label_noise", "repetition")}
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


def _stream(cell: Cell) -> int:
    """A number that no other task or recurrent cell has: sets are drawn independently for each."""
    task = RANGES["task"].choices.index(cell["task"])
    return 10 * task + RANGES["cell"].choices.index(cell["unit"])


def _labels(cell: Cell) -> Row:
    """Those of the harness, with the unit under the name of its setting, which is its column."""
    return {"cell" if name == "unit" else name: value for name, value in labels(cell).items()}


def _label(row: Row) -> str:
    return f"{row['cell']}, {row['task']}"


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Both sides by epoch; the gradient distributions; GSNR against the step."""
    along = select(rows, kind="along")
    groups = [f"{unit}, {task}" for task in settings["task"] for unit in settings["cell"]]
    n = settings["n_curve"]
    by_network = {
        group: {
            label: [
                row for row in select(rows, kind="curve", label_noise=noise) if _label(row) == group
            ]
            for noise, label in ((0.0, "true labels"), (1.0, "random labels"))
        }
        for group in groups
    }
    gsnr = f"mean GSNR (plug-in, n = {n})"
    return {
        "both-sides": scatter(along, _label, groups),
        "gradient-distributions": distance_figure(along, settings["n_sets"], _label),
        "gsnr-by-labels": panels(by_network, "mean", gsnr, n, height=3),
        "training-loss": panels(
            by_network, "training_loss", "training loss (nats)", None, height=3
        ),
    }


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """As for the convolutional network."""
    setting = ("task", "cell", "n", "label_noise")
    found = identity_findings(rows, settings["n_sets"], settings["n_sets_start"], setting)
    for task in settings["task"]:
        for unit in settings["cell"]:
            mine = select(rows, kind="curve", task=task, cell=unit)
            true, random = (curves(select(mine, label_noise=p), "mean") for p in (0.0, 1.0))
            what = f"mean GSNR, {unit} on {task}"
            stated = ("a marked early rise (paper, of other networks)", "low throughout (the same)")
            found += [
                Finding(f"{what}, true labels", rise_text(true), stated[0], rises(true, by=1.5)),
                Finding(
                    f"{what}, random labels", rise_text(random), stated[1], stays_low(random, true)
                ),
            ]
    return found


EXPERIMENT = Experiment(
    name="recurrent",
    title="Recurrent networks: the identity and random labels",
    asks="Elman and LSTM networks read a digit image row by row, or a synthetic sequence whose "
    "class tells which half has the larger sum. Their weights are tied through time, and the "
    "identity asks nothing about that: at the start both sides must agree. The first step is taken "
    "on more sets as well, and held against the exact OSGR of the whole population; the last epoch "
    "also at a smaller learning rate, on the same sets. The paper did not try it. Bands are one "
    "standard error over repetitions.",
    scales=by_scale(
        task=(["digits", "order"], ["digits", "order"], ["mnist", "order"]),
        cell=(["elman", "lstm"], ["elman", "lstm"], ["elman", "lstm"]),
        n=([50], [50, 500], [1000, 4000, 10000]),
        n_hidden=(6, 16, 64),
        label_noise=([0.0, 0.5], [0.0, 0.5], [0.0, 0.1, 0.2, 0.3, 0.5]),
        learning_rate=(0.1, 0.05, 0.01),
        epochs=([1, 10], [1, 5, 20, 50, 100], [1, 20, 100, 300, 1000]),
        n_sets=(4, 10, 10),
        n_sets_start=(6, 30, 30),
        n_slow=([50], [50], [1000]),
        slower=(2, 5, 5),
        n_test=(500, 1797, 10000),
        last_step=(20, 400, 3000),
        n_curve=(50, 100, 10000),
        repetitions=(1, 5, 5),
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
        "training-loss": "Whether the training loss falls all the while: a rise of GSNR where it "
        "does not is an instability.",
    },
    load=lambda settings: [sequences(task) for task in settings["task"]],
    work=work,
)
