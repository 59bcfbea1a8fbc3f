"""How far both sides of the identity agree: figures and findings from the rows of `both_sides`.

Imports ``experiments/harness``, ``experiments/shared/sides`` and ``experiments/shared/verdicts``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gsnr_ref.experiments.harness import (
    COLOURS,
    MARKERS,
    Cell,
    Finding,
    Row,
    Settings,
    Verdict,
    column,
    curve,
    figure,
    label_ends,
    mean_curve,
    select,
    symlog,
    values,
)
from gsnr_ref.experiments.shared.sides import ks_expected
from gsnr_ref.experiments.shared.verdicts import (
    agree,
    all_parts,
    coincide,
    contrary,
    correlate,
    meaningful,
)

ESTIMATORS = ("paper", "debiased")


def pearson(rows: list[Row], estimator: str) -> float:
    """Correlation over settings of measured and predicted OSGR.

    Examples
    --------
    >>> rows = [{"measured": v, "paper": 2 * v} for v in (0.1, 0.5, 0.7)]
    >>> round(pearson(rows, "paper"), 6)
    1.0
    """
    return float(np.corrcoef(column(rows, "measured"), column(rows, estimator))[0, 1])


def spearman(rows: list[Row], estimator: str) -> float:
    """The same of their ranks: no single setting far away makes it.

    Examples
    --------
    >>> rows = [{"measured": v, "paper": v**3} for v in (0.1, 0.5, 0.7)]
    >>> round(spearman(rows, "paper"), 6)
    1.0
    """
    one, other = (np.argsort(np.argsort(column(rows, n))) for n in ("measured", estimator))
    return float(np.corrcoef(one, other)[0, 1])


def scatter(rows: list[Row], label: Callable[[Row], str], groups: list[str]) -> Any:
    """A row an epoch, a column an estimator: predicted against measured, with error bars.

    Settings whose ratio is over nothing are left out: the findings count them.
    """
    epochs = values(rows, "epoch")
    drawn, axes = figure(len(epochs), len(ESTIMATORS), width=3.4, height=3.1, share="columns")
    panels = iter(axes)
    every = sorted(values(rows, "n"))
    sizes = dict(zip(every, np.linspace(3, 9, len(every)), strict=True))
    measured = column(rows, "measured")
    # A ratio far away would press all others together: it is an arrow at the edge.
    low, high = max(measured.min() - 0.05, -1), min(measured.max() + 0.05, 2)
    for epoch in epochs:
        for estimator in ESTIMATORS:
            panel, here = next(panels), select(rows, epoch=epoch)
            kept = meaningful(here)
            here = here if kept is None else kept
            panel.plot(*2 * [np.linspace(low, high, 200)], color="0.6", linewidth=1)
            for beyond, edge, arrow in ((-1, low, "<"), (1, high, ">")):
                out = [row for row in here if beyond * (row["measured"] - edge) > 0]
                place = np.full(len(out), edge), column(out, estimator)
                if out:
                    panel.plot(*place, arrow, color="black", clip_on=False)
            for k, group in enumerate(groups):
                for n, size in sizes.items():
                    points = [row for row in here if label(row) == group and row["n"] == n]
                    panel.errorbar(
                        column(points, "measured"),
                        column(points, estimator),
                        xerr=column(points, "measured_error"),
                        yerr=column(points, f"{estimator}_error"),
                        label=group if n == max(sizes) else None,
                        color=COLOURS[k % len(COLOURS)],
                        marker=MARKERS[k % len(MARKERS)],
                        markersize=size,
                        alpha=0.8,
                        linestyle="none",
                        linewidth=1,
                    )
            title = f"epoch {epoch}"
            title += f", corr {pearson(here, estimator):.2f}" if len(here) > 2 else ""
            panel.set_title(title, fontsize=9)
            panel.set_xlabel("OSGR, measured")
            panel.set_ylabel(f"OSGR, predicted ({estimator})")
            panel.set_xlim(low, high)
            if estimator == "debiased":
                symlog(panel, "y", 1)
    spread = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else f"{max(sizes)}"
    axes[0].legend(title=f"larger: more samples\n(n = {spread})", title_fontsize=8)
    return drawn


def distance_figure(rows: list[Row], n_sets: int, label: Callable[[Row], str]) -> Any:
    """How far the assumption behind the identity holds: g_D against a fresh g_D′."""
    drawn, (left, right) = figure(1, 2)
    for k, group in enumerate(dict.fromkeys(map(label, rows))):
        mine = [row for row in rows if label(row) == group]
        for panel, name in ((left, "norm_ratio"), (right, "ks_distance")):
            curve(panel, *mean_curve(mine, "epoch", name), group, k)
    left.axhline(1, color="0.6", linewidth=1)
    right.axhline(ks_expected(n_sets), color="0.6", linewidth=1)
    left.set_ylabel("E‖g_D‖² / E‖g_D′‖² (1: one distribution)")
    right.set_ylabel("KS distance of g_D and g_D′\n(line: one distribution)")
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xlabel("epoch")
    label_ends((left, right))
    return drawn


def identity_cells(grid: list[Cell], settings: Settings) -> list[Cell]:
    """Cells of a grid of settings: along training; at the start, of more sets; late and slower.

    At the start M is larger, for there the exact OSGR is known. The last epoch comes once more at a
    smaller learning rate and the same λt, on the same sets: what is due to the step then differs.
    """
    rate, epochs, slower = (settings[name] for name in ("learning_rate", "epochs", "slower"))
    late = slower * (max(epochs) - 1) + 1
    kinds: dict[str, Cell] = {
        "slow": {"learning_rate": rate / slower, "epochs": [late], "n_sets": settings["n_sets"]},
        "along": {"learning_rate": rate, "epochs": epochs, "n_sets": settings["n_sets"]},
        "start": {"learning_rate": rate, "epochs": [1], "n_sets": settings["n_sets_start"]},
    }
    return [
        cell | {"kind": kind} | of_kind
        for kind, of_kind in kinds.items()
        for cell in grid
        if kind != "slow" or cell["n"] in settings["n_slow"]
    ]


def identity_findings(
    rows: list[Row], n_sets: int, n_sets_start: int, setting: Sequence[str]
) -> list[Finding]:
    """Correlation by epoch, agreement at the start, where it ends, and what was left out.

    `setting` names the columns by which a setting is told from the others.
    """
    along, start = select(rows, kind="along"), select(rows, kind="start")
    epochs = values(along, "epoch")
    first, last = (select(along, epoch=epoch) for epoch in (epochs[0], epochs[-1]))
    early = coincide(start, n_sets_start)
    return [
        *(_correlations(here) for e in epochs if len(here := select(along, epoch=e)) > 2),
        Finding(
            "corr of measured OSGR with the paper's estimate, at every epoch",
            "as above; of the paper's estimator, over settings whose ratio is over something",
            "0.907 to 0.968 throughout (paper)",
            correlate(along),
        ),
        _left_out(along),
        _exact(start, select(rows, kind="exact"), n_sets_start, setting),
        Finding(
            "Difference of both sides: (estimate of ‖g̃‖²) − ΔL[D′]/λ, less ‖g_D‖² − ΔL[D]/λ, "
            f"epoch 1, M = {n_sets_start}",
            _differences(start),
            "the two sides coincide early (paper)",
            early,
        ),
        *(_within_errors(first, estimator) for estimator in ESTIMATORS),
        *(_distance(select(along, epoch=e), n_sets) for e in (epochs[0], epochs[-1])),
        _reuse(along, epochs),
        _departure(along, epochs, all_parts(early, _apart(last, n_sets))),
        _slower(last, select(rows, kind="slow"), setting),
    ]


def _matched(
    rows: list[Row], others: list[Row], setting: Sequence[str]
) -> tuple[list[Row], list[Row]]:
    """Rows of the same settings, pair by pair."""
    pairs = [
        (row, other)
        for row in rows
        for other in others
        if all(row.get(name) == other.get(name) for name in setting)
    ]
    return [row for row, _ in pairs], [other for _, other in pairs]


def _exact(start: list[Row], exact: list[Row], n_sets: int, setting: Sequence[str]) -> Finding:
    """Measured OSGR of the first step against that of the whole population."""
    mine, known = _matched(start, exact, setting)
    apart = column(mine, "measured") - column(known, "exact")
    errors = column(mine, "measured_error")
    return Finding(
        f"Measured OSGR of the first step, of {n_sets} sets, against R₀ of the whole population "
        "(equation 22, exact)",
        f"{int((np.abs(apart) <= 2 * errors).sum())} of {len(apart)} settings within 2 standard "
        f"errors; largest distance {np.abs(apart / errors).max():.1f} standard errors",
        "equal (theory), but for O(λ)",
        agree(apart, errors, n_sets - 1),
    )


def _slower(last: list[Row], slow: list[Row], setting: Sequence[str]) -> Finding:
    """The last epoch at a smaller learning rate: whether the step makes the two sides part."""
    mine, slower = _matched(last, slow, setting)
    what = f"Epoch {last[0]['epoch']} at a smaller learning rate, the same sets and the same λt"
    if not mine:
        return Finding(what, "not asked for")
    apart = np.abs(column(mine, "measured") - column(slower, "measured"))
    distances = [np.abs(column(r, "debiased") - column(r, "measured")) for r in (mine, slower)]
    told = f"measured OSGR differs by at most {apart.max():.2g} over {len(mine)} settings; mean "
    told += f"distance of debiased from measured {distances[0].mean():.2f}, then "
    told += f"{distances[1].mean():.2f}; largest λc {column(mine, 'largest_lambda_c').max():.2f}, "
    told += f"then {column(slower, 'largest_lambda_c').max():.2f}"
    return Finding(what, told)


def _correlations(here: list[Row]) -> Finding:
    """Of both estimators with what was measured, over the settings at one epoch."""
    kept = meaningful(here)
    kept = here if kept is None or len(kept) < 3 else kept
    told = [
        f"{pearson(kept, estimator):.3f} ({estimator}; Spearman {spearman(kept, estimator):.3f})"
        for estimator in ESTIMATORS
    ]
    return Finding(f"corr over {len(kept)} settings, epoch {here[0]['epoch']}", ", ".join(told))


def _left_out(rows: list[Row]) -> Finding:
    """Settings whose ratio is over nothing, by epoch."""
    what = "Settings left out: the training decrease within 2 standard errors of 0, or a λc ≥ 2"
    if meaningful(rows) is None:
        return Finding(what, "the rows do not tell")
    here = {epoch: select(rows, epoch=epoch) for epoch in values(rows, "epoch")}
    out = {epoch: len(r) - len(meaningful(r) or []) for epoch, r in here.items()}
    return Finding(what, ", ".join(f"epoch {e}: {k} of {len(here[e])}" for e, k in out.items()))


def _within_errors(here: list[Row], estimator: str) -> Finding:
    """How many settings lie on the diagonal, as far as their error bars tell."""
    errors = np.hypot(column(here, "measured_error"), column(here, f"{estimator}_error"))
    z = np.abs(column(here, estimator) - column(here, "measured")) / errors
    return Finding(
        f"Settings on the diagonal within 2 standard errors, epoch {here[0]['epoch']}, {estimator}",
        f"{int((z <= 2).sum())} of {len(z)}; largest distance {z.max():.1f} standard errors, as if "
        "those of the two sides were independent",
    )


def _differences(here: list[Row]) -> str:
    if not all("difference" in row for row in here):
        return "the rows have none"
    t = column(here, "difference") / column(here, "difference_error")
    return f"largest {np.abs(t).max():.1f} standard errors over {len(t)} settings"


def _apart(here: list[Row], n_sets: int) -> Verdict:
    """Whether the paper's estimate leaves what is measured; no less than both errors together."""
    apart = column(here, "paper") - column(here, "measured")
    errors = column(here, "paper_error") + column(here, "measured_error")
    return contrary(agree(apart, errors, n_sets - 1, paired=False))


def _distance(here: list[Row], n_sets: int) -> Finding:
    """How far the gradient of the training set is from that of a fresh set, in distribution."""
    return Finding(
        f"Distance between the distributions of g_D and g_D′, epoch {here[0]['epoch']}",
        f"E‖g_D‖²/E‖g_D′‖² = {column(here, 'norm_ratio').mean():.3f}, KS distance "
        f"{column(here, 'ks_distance').mean():.3f}",
        f"1 and {ks_expected(n_sets):.3f} where both have one distribution",
    )


def _reuse(rows: list[Row], epochs: list[int]) -> Finding:
    """κ, epoch by epoch: the mean over settings, weighted by their errors."""
    told = []
    for epoch in epochs:
        here = select(rows, epoch=epoch)
        weights = column(here, "reuse_factor_error") ** -2
        mean = (weights * column(here, "reuse_factor")).sum() / weights.sum()
        told.append(f"{epoch}: {mean:.2f} ± {weights.sum() ** -0.5:.2f}")
    return Finding(
        "Reuse factor κ by epoch, mean over settings",
        ", ".join(told),
        "1 while the parameters are independent of the training set (4.3)",
    )


def _departure(rows: list[Row], epochs: list[int], verdict: Verdict) -> Finding:
    """The mean distance of the two sides, epoch by epoch."""
    at_epochs = [select(rows, epoch=epoch) for epoch in epochs]
    gap = [np.abs(column(r, "debiased") - column(r, "measured")).mean() for r in at_epochs]
    return Finding(
        "Mean distance of debiased from measured OSGR, by epoch",
        ", ".join(f"{e}: {g:.3f}" for e, g in zip(epochs, gap, strict=True)),
        "the two sides coincide early, deviate late (paper)",
        verdict,
    )
