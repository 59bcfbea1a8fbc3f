"""E5: the identity on y = x₀·x₁ + noise: the relation does not depend on the task."""

from typing import Any

import numpy as np

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
    labels,
    select,
    symlog,
    with_settings,
)
from gsnr_ref.experiments.shared import RANGES, agree, both_sides, descend
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr.measured import measured_osgr
from gsnr_ref.osgr.predicted import predicted_osgr
from toy_models import MLP, FinitePopulation, ProductRegression


def cells(settings: Settings) -> list[Cell]:
    """A cell a size at fixed parameters, and a cell a size along training."""
    grid = [
        {"kind": kind, "n": n}
        for kind in ("fixed", "training")
        for n in sorted(settings["n"], reverse=True)
    ]
    of_the_model = ("n_hidden", "activation", "learning_rate")
    of_the_sides = ("n_population", "n_trials", "trained", "epochs", "n_sets", "n_test")
    return with_settings(grid, settings, *of_the_model, *of_the_sides)


def run(cell: Cell) -> list[Row]:
    """Rows at fixed parameters (independent of the data of the measurement), or along training."""
    model = MLP((2, cell["n_hidden"], 1), cell["activation"])
    seed = cell["seed"]
    rng = np.random.default_rng([seed, 5])
    draw = ProductRegression().sample
    start = model.init(seed)
    if cell["kind"] == "training":
        samples = draw(rng, cell["n_population"])
        sides = both_sides(
            model,
            start,
            samples,
            n=cell["n"],
            label_noise=0.0,
            learning_rate=cell["learning_rate"],
            epochs=cell["epochs"],
            n_sets=cell["n_sets"],
            n_test=cell["n_test"],
            seed=seed,
        )
        return [labels(cell) | {"label_noise": 0.0} | row for row in sides]
    population = FinitePopulation(*draw(rng, cell["n_population"]))
    elsewhere = draw(rng, cell["n_population"])  # parameters are trained on other samples
    rows = []
    for step, params in descend(model, start, *elsewhere, 0.1, cell["trained"]):
        moments = gradient_moments(model, params, population.x, population.y)
        measured = measured_osgr(
            model, params, population, cell["n"], 1e-4, n_trials=cell["n_trials"], seed=seed
        )
        rows.append(
            {
                "kind": "fixed",
                "n": cell["n"],
                "step": step,
                "predicted": predicted_osgr(moments, cell["n"]),
                "measured": measured.value,
                "measured_error": measured.standard_error,
            }
        )
    return rows


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """At fixed parameters, predicted against measured; along training, both against the epoch."""
    drawn, (left, right) = figure(1, 2)
    left.axline((0, 0), slope=1, color="0.6", linewidth=1)
    for k, step in enumerate(settings["trained"]):
        points = select(rows, kind="fixed", step=step)
        left.errorbar(
            column(points, "measured"),
            column(points, "predicted"),
            xerr=column(points, "measured_error"),
            label=f"after {step} steps on other data",
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            markersize=5,
            linestyle="none",
        )
    left.set_xlabel("OSGR, measured")
    left.set_ylabel("OSGR, predicted (equation 22)")
    left.set_title("fixed parameters", fontsize=10)
    left.legend()
    n = settings["n"][0]
    path = select(rows, kind="training", n=n)
    for k, name in enumerate(("measured", "paper", "debiased")):
        error = column(path, f"{name}_error")
        curve(right, column(path, "epoch"), column(path, name), error, name, k)
    right.set_xscale("log")
    symlog(right, "y", 1)
    right.set_xlabel("epoch (step of gradient descent)")
    right.set_ylabel("OSGR")
    right.set_title(f"along training, n = {n}", fontsize=10)
    label_ends([right])
    return {"identity-on-a-regression": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Agreement at fixed parameters; what happens along training."""
    fixed = select(rows, kind="fixed")
    apart = np.abs(column(fixed, "measured") - column(fixed, "predicted"))
    z = apart / column(fixed, "measured_error")
    found = [
        Finding(
            f"Fixed parameters: measured against equation 22, {len(z)} settings",
            f"{int((z <= 2).sum())} within 2 standard errors; largest distance {z.max():.1f}",
            "the relation holds (paper)",
            agree(apart, column(fixed, "measured_error"), settings["n_trials"] - 1),
        )
    ]
    for n in settings["n"]:
        path = select(rows, kind="training", n=n)
        for row in (path[0], path[-1]):
            text = ", ".join(
                f"{name} {row[name]:.3f} ± {row[f'{name}_error']:.3f}"
                for name in ("measured", "paper", "debiased")
            )
            found.append(Finding(f"Along training, n = {n}, epoch {row['epoch']}", text))
    return found


EXPERIMENT = Experiment(
    name="toy-regression",
    title="The identity on a toy regression (E5)",
    asks="The same two sides on y = x₀·x₁ + noise with a perceptron. At fixed parameters, which do "
    "not depend on the training sets, theory says that they are equal at a small learning rate. "
    "Along training the parameters come to depend on the training set, and are shown as measured.",
    scales=by_scale(
        n=([20, 100], [20, 50, 200, 1000], [20, 50, 200, 1000]),
        n_hidden=(10, 20, 20),
        activation=("tanh", "tanh", "tanh"),
        learning_rate=(0.05, 0.05, 0.05),
        n_population=(1000, 10000, 10000),
        n_trials=(100, 1000, 10000),
        trained=([0, 30], [0, 30, 300, 3000], [0, 30, 300, 3000, 30000]),
        epochs=([1, 20], [1, 10, 100, 300, 1000, 3000], [1, 10, 100, 1000, 10000, 30000]),
        n_sets=(4, 10, 50),
        n_test=(1000, 10000, 10000),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "identity-on-a-regression": "On the left, whether the points lie on the diagonal; on the "
        "right, when the two estimates leave the measured OSGR: the parameters have seen the "
        "training set.",
    },
)
