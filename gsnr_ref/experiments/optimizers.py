"""Mini-batches, momentum and Adam: where the identity survives, and where it does not."""

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
    select,
    with_settings,
)
from gsnr_ref.experiments.shared import (
    RANGES,
    agree,
    contrary,
    difference_of_ratios,
    draw,
    mean_gradient,
    pool,
)
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr.ratio import ratio_of_means
from toy_models import MLP

State = dict[str, Any]
BETA, BETA2, EPSILON = 0.9, 0.999, 1e-8


def sgd(gradient: Params, state: State) -> tuple[Params, State]:
    """The gradient itself."""
    return gradient, state


def momentum(gradient: Params, state: State) -> tuple[Params, State]:
    """Polyak's heavy ball: v ← βv + g."""
    velocity = {k: BETA * state["v"][k] + g for k, g in gradient.items()} if state else gradient
    return velocity, {"v": velocity}


def adam(gradient: Params, state: State) -> tuple[Params, State]:
    """Kingma and Ba 2015, with bias correction."""
    zeros = {k: np.zeros_like(g) for k, g in gradient.items()}
    t = state.get("t", 0) + 1
    m = {k: BETA * state.get("m", zeros)[k] + (1 - BETA) * g for k, g in gradient.items()}
    v = {k: BETA2 * state.get("v", zeros)[k] + (1 - BETA2) * g * g for k, g in gradient.items()}
    direction = {
        k: (m[k] / (1 - BETA**t)) / (np.sqrt(v[k] / (1 - BETA2**t)) + EPSILON) for k in gradient
    }
    return direction, {"t": t, "m": m, "v": v}


def earlier_scale(state: State) -> Params | None:
    """Adam's preconditioner from the batches so far: it does not depend on the next one."""
    if not state:
        return None
    correction = 1 - BETA2 ** state["t"]
    return {k: 1 / (np.sqrt(v / correction) + EPSILON) for k, v in state["v"].items()}


def scaled_sgd(gradient: Params, state: State) -> tuple[Params, State]:
    """The gradient times Adam's preconditioner from earlier batches, without momentum."""
    p, (_, after) = earlier_scale(state), adam(gradient, state)
    return (gradient if p is None else {k: p[k] * g for k, g in gradient.items()}), after


#: Each optimizer, and its learning rate as a share of that of gradient descent.
OPTIMIZERS = {
    "full batch": (sgd, 1.0),
    "mini-batch": (sgd, 1.0),
    "momentum": (momentum, 0.1),
    "Adam": (adam, 0.02),
    "Adam's earlier scale": (scaled_sgd, 0.02),
}
#: What theory says: whether equation 22, or its preconditioned form, is derived for the step.
STATED = {
    "full batch": "breaks once the parameters depend on the batch (theory)",
    "mini-batch": "holds (theory)",
    "momentum": "the velocity adds a step that this batch has no part in: not derived",
    "Adam": "the scale depends on this batch: not derived (theory)",
    "Adam's earlier scale": "holds in its preconditioned form (theory)",
}


def cells(settings: Settings) -> list[Cell]:
    """A cell an optimizer."""
    grid = [{"optimizer": name} for name in OPTIMIZERS]
    return with_settings(grid, settings, "data", "width", "n", "learning_rate", "steps", "n_runs")


def run(cell: Cell) -> list[Row]:
    """Rows of one optimizer, a measured step each, over independent training runs.

    The images are the whole population. "full batch" trains on one set of n images again and again;
    all others draw a fresh batch of n at each step. The optimizer's next step, a thousandth as
    long, is held against the prediction at the parameters where it starts.
    """
    images = pool(cell["data"])
    x, y = images.x.reshape(len(images.x), -1).astype(float), images.y
    model = MLP((x.shape[1], cell["width"], 10), "tanh", "cross_entropy")
    optimizer, share = OPTIMIZERS[cell["optimizer"]]
    rate, n = cell["learning_rate"] * share, cell["n"]
    seen: dict[int, list[tuple[float, ...]]] = {step: [] for step in cell["steps"]}
    for r in range(cell["n_runs"]):
        params = model.init(cell["seed"])
        state: State = {}
        for step in range(max(cell["steps"]) + 1):
            key = 0 if cell["optimizer"] == "full batch" else step
            batch = draw(x, y, n, 0.0, [cell["seed"], r, key])
            direction, following = optimizer(mean_gradient(model, params, *batch), state)
            if step in seen:
                probe = {k: params[k] - 1e-3 * rate * d for k, d in direction.items()}
                training, test = (
                    float((model.loss(params, *data) - model.loss(probe, *data)).mean())
                    for data in (batch, (x, y))
                )
                p = earlier_scale(state) if cell["optimizer"] == "Adam's earlier scale" else None
                seen[step].append((training, test, *_prediction(model, params, x, y, n, p)))
            params = {k: params[k] - rate * d for k, d in direction.items()}
            state = following
    return [_row(cell["optimizer"], step, np.array(trials)) for step, trials in seen.items()]


def _prediction(
    model: Model, params: Params, x: Array, y: Array, n: int, p: Params | None
) -> tuple[float, float]:
    """Σ p g̃² and Σ p(g̃² + ρ²/n): numerator and denominator of the preconditioned equation 22."""
    moments = gradient_moments(model, params, x, y)
    mean, variance = flat(moments.mean), flat(moments.variance())
    factors = np.ones_like(mean) if p is None else flat({k: p[k] for k in moments.mean})
    squares = factors * mean**2
    return float(squares.sum()), float((squares + factors * variance / n).sum())


def _row(optimizer: str, step: int, trials: Array) -> Row:
    """Both sides at one step, each a ratio of means over the runs, whose parameters differ."""
    training, test, signal, everything = trials.T
    measured, measured_error = ratio_of_means(test, training)
    predicted, predicted_error = ratio_of_means(signal, everything)
    _, difference_error = difference_of_ratios((test, training), (signal, everything))
    return {
        "optimizer": optimizer,
        "step": step,
        "measured": measured,
        "measured_error": measured_error,
        "predicted": predicted,
        "predicted_error": predicted_error,
        "difference_error": difference_error,
    }


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Measured and predicted OSGR against the step, a panel an optimizer."""
    drawn, axes = figure(-(-len(OPTIMIZERS) // 2), 2, height=2.8, share="y")
    for panel, optimizer in zip(axes, OPTIMIZERS, strict=False):
        path = select(rows, optimizer=optimizer)
        for k, name in enumerate(("measured", "predicted")):
            at, y, error = (column(path, c) for c in ("step", name, f"{name}_error"))
            curve(panel, at, y, error, name, k)
        log_steps(panel)
        panel.set_title(optimizer, fontsize=10)
        panel.set_xlabel("step")
        panel.set_ylabel(f"OSGR of the next step, n = {settings['n']}")
    for panel in axes[len(OPTIMIZERS) :]:
        panel.set_axis_off()
    label_ends(axes)
    return {"optimizers": drawn}


def findings(rows: list[Row], settings: Settings) -> list[Finding]:
    """Largest distance between the two sides, in standard errors and absolutely."""
    found = []
    for optimizer, stated in STATED.items():
        path = select(rows, optimizer=optimizer)
        errors = np.hypot(column(path, "measured_error"), column(path, "predicted_error"))
        apart = column(path, "measured") - column(path, "predicted")
        worst = int(np.argmax(np.abs(apart / errors)))
        text = f"largest distance {apart[worst]:+.3f} = {abs(apart[worst] / errors[worst]):.1f} "
        text += f"standard errors, at step {path[worst]['step']}"
        paired = all("difference_error" in row for row in path)
        both = column(path, "measured_error") + column(path, "predicted_error")
        wide = column(path, "difference_error") if paired else both
        holds = agree(apart, wide, settings["n_runs"] - 1, paired=paired)
        verdict = holds if "holds" in stated else contrary(holds) if "breaks" in stated else None
        found.append(Finding(optimizer, text, stated, verdict))
    return found


EXPERIMENT = Experiment(
    name="optimizers",
    title="Optimizers: where the identity survives",
    asks="A perceptron learns handwritten digits with full batches, with fresh mini-batches, with "
    "momentum, with Adam, and with Adam's scale taken from earlier batches only. At some steps the "
    "optimizer's next step, made a thousandth as long, is tried: the decrease of the population's "
    "loss over that of the batch's, both summed over independent runs, against the prediction from "
    "the moments of the whole population. The identity needs a step along the gradient of a batch "
    "that the parameters, and the scale, do not depend on.",
    scales=by_scale(
        data=("digits", "digits", "digits"),
        width=(8, 16, 64),
        n=(20, 50, 50),
        learning_rate=(0.2, 0.2, 0.2),
        steps=([0, 5, 20], [0, 1, 3, 10, 30, 100, 300], [0, 1, 3, 10, 30, 100, 300, 1000, 3000]),
        n_runs=(20, 200, 2000),
    ),
    expected=RANGES,
    cells=cells,
    run=run,
    figures=figures,
    findings=findings,
    see={
        "optimizers": "For which steps measured and predicted stay together, and where they part: "
        "there the step depends on more of the batch than its gradient.",
    },
    load=lambda settings: pool(settings["data"]),
)
