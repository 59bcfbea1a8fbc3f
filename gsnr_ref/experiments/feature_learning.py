"""E6: signs of gradients, weights against the change of their gradients, and equation 28."""

from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Model, Params, flat
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
    log_steps,
    mean_curve,
    select,
    values,
    whole,
)
from gsnr_ref.experiments.shared import (
    INITIAL_IN_WORDS,
    RANGES,
    as_float32,
    convnet,
    curves,
    descend,
    draw,
    initial,
    losses,
    mean_gradient,
    moved,
    pool,
    reaches,
    turns,
)
from gsnr_ref.feature_learning import feature_learning_terms
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.related import sign_agreement


def cells(settings: Settings) -> list[Cell]:
    """A cell a repetition: of the weights along training, and of equation 28."""
    grid = [
        {"kind": kind, "repetition": repetition}
        for kind in ("weights", "formula")
        for repetition in range(settings["repetitions"])
    ]
    shared = ("data", "label_noise", "channels", "initial", "learning_rate")
    own = {
        "weights": ("n", "n_signs", "hidden", "measured_steps", "spans"),
        "formula": ("n_formula", "hidden_formula", "formula_steps"),
    }
    return [
        cell | {name: settings[name] for name in (*shared, *own[str(cell["kind"])])}
        for cell in grid
    ]


def work(cell: Cell) -> float:
    """Passes through the network: equation 28 takes one a weight of the last layer."""
    if cell["kind"] == "weights":
        measured = cell["measured_steps"]
        return float(cell["n"] * (max(measured) + max(cell["spans"]) + 4 * len(measured)))
    per_step = 10 * cell["hidden_formula"]
    steps = cell["formula_steps"]
    return float(cell["n_formula"] * (max(steps) + per_step * len(steps)))


def run(cell: Cell) -> list[Row]:
    """Rows of one training run, a measured step each."""
    images = pool(cell["data"])
    seed = [cell["seed"], cell["repetition"]]
    weights = cell["kind"] == "weights"
    n, hidden = (cell[k] for k in (("n", "hidden") if weights else ("n_formula", "hidden_formula")))
    model = convnet(cell["data"], cell["channels"], hidden)
    x, y = draw(images.x, images.y, n, cell["label_noise"], seed)
    start = initial(model, 1000 * cell["seed"] + cell["repetition"], cell["initial"])
    named = {"kind": cell["kind"], "repetition": cell["repetition"]}
    follow = _along if weights else _formula_along
    return [named | row for row in follow(cell, model, as_float32(start), x, y)]


def _along(cell: Cell, model: Model, params: Params, x: Array, y: Array) -> list[Row]:
    """Signs, and weights against the change of their gradients in the next steps."""
    rows: dict[int, Row] = {}
    waiting: dict[int, tuple[Array, Array]] = {}
    rate, measured, spans = cell["learning_rate"], set(cell["measured_steps"]), cell["spans"]
    for step in range(max(measured) + max(spans) + 1):
        gradient = mean_gradient(model, params, x, y)
        for span in spans:
            if step - span in rows:
                rows[step - span][f"corr_w_dg_{span}"] = _correlation(
                    *waiting[step - span], _weights(gradient)
                )
        if step in measured:
            signs = per_sample_gradients(model, params, x[: cell["n_signs"]], y[: cell["n_signs"]])
            waiting[step] = _weights(params), _weights(gradient)
            rows[step] = (
                {"step": step, "training_loss": float(losses(model, params, x, y).mean())}
                | {"sign_agreement": sign_agreement(signs)}
                | {f"signs_{name}": sign_agreement({name: signs[name]}) for name in signs}
                | _opposite(*waiting[step])
            )
        params = moved(params, gradient, rate)
    return list(rows.values())


def _weights(tree: Params) -> Array:
    """The weights of all layers, without biases, in one array."""
    named = {name: value for name, value in tree.items() if name.endswith(".weight")}
    return flat(named).astype(np.float64)


def _correlation(w: Array, before: Array, after: Array) -> float:
    """corr(W, Δg), over the weights that have a gradient."""
    moving = before != 0
    return _pearson(w[moving], (after - before)[moving])


def _pearson(one: Array, other: Array) -> float:
    """nan where nothing varies: a dead network has no gradient to speak of."""
    varies = len(one) > 1 and np.ptp(one) > 0 and np.ptp(other) > 0
    return float(np.corrcoef(one, other)[0, 1]) if varies else float("nan")


def _opposite(w: Array, g: Array) -> Row:
    """Share of weights whose sign is opposite to that of their mean gradient."""
    w, g = w[g != 0], g[g != 0]
    if not len(w):
        return {"opposite_largest": float("nan"), "opposite_all": float("nan")}
    largest = np.abs(w) >= np.quantile(np.abs(w), 0.9)
    return {
        "opposite_largest": float((w[largest] * g[largest] < 0).mean()),
        "opposite_all": float((w * g < 0).mean()),
    }


def _formula_along(cell: Cell, model: Model, params: Params, x: Array, y: Array) -> list[Row]:
    """Equation 28 against the measured change of the last layer's gradient."""
    rate = cell["learning_rate"]
    rows = []
    for step, theta in descend(model, params, x, y, rate, cell["formula_steps"]):
        gradient = mean_gradient(model, theta, x, y)
        rows.append({"step": step} | _equation_28(model, theta, gradient, x, y, rate))
    return rows


def _equation_28(
    model: Model, params: Params, gradient: Params, x: Array, y: Array, learning_rate: float
) -> Row:
    """Equation 28's term of the last layer against the measured change of its mean gradient.

    The change is measured in a step of the earlier layers alone: the derivation's "other terms" are
    what the deltas do meanwhile.
    """
    layer = "dense2"
    earlier = {k: v for k, v in gradient.items() if not k.startswith(layer)}
    stepped = moved(params, earlier, learning_rate)
    weight = f"{layer}.weight"
    change = mean_gradient(model, stepped, x, y)[weight] - gradient[weight]
    term = feature_learning_terms(model, params, x, y, layer)
    moving = term.diagonal != 0
    change = change[moving].astype(float)

    def correlation(predicted: Array) -> float:
        return _pearson(predicted[moving].astype(float), change)

    square = np.square(change).sum()
    if not square:
        slope, same = float("nan"), float("nan")
    else:
        slope = float((learning_rate * term.complete[moving] * change).sum() / square)
        same = float((term.diagonal[moving] * change > 0).mean())
    return {
        "corr_28_diagonal": correlation(term.diagonal),
        "corr_28_complete": correlation(term.complete),
        "slope_28_complete": slope,
        "same_sign_28": same,
    }


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Signs, correlation, largest weights, training loss and equation 28 against the step."""
    drawn, axes = figure(3, 2, height=2.9)
    signs, weights, largest, loss, formula, none = axes
    along = select(rows, kind="weights")
    layers = [name for name in along[0] if name.startswith("signs_") and name.endswith(".weight")]
    for k, name in enumerate(["sign_agreement", *layers]):
        label = name.removeprefix("signs_").removesuffix(".weight").replace("sign_agreement", "all")
        curve(signs, *mean_curve(along, "step", name), label, k)
    signs.set_ylabel("sign agreement")
    for k, span in enumerate(settings["spans"]):
        curve(weights, *mean_curve(along, "step", f"corr_w_dg_{span}"), _steps(span), k)
    weights.axhline(0.4, color="0.6", linewidth=1, linestyle="--")  # the paper's, late
    weights.set_ylabel("corr(W, Δg)")
    curve(largest, *mean_curve(along, "step", "opposite_largest"), "10 % largest |W|", 0)
    curve(largest, *mean_curve(along, "step", "opposite_all"), "all weights", 1)
    largest.axhline(0.8, color="0.6", linewidth=1, linestyle="--")  # the paper's
    largest.set_ylabel("share opposite to the gradient")
    curve(loss, *mean_curve(along, "step", "training_loss"), "training loss", 0)
    loss.set_ylabel("training loss (nats)")
    told = select(rows, kind="formula")
    for k, (name, label) in enumerate(
        (("corr_28_diagonal", "equation 28"), ("corr_28_complete", "all of feature learning"))
    ):
        curve(formula, *mean_curve(told, "step", name), label, k)
    formula.set_ylabel("corr with measured Δg, last layer")
    for panel, level in ((signs, 0.5), (weights, 0), (largest, 0.5)):
        panel.axhline(level, color="0.6", linewidth=1)
    for panel in (signs, weights, largest, loss):
        panel.set_xlabel("step of gradient descent")
    log_steps(formula)
    formula.set_xlabel("step of gradient descent")
    none.set_axis_off()
    label_ends(axes[:5])
    return {"feature-learning": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Each figure of the paper's section 3 beside the measured one."""
    along, told = select(rows, kind="weights"), select(rows, kind="formula")
    found = [
        Finding("Sign agreement, all parameters", _path(along, "sign_agreement", "{:.3f}")),
        *(
            Finding(
                f"Sign agreement, {name.removeprefix('signs_')}",
                _path(along, name, "{:.3f}"),
                "about 0.50 to about 0.56 (paper; which parameters is not said, definition ours)",
            )
            for name in along[0]
            if name.startswith("signs_conv") and name.endswith(".weight")
        ),
    ]
    for span in settings["spans"]:
        name = f"corr_w_dg_{span}"
        found.append(
            Finding(
                f"corr(W, Δg), Δg over {_steps(span)}",
                _path(along, name, "{:+.2f}"),
                "negative early, about +0.4 after about epoch 100 (paper)",
                turns(curves(along, name), 0.3),
            )
        )
    _, diagonal, _ = mean_curve(told, "step", "corr_28_diagonal")
    _, complete, _ = mean_curve(told, "step", "corr_28_complete")
    _, same, _ = mean_curve(told, "step", "same_sign_28")
    return [
        *found,
        Finding(
            "10 % largest |W| with the sign opposite to their mean gradient",
            _path(along, "opposite_largest", "{:.2f}"),
            "about 80 % (paper)",
            reaches(curves(along, "opposite_largest"), 0.75),
        ),
        Finding(
            "Equation 28 against the measured change of the last layer's gradient, correlation",
            f"{diagonal[0]:.2f} at the start, {diagonal.min():.2f} to {diagonal.max():.2f}; same "
            f"sign for {100 * same[0]:.0f} % of the weights at the start",
        ),
        Finding(
            "All of feature learning (δ frozen) against the measured change, correlation",
            f"{complete[0]:.2f} at the start, {complete.min():.2f} to {complete.max():.2f}",
        ),
    ]


def _steps(span: int) -> str:
    return f"{span} step{'s' if span > 1 else ''}"


def _path(rows: list[Row], name: str, form: str) -> str:
    """Median over runs at the start, where it is lowest and highest, and at the end."""
    at = values(rows, "step")
    medians = [float(np.median(column(select(rows, step=t), name))) for t in at]
    low, high = int(np.argmin(medians)), int(np.argmax(medians))
    told = [
        f"{form.format(medians[k])} at step {at[k]}" for k in sorted({0, low, high, -1 % len(at)})
    ]
    return f"{', '.join(told)}, medians of {len(values(rows, 'repetition'))}"


EXPERIMENT = Experiment(
    name="feature-learning",
    title="Feature learning: signs, weights and equation 28 (E6)",
    asks="Along gradient descent of a convolutional network: how far do the signs of per-sample "
    "gradients agree (mean over parameters of q² + (1 − q)², q the share of positive signs: 50 % "
    "without agreement), layer by layer; is the change Δg of a weight's mean gradient over the "
    "next steps correlated with the weight; do the largest weights have the sign opposite to their "
    "gradient; and, in a narrower network, since it takes a backward pass a weight, does equation "
    "28's term predict how the last layer's gradient changes in a step of the earlier layers? "
    "Where training starts is a setting: "
    + INITIAL_IN_WORDS
    + ". Bands are one standard error over repetitions.",
    scales=by_scale(
        data=("digits", "mnist", "mnist"),
        label_noise=(0.0, 0.0, 0.0),
        channels=(2, 6, 6),
        initial=("pytorch", "pytorch", "pytorch"),
        learning_rate=(0.1, 0.01, 0.001),
        n=(60, 500, 5000),
        n_signs=(60, 200, 500),
        hidden=(6, 120, 120),
        measured_steps=(
            [0, 3, 10],
            [
                0,
                50,
                100,
                200,
                300,
                400,
                500,
                550,
                600,
                640,
                680,
                720,
                760,
                800,
                850,
                900,
                1000,
                1200,
            ],
            [0, 100, 300, 1000, 2000, 3000, 5000, 5500, 6000, 6500, 7000, 7500, 8000, 10000],
        ),
        spans=([1, 2], [1, 40, 100], [1, 400, 1000]),
        n_formula=(60, 200, 1000),
        hidden_formula=(6, 24, 60),
        formula_steps=([0, 3], [0, 10, 100, 300], [0, 10, 100, 1000, 3000]),
        repetitions=(1, 5, 5),
    ),
    # one unit, once dead, leaves no weight
    expected=RANGES | {"hidden": whole(2, 10_000), "hidden_formula": whole(2, 10_000)},
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "feature-learning": "Where, if at all, corr(W, Δg) turns from negative to positive, and "
        "how close equation 28 comes to the measured change of the gradient.",
    },
    load=lambda settings: pool(settings["data"]),
    work=work,
)
