"""E1 and E2: measured against predicted OSGR along training, on images."""

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
    convnet,
    distance_figure,
    exact_at_start,
    identity_cells,
    identity_findings,
    initial,
    pool,
    scatter,
)


def cells(settings: Settings) -> list[Cell]:
    """A cell a setting; those with the most work first; and the exact OSGR of the first step."""
    grid: list[Cell] = [
        {"n": n, "label_noise": noise, "channels": channels}
        for n in settings["n"]
        for noise in settings["label_noise"]
        for channels in settings["channels"]
    ]
    everything = identity_cells(grid, settings)
    everything.sort(key=lambda cell: -cell["n"] * cell["channels"] * max(cell["epochs"]))
    exact: list[Cell] = [
        {
            "kind": "exact",
            "channels": channels,
            "n": settings["n"],
            "noises": settings["label_noise"],
        }
        for channels in settings["channels"]
    ]
    return with_settings([*exact, *everything], settings, "data", "initial", "n_test")


def work(cell: Cell) -> float:
    """Passes through the network."""
    return 1.0 if cell["kind"] == "exact" else samples_seen(cell)


def run(cell: Cell) -> list[Row]:
    """Rows of one setting, an epoch each; or of the exact OSGR, a setting each."""
    model = convnet(cell["data"], cell["channels"])
    start = as_float32(initial(model, cell["seed"], cell["initial"]))
    named = {name: cell[name] for name in ("kind", "channels")}
    if cell["kind"] == "exact":
        exact = exact_at_start(model, start, pool(cell["data"]), cell["n"], cell["noises"])
        return [named | row for row in exact]
    sides = both_sides(
        model,
        start,
        pool(cell["data"]),
        n=cell["n"],
        label_noise=cell["label_noise"],
        learning_rate=cell["learning_rate"],
        epochs=cell["epochs"],
        n_sets=cell["n_sets"],
        n_test=cell["n_test"],
        seed=cell["seed"],
        stream=cell["channels"],
    )
    return [labels(cell) | row for row in sides]


def _noise(row: Row) -> str:
    return f"label noise {row['label_noise']:g}"


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Both sides by epoch, and the distance of the two gradient distributions."""
    rows = select(rows, kind="along")
    groups = [f"label noise {noise:g}" for noise in settings["label_noise"]]
    return {
        "both-sides": scatter(rows, _noise, groups),
        "gradient-distributions": distance_figure(rows, settings["n_sets"], _noise),
    }


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """How far the two sides agree, early and late."""
    setting = ("channels", "n", "label_noise")
    return identity_findings(rows, settings["n_sets"], settings["n_sets_start"], setting)


EXPERIMENT = Experiment(
    name="identity-over-training",
    title="Both sides of the identity along training (E1, E2)",
    asks="A convolutional network is trained by gradient descent on M independently drawn training "
    "sets of n images, with a share of the labels replaced by random ones, in the test sets too; "
    "all sets are drawn from the published training and test images together. At some epochs the "
    "measured OSGR, the sum of the M test-loss decreases of one step over the sum of the "
    "training-loss decreases, is held against the prediction from per-sample gradients: as the "
    "paper estimates it (equation 25) and debiased. One point is one setting of n, label noise and "
    "channels; bars are one standard error over the M sets. The prediction assumes that the "
    "gradient of the training set has the distribution of that of a fresh set. The first step is "
    "taken on more sets as well, and held against the exact OSGR of the whole population; the last "
    "epoch also at a smaller learning rate, on the same sets.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        n=(
            [40, 80],
            [50, 100, 200, 500, 1000],
            [1000, 2000, 4000, 6000, 8000, 10000, 12000, 15000],
        ),
        label_noise=([0.0, 0.5], [0.0, 0.2, 0.5], [0.0, 0.1, 0.2, 0.3, 0.5]),
        channels=([2], [6], [6, 8, 10, 12, 14, 16, 18, 20]),
        initial=("ours", "ours", "ours"),
        learning_rate=(0.1, 0.01, 0.001),
        epochs=([1, 10], [1, 5, 20, 50, 100], [1, 20, 100, 300, 1000]),
        n_sets=(4, 10, 10),
        n_sets_start=(6, 30, 30),
        n_slow=([40], [50, 100], [1000, 2000]),
        slower=(2, 5, 5),
        n_test=(500, 5000, 10000),
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
    },
    load=lambda settings: pool(settings["data"]),
    work=work,
)
