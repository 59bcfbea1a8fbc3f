"""Both sides of the identity along training: what the two experiments on it share.

Imports the core and ``experiments/training``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Params
from gsnr_ref.experiments.data import draw
from gsnr_ref.experiments.drawing import COLOURS, MARKERS, figure
from gsnr_ref.experiments.experiment import Finding, Row, column, select, values
from gsnr_ref.experiments.training import flat, losses, mean_gradient, moved
from gsnr_ref.inference import plug_in_osgr
from gsnr_ref.moments import GradientMoments, gradient_moments

ESTIMATORS = ("paper", "debiased")


def both_sides(
    model: Any,
    start: Params,
    population: tuple[Array, Array],
    cell: dict[str, Any],
) -> list[Row]:
    """Measured and predicted OSGR, over M training sets, at each measured epoch: a row an epoch.

    An epoch is one step of gradient descent on the whole training set. All sets start from the same
    parameters; each is trained on its own, and has a test set and a fresh set of its own. All are
    drawn from the population, independently of those of other settings.
    """
    n, noise, rate, seed = cell["n"], cell["label_noise"], cell["learning_rate"], cell["seed"]
    epochs, n_sets = cell["epochs"], cell["n_sets"]
    seen: dict[int, list[dict[str, Any]]] = {epoch: [] for epoch in epochs}
    for m in range(n_sets):
        key = [seed, n, round(1000 * noise), cell.get("channels", 0), m]
        x, y = draw(*population, n, noise, [*key, 0])
        test_x, test_y = draw(*population, cell["n_test"], noise, [*key, 1])
        fresh = draw(*population, n, noise, [*key, 2])
        params = start
        for epoch in range(1, max(epochs) + 1):
            if epoch not in seen:
                params = moved(params, mean_gradient(model, params, x, y), rate)
                continue
            moments = gradient_moments(model, params, x, y)
            before = losses(model, params, x, y), losses(model, params, test_x, test_y)
            fresh_gradient = flat(mean_gradient(model, params, *fresh))
            params = moved(params, moments.mean, rate)
            after = losses(model, params, x, y), losses(model, params, test_x, test_y)
            seen[epoch].append(
                {
                    "moments": moments,
                    "fresh": fresh_gradient,
                    "training_loss": before[0].mean(),
                    "test_loss": before[1].mean(),
                    "training_decrease": (before[0] - after[0]).mean(),
                    "test_decrease": (before[1] - after[1]).mean(),
                }
            )
    labels = {k: v for k, v in cell.items() if isinstance(v, (int, float, str))}
    return [labels | {"epoch": epoch} | _summary(trials) for epoch, trials in seen.items()]


def _summary(trials: list[dict[str, Any]]) -> Row:
    moments: list[GradientMoments] = [trial["moments"] for trial in trials]
    squares = [piece.signal_and_noise(ddof=1) for piece in moments]
    signal = np.array([s - noise / m.count for (s, noise), m in zip(squares, moments, strict=True)])
    everything = np.array([s for s, _ in squares])
    training = np.array([trial["training_decrease"] for trial in trials])
    test = np.array([trial["test_decrease"] for trial in trials])
    own, fresh = (
        np.stack([flat(m.mean) for m in moments]),
        np.stack([trial["fresh"] for trial in trials]),
    )
    measured, measured_error = _ratio(test, training)
    debiased, debiased_error = _ratio(signal, everything)
    return {
        "measured": measured,
        "measured_error": measured_error,
        "paper": plug_in_osgr(moments),
        "paper_error": _jackknife(moments),
        "debiased": debiased,
        "debiased_error": debiased_error,
        "training_loss": float(np.mean([t["training_loss"] for t in trials])),
        "test_loss": float(np.mean([t["test_loss"] for t in trials])),
        "norm_ratio": float(np.square(own).sum() / np.square(fresh).sum()),
        "ks_distance": ks_distance(own, fresh),
    }


def _ratio(numerators: Array, denominators: Array) -> tuple[float, float]:
    """Ratio of means over training sets, and its standard error by the delta method."""
    value = numerators.mean() / denominators.mean()
    residuals = numerators - value * denominators
    error = residuals.std(ddof=1) / np.sqrt(len(residuals)) / abs(denominators.mean())
    return float(value), float(error)


def _jackknife(moments: list[GradientMoments]) -> float:
    """Standard error of equation 25, leaving out one training set after the other."""
    n = len(moments)
    left = np.array([plug_in_osgr(moments[:m] + moments[m + 1 :]) for m in range(n)])
    return float(np.sqrt((n - 1) / n * np.square(left - left.mean()).sum()))


def ks_distance(own: Array, fresh: Array) -> float:
    """Kolmogorov-Smirnov distance of the distributions of g_D and g_D′, averaged over parameters.

    Over M sets each. Parameters that do not move are left out.

    Examples
    --------
    >>> ks_distance(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]))
    1.0
    """
    m = len(own)
    both = np.concatenate([own, fresh])
    both = both[:, np.ptp(both, axis=0) > 0]
    order = np.argsort(both, axis=0)
    apart = np.abs(np.cumsum(np.where(order < m, 1 / m, -1 / m), axis=0))
    ordered = np.take_along_axis(both, order, axis=0)
    apart[:-1][ordered[1:] == ordered[:-1]] = 0  # within equal values there is no step to look at
    return float(apart.max(axis=0).mean())


def ks_expected(m: int, seed: int = 0) -> float:
    """The same distance where both distributions are one, by simulation."""
    rng = np.random.default_rng(seed)
    return ks_distance(rng.random((m, 20_000)), rng.random((m, 20_000)))


def pearson(rows: list[Row], estimator: str) -> float:
    """Correlation over settings of measured and predicted OSGR.

    Examples
    --------
    >>> rows = [{"measured": v, "paper": 2 * v} for v in (0.1, 0.5, 0.7)]
    >>> round(pearson(rows, "paper"), 6)
    1.0
    """
    return float(np.corrcoef(column(rows, "measured"), column(rows, estimator))[0, 1])


def scatter(rows: list[Row], label: Callable[[Row], str], groups: list[str]) -> Any:
    """A panel an epoch and estimator: predicted against measured, with error bars."""
    epochs = values(rows, "epoch")
    drawn, axes = figure(len(ESTIMATORS), len(epochs), width=3.1, height=3.1)
    for i, estimator in enumerate(ESTIMATORS):
        for j, epoch in enumerate(epochs):
            panel, here = axes[i * len(epochs) + j], select(rows, epoch=epoch)
            panel.axline((0, 0), slope=1, color="0.6", linewidth=1)
            for k, group in enumerate(groups):
                points = [row for row in here if label(row) == group]
                panel.errorbar(
                    column(points, "measured"), column(points, estimator),
                    xerr=column(points, "measured_error"),
                    yerr=column(points, f"{estimator}_error"),
                    linestyle="none", marker=MARKERS[k % len(MARKERS)], markersize=4,
                    color=COLOURS[k % len(COLOURS)], label=group, linewidth=1,
                )  # fmt: skip
            title = f"epoch {epoch}"
            title += f", r = {pearson(here, estimator):.2f}" if len(here) > 2 else ""
            panel.set_title(title, fontsize=9)
            panel.set_xlabel("OSGR, measured")
            panel.set_ylabel(f"OSGR, predicted ({estimator})")
    axes[0].legend()
    return drawn


def distance_figure(rows: list[Row], n_sets: int, label: Callable[[Row], str]) -> Any:
    """How far the assumption behind the identity holds: g_D against a fresh g_D′."""
    drawn, (left, right) = figure(1, 2)
    for k, group in enumerate(dict.fromkeys(map(label, rows))):
        mine = [row for row in rows if label(row) == group]
        epochs = values(mine, "epoch")
        for panel, name in ((left, "norm_ratio"), (right, "ks_distance")):
            mean = [column(select(mine, epoch=e), name).mean() for e in epochs]
            panel.plot(epochs, mean, color=COLOURS[k % len(COLOURS)],
                       marker=MARKERS[k % len(MARKERS)], markersize=4, label=group)  # fmt: skip
    left.axhline(1, color="0.6", linewidth=1)
    right.axhline(ks_expected(n_sets), color="0.6", linewidth=1)
    left.set_ylabel("E‖g_D‖² / E‖g_D′‖² (1: one distribution)")
    right.set_ylabel("KS distance of g_D and g_D′\n(line: one distribution)")
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xlabel("epoch")
    left.legend()
    return drawn


def identity_findings(rows: list[Row], n_sets: int) -> list[Finding]:
    """Pearson by epoch, agreement within error bars at the start, and where it breaks."""
    found = []
    epochs = values(rows, "epoch")
    for epoch in epochs:
        here = select(rows, epoch=epoch)
        if len(here) > 2:
            r = {e: pearson(here, e) for e in ESTIMATORS}
            text = ", ".join(f"{r[e]:.3f} ({e})" for e in ESTIMATORS)
            agrees = all(value >= 0.907 for value in r.values())
            what = f"Pearson correlation over {len(here)} settings, epoch {epoch}"
            found.append(Finding(what, text, "0.907 to 0.968 throughout (paper)", agrees))
    first = select(rows, epoch=epochs[0])
    for estimator in ESTIMATORS:
        errors = np.hypot(column(first, "measured_error"), column(first, f"{estimator}_error"))
        z = np.abs(column(first, estimator) - column(first, "measured")) / errors
        found.append(
            Finding(
                f"Settings on the diagonal within 2 standard errors, epoch {epochs[0]}, "
                f"{estimator}",
                f"{int((z <= 2).sum())} of {len(z)}; largest distance {z.max():.1f} standard "
                f"errors",
                "the two sides coincide early (paper)",
                bool((z <= 2).mean() >= 0.8),
            )
        )
    ks = ks_expected(n_sets)
    for epoch in (epochs[0], epochs[-1]):
        here = select(rows, epoch=epoch)
        found.append(
            Finding(
                f"Distance between the distributions of g_D and g_D′, epoch {epoch}",
                f"E‖g_D‖²/E‖g_D′‖² = {column(here, 'norm_ratio').mean():.3f}, KS distance "
                f"{column(here, 'ks_distance').mean():.3f}",
                f"1 and {ks:.3f} where both have one distribution",
            )
        )
    gap = [np.abs(column(select(rows, epoch=e), "debiased")
                  - column(select(rows, epoch=e), "measured")).mean() for e in epochs]  # fmt: skip
    found.append(
        Finding(
            "Mean distance of debiased from measured OSGR, by epoch",
            ", ".join(f"{e}: {g:.3f}" for e, g in zip(epochs, gap, strict=True)),
            "deviates late (paper)",
            bool(gap[-1] > gap[0]),
        )
    )
    return found
