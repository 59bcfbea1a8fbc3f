"""A panel a network, a curve a way of training it. Imports ``experiments/harness``."""

from typing import Any

from gsnr_ref.experiments.harness import (
    Row,
    curve,
    figure,
    floor,
    label_ends,
    log_steps,
    mean_curve,
)


def panels(
    curves: dict[str, dict[str, list[Row]]], name: str, label: str, n: int | None, height: float
) -> Any:
    """Means over runs of a column against the step, on logarithmic axes.

    `curves` has the rows by the title of a panel and the label of a curve. Where n is given, a line
    is at 1/n.
    """
    n_columns = min(len(curves), 2)
    drawn, axes = figure(-(-len(curves) // n_columns), n_columns, height=height, share="y")
    for panel, (title, mine) in zip(axes, curves.items(), strict=False):
        for k, (labelled, rows) in enumerate(mine.items()):
            curve(panel, *mean_curve(rows, "step", name), labelled, k)
        log_steps(panel)
        panel.set_yscale("log")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("step of gradient descent")
        panel.set_ylabel(label)
        if n is not None:
            floor(panel, n)
    for panel in axes[len(curves) :]:
        panel.set_axis_off()
    label_ends(axes[: len(curves)])
    return drawn
