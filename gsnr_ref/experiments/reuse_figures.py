"""Why the two sides part, in figures: OSGR, κ, laws and shares, against λt."""

from typing import Any

import numpy as np

from gsnr_ref.experiments.harness import (
    COLOURS,
    Row,
    Settings,
    clip,
    column,
    curve,
    figure,
    label_ends,
    select,
    shades,
    symlog,
    values,
)
from gsnr_ref.experiments.shared import meaningful

#: E1's network on images, E5's perceptron, and a recurrent network. Settings with three values have
#: one for each.
TASKS = ("images", "regression", "sequences")
PARTS = {"a": "(a) finite step", "b": "(b) reuse", "c": "(c) estimator"}


def set_rows(rows: list[Row], **where: Any) -> list[Row]:
    """Rows of training sets whose ratio is over something."""
    return meaningful(select(rows, kind="sets", **where)) or []


def parts(row: Row) -> dict[str, float]:
    """Measured less the paper's estimate, in three parts that add up to it."""
    return {
        "a": row["measured"] - row["held_out"],
        "b": row["held_out"] - row["debiased"],
        "c": row["debiased"] - row["paper"],
    }


def _axis(panel: Any, rows: list[Row]) -> None:
    """λt, with a place for 0."""
    least = min(row["lambda_t"] for row in rows if row["step"] > 0)
    symlog(panel, "x", least)
    panel.set_xlim(0, max(row["lambda_t"] for row in rows))
    panel.set_xlabel("λt")


def figures(rows: list[Row], settings: Settings) -> dict[str, Any]:
    """Every OSGR, κ, the scaled gap and shortfall, and the parts of the deviation, against λt."""
    return {
        "osgr": _osgr(rows, settings),
        "reuse-factor": _reuse(rows, settings),
        "laws": _laws(rows, settings),
        "parts": _shares(rows, settings),
    }


def _osgr(rows: list[Row], settings: Settings) -> Any:
    sizes = list(dict.fromkeys([min(settings["n"]), max(settings["n"])]))
    drawn, axes = figure(len(TASKS), len(sizes), height=2.7, share="y")
    names = {"held_out": "R_h", "measured": "measured", "debiased": "R̂", "fresh": "fresh set"}
    for k, panel in enumerate(axes):
        task, n = TASKS[k // len(sizes)], sizes[k % len(sizes)]
        mine = set_rows(rows, task=task, n=n)
        for j, (name, label) in enumerate(names.items()):
            at, y, error = (column(mine, key) for key in ("lambda_t", name, f"{name}_error"))
            curve(panel, at, y, error, label, j)
            if name == "held_out":  # lies on what is measured
                panel.get_lines()[-1].set(linewidth=5, alpha=0.4)
        symlog(panel, "y", 1)
        panel.axhline(1, color="0.6", linewidth=1)
        _axis(panel, select(rows, task=task))
        panel.set_title(f"{task}, n = {n}", fontsize=10)
        panel.set_ylabel("OSGR" if k % len(sizes) == 0 else "")
    label_ends(axes)
    return drawn


def _over_n(panel: Any, rows: list[Row], task: str, name: str, law: str, scale: bool) -> None:
    """A curve a size of the training set, darker for more samples, and the law."""
    sizes = sorted(values(select(rows, kind="sets", task=task), "n"))
    for n, shade in zip(sizes, shades(len(sizes)), strict=True):
        mine = set_rows(rows, task=task, n=n)
        y, error = column(mine, name), column(mine, f"{name}_error")
        y = (n * (1 - y) if name == "held_out" else n * y) if scale else y
        error = n * error if scale else error
        at = column(mine, "lambda_t")
        panel.plot(at, y, color=shade, marker="o", markersize=3, label=f"n = {n}")
        panel.fill_between(at, y - error, y + error, color=shade, alpha=0.2, linewidth=0)
    told = select(rows, kind="law", task=task)
    style = {"color": COLOURS[1], "linestyle": "--", "linewidth": 2, "label": "law"}
    panel.plot(column(told, "lambda_t"), column(told, law), **style)
    _axis(panel, select(rows, task=task))
    panel.set_title(task, fontsize=10)


def _reuse(rows: list[Row], settings: Settings) -> Any:
    drawn, axes = figure(2, 2, share="y")
    for panel, task in zip(axes, TASKS, strict=False):
        _over_n(panel, rows, task, "reuse_factor", "law_reuse_factor", False)
        clip(panel, -1, 2)
        panel.axhline(1, color="0.6", linewidth=1)
        panel.set_ylabel("reuse factor κ")
    axes[-1].set_axis_off()
    label_ends(axes)
    return drawn


def _laws(rows: list[Row], settings: Settings) -> Any:
    drawn, axes = figure(len(TASKS), 2, height=2.7)
    for k, task in enumerate(TASKS):
        _over_n(axes[2 * k], rows, task, "opened", "law_gap", True)
        axes[2 * k].set_ylabel("n · gap (nats, or loss)")
        _over_n(axes[2 * k + 1], rows, task, "held_out", "law_shortfall", True)
        axes[2 * k + 1].set_ylabel("n(1 − R_h)")
        symlog(axes[2 * k + 1], "y", 10)
    label_ends(axes)
    return drawn


def _shares(rows: list[Row], settings: Settings) -> Any:
    drawn, axes = figure(2, 2, share="y")
    for panel, task in zip(axes, TASKS, strict=False):
        mine = set_rows(rows, task=task)
        for j, (part, label) in enumerate(PARTS.items()):
            groups: dict[float, list[float]] = {}
            for row in mine:
                groups.setdefault(row["lambda_t"], []).append(parts(row)[part])
            at = np.array(sorted(groups))
            mean = np.array([np.mean(groups[t]) for t in at])
            spread = [np.std(groups[t], ddof=1) if len(groups[t]) > 1 else np.nan for t in at]
            error = np.array(spread) / np.sqrt([len(groups[t]) for t in at])
            curve(panel, at, mean, error, label, j)
        symlog(panel, "y", 0.1)
        panel.axhline(0, color="0.6", linewidth=1)
        _axis(panel, select(rows, task=task))
        panel.set_title(task, fontsize=10)
        panel.set_ylabel("part of measured − paper")
    axes[-1].set_axis_off()
    label_ends(axes)
    return drawn
