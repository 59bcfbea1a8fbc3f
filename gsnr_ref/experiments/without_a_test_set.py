"""The gap and OSGR along training, from the training set alone, against the whole population."""

from typing import Any

import numpy as np

from gsnr_ref.contract import RangeError, flat
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
    mean_curve,
    select,
    symlog,
    values,
    whole,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    Samples,
    draw,
    log_spaced,
    losses,
    mean_gradient,
    moved,
    pool,
)
from gsnr_ref.inference import debiased_osgr, plug_in_osgr
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr.leave_one_out import leave_one_out_run
from toy_models import MLP

#: What is compared with the truth, by the quantity: column and label.
ESTIMATES = {
    "gap": {"gap_alone": "leave one out (4.12)", "gap_14": "sum of λ tr S/n (eq. 14)"},
    "osgr": {"osgr_alone": "leave one out (4.12)", "debiased": "debiased", "paper": "paper"},
}


def cells(settings: Settings) -> list[Cell]:
    """A cell a training set; the largest first."""
    grid = [
        {"data": data, "n": n, "label_noise": noise, "repetition": repetition}
        for n in sorted(settings["n"], reverse=True)
        for data in reversed(settings["data"])
        for noise in settings["label_noise"]
        for repetition in range(settings["n_sets"])
    ]
    return with_settings(grid, settings, "width", "learning_rate", "last_step", "n_population")


def work(cell: Cell) -> float:
    """Passes through the network: a step carries n leave-one-out moves, each over n samples."""
    n, last = cell["n"], cell["last_step"]
    return float(last * n * n + 4 * len(str(last)) * (n * n + cell["n_population"]))


def population_of(cell: Cell) -> Samples:
    """A fixed set of images with fixed labels, some replaced: all that there is."""
    images = pool(cell["data"])
    key = [cell["seed"], 31, round(1000 * cell["label_noise"])]
    x, y = draw(images.x, images.y, cell["n_population"], cell["label_noise"], key)
    return x.reshape(len(x), -1).astype(float), y


def run(cell: Cell) -> list[Row]:
    """Rows of one training set, a measured step each."""
    population, rate, n = population_of(cell), cell["learning_rate"], cell["n"]
    named = {k: cell[k] for k in ("data", "n", "label_noise", "repetition", "learning_rate")}
    key = [cell["seed"], 32, n, round(1000 * cell["label_noise"]), cell["repetition"]]
    chosen = np.random.default_rng(key).integers(0, len(population[0]), n)
    x, y = population[0][chosen], population[1][chosen]
    model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    params = model.init(cell["seed"])
    steps = log_spaced(cell["last_step"], per_decade=3)
    try:
        alone = leave_one_out_run(model, params, x, y, rate, steps)
        gaps, ratios = alone.gap, alone.osgr
    except RangeError:  # what is carried along grows without end past the edge
        gaps = ratios = np.full(len(steps), np.nan)
    at = {step: k for k, step in enumerate(steps)}
    rows: list[Row] = []
    start = gap_14 = 0.0
    for step in range(max(steps) + 1):
        moments = gradient_moments(model, params, x, y)
        if step in at:
            k, g = at[step], flat(moments.mean)
            own, test = (float(losses(model, params, *s).mean()) for s in ((x, y), population))
            start = start if rows else test - own  # noise of the draw: its expectation is 0
            rows.append(
                named
                | {"step": step, "lambda_t": rate * step, "training_loss": own}
                | {"gap": test - own - start, "gap_alone": float(gaps[k]), "gap_14": gap_14}
                | {"osgr": float(g @ flat(mean_gradient(model, params, *population)) / (g @ g))}
                | {"osgr_alone": float(ratios[k]), "debiased": float(debiased_osgr(moments))}
                | {"paper": plug_in_osgr([moments])}
            )
        gap_14 += rate * moments.signal_and_noise(ddof=1)[1] / n
        params = moved(params, moments.mean, rate)
    return rows


def _groups(rows: list[Row]) -> list[tuple[str, int, float]]:
    """Data, n and label noise of each panel: a row of panels a data and n."""
    return [
        (data, n, noise)
        for data in sorted(values(rows, "data"))
        for n in sorted(values(rows, "n"))
        for noise in sorted(values(rows, "label_noise"))
    ]


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Truth and estimates against λt, of the gap and of OSGR."""
    return {"gap": _against_truth(rows, "gap"), "osgr": _against_truth(rows, "osgr")}


def _against_truth(rows: list[Row], name: str) -> Any:
    groups = _groups(rows)
    n_columns = min(2, len(values(rows, "label_noise")))
    n_rows = -(-len(groups) // n_columns)
    drawn, axes = figure(n_rows, n_columns, height=2.5, share="y")
    for panel, (data, n, noise) in zip(axes, groups, strict=False):
        mine = select(rows, data=data, n=n, label_noise=noise)
        labels = {name: "population"} | ESTIMATES[name]
        for k, (key, label) in enumerate(labels.items()):
            curve(panel, *mean_curve(mine, "lambda_t", key), label, k)
        symlog(panel, "x", mine[0]["learning_rate"])
        panel.set_xlim(left=0)
        symlog(panel, "y", 0.1 if name == "gap" else 1)
        if name == "osgr":
            panel.axhline(1, color="0.6", linewidth=1)
        panel.set_title(f"{data}, n = {n}, label noise {noise:g}", fontsize=10)
        panel.set_xlabel("λt")
        panel.set_ylabel("test − training loss (nats)" if name == "gap" else "OSGR")
    for panel in axes[len(groups) :]:
        panel.set_axis_off()
    label_ends(axes)
    return drawn


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Until which λt each estimate is right."""
    found = []
    for data, n, noise in _groups(rows):
        mine = select(rows, data=data, n=n, label_noise=noise)
        for name, estimates in ESTIMATES.items():
            text = "; ".join(
                f"{label}: {_holds_until(mine, name, key)}" for key, label in estimates.items()
            )
            what = f"{name.upper() if name == 'osgr' else name}, {data}, n = {n}, noise {noise:g}"
            found.append(Finding(f"{what}: within 2 standard errors or a tenth, until λt", text))
    return found


def _holds_until(rows: list[Row], truth: str, estimate: str) -> str:
    """The last measured λt before the first at which the mean over sets is off.

    Off is by more than 2 standard errors of the difference over the sets, and by more than a tenth:
    of the gap, or of 1 for OSGR.
    """
    last = "not at the start"
    for t in values(rows, "lambda_t"):
        here = select(rows, lambda_t=t)
        apart = column(here, estimate) - column(here, truth)
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
        unit = abs(column(here, truth).mean()) if truth == "gap" else 1.0
        if not abs(apart.mean()) <= max(2 * error, 0.1 * unit):
            return last
        last = f"{t:.3g}"
    return f"{last} (all of the run)"


EXPERIMENT = Experiment(
    name="without-a-test-set",
    title="Without a test set: the gap and OSGR from the training set alone",
    asks="A perceptron is trained by gradient descent on n images, drawn with replacement from a "
    "fixed population of images, some with replaced labels, so that the test loss and R_h (4.1) at "
    "every step are known (the gap less that at the start, whose expectation is 0). Beside "
    "them what the training set alone tells: leave-one-out carried "
    "along training (4.12); for OSGR the debiased estimate and the paper's plug-in of this set; "
    "for the gap equation 14 added up over the steps. The last three take the parameters for "
    "independent of the set. Until when is each right? Bands are one standard error over sets.",
    scales=by_scale(
        data=(["digits"], ["digits", "mnist"], ["digits", "mnist"]),
        n=([12], [50, 100], [100, 400, 1000]),
        label_noise=([0.0, 0.3], [0.0, 0.3], [0.0, 0.3, 1.0]),
        width=(3, 8, 16),
        n_population=(200, 5000, 20000),
        n_sets=(3, 5, 20),
        learning_rate=(0.2, 0.1, 0.1),
        last_step=(6, 300, 1000),
    ),
    expected=RANGES | {"n": whole(4, 10_000), "n_population": whole(10, 10_000_000)},
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "gap": "How long leave-one-out follows the gap of the population, and when the sum of "
        "equation 14 leaves it.",
        "osgr": "When the debiased estimate and the plug-in leave OSGR, as the parameters come to "
        "know the training set, and how much longer leave-one-out stays with it.",
    },
    load=lambda settings: [pool(data) for data in settings["data"]],
    work=work,
)
