"""How figures look: fonts, colours that the colour-blind can tell apart, PNG and SVG.

Imports nothing of the package; matplotlib inside the functions.
"""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

#: Okabe and Ito's colours.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def figure(
    n_rows: int = 1,
    n_columns: int = 1,
    height: float = 3.4,
    width: float = 4.4,
    share: str = "none",
) -> Any:
    """A figure and its axes, as a flat list.

    `share` "y" makes the y axes of all panels equal; "columns" those of each column, and all x.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('figures need matplotlib: pip install "gsnr-ref[experiments]"') from error
    mpl.rcParams.update(
        {
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "grid.alpha": 0.3,
            "legend.fontsize": 8,
            "legend.frameon": False,
            "svg.fonttype": "none",
            "svg.hashsalt": "gsnr_ref",  # the same picture is the same file
        }
    )
    drawn = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    FigureCanvasAgg(drawn)
    how: dict[str, Any] = {
        "none": {},
        "y": {"sharey": "all"},
        "columns": {"sharex": "all", "sharey": "col"},
    }[share]
    axes = drawn.subplots(n_rows, n_columns, squeeze=False, **how)
    for axis in axes.flat:  # equal, and yet each with its numbers: a panel is looked at alone
        axis.tick_params(labelbottom=True, labelleft=True)
    return drawn, list(axes.flat)


def shades(n: int) -> list[str]:
    """n shades of one colour, light to dark: for what has an order. They stay apart in grey."""
    low, high = np.array([0x9E, 0xCA, 0xE1]), np.array([0x08, 0x30, 0x6B])
    parts = np.linspace(0, 1, n) if n > 1 else np.ones(1)
    colours = [np.rint(low + part * (high - low)).astype(int) for part in parts]
    return ["#" + "".join(f"{v:02x}" for v in colour) for colour in colours]


def curve(axes: Any, x: Any, mean: Any, error: Any, label: str, k: int) -> None:
    """A line with markers and a band of one standard error; k sets colour and marker."""
    colour = COLOURS[k % len(COLOURS)]
    marker = MARKERS[k % len(MARKERS)]
    axes.plot(x, mean, label=label, color=colour, marker=marker, markersize=4)
    axes.fill_between(x, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)


def symlog(axes: Any, which: str, linear: float) -> None:
    """A logarithmic x or y axis with a place for 0, linear up to `linear`, and plain numbers."""
    getattr(axes, f"set_{which}scale")("symlog", linthresh=linear)
    axis = getattr(axes, f"{which}axis")
    axis.set_major_formatter(
        lambda value, _: "" if 0 < abs(value) < linear else f"{value:g}".replace("-", "−")
    )


def clip(axes: Any, low: float, high: float) -> None:
    """Limits of the y axis; an arrow stands at the edge where a line goes on beyond it."""
    axes.set_ylim(low, high)
    for line in axes.get_lines():
        if line.get_label().startswith("_"):
            continue
        x, y = line.get_xydata().T
        for beyond, edge, marker in ((y < low, low, "v"), (y > high, high, "^")):
            if beyond.any():
                style = {"color": line.get_color(), "marker": marker, "linestyle": "none"}
                axes.plot(x[beyond], np.full(beyond.sum(), edge), clip_on=False, **style)


def label_ends(panels: Iterable[Any], size: float = 8) -> None:
    """Write each line's label at its right end, in its colour, none over another.

    Call it last, and for all panels at once: places depend on the limits of the axes.
    """
    for axes in panels:
        _label_ends(axes, size)


def _label_ends(axes: Any, size: float) -> None:
    lines = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    axes.autoscale_view()
    ends = []
    for line in lines:
        points = axes.transData.transform(line.get_xydata())
        shown = points[np.isfinite(points).all(axis=1)]
        if len(shown):
            (_, low), (right, high) = axes.transAxes.transform([(0, 0), (1, 1)])
            ends.append((float(np.clip(shown[-1][1], low, high)), line, right))
    ends.sort(key=lambda end: end[0])
    gap = 1.25 * size * axes.figure.dpi / 72  # pixels that a line of text takes
    places: list[float] = []
    for at, _, _ in ends:
        places.append(max(at, places[-1] + gap) if places else at)
    shift = sum(p - at for p, (at, _, _) in zip(places, ends, strict=True)) / max(len(ends), 1)
    for place, (_, line, right) in zip(places, ends, strict=True):
        _, y = axes.transAxes.inverted().transform((right, place - shift))
        axes.annotate(
            line.get_label(),
            (1, y),
            xytext=(4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            color=line.get_color(),
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


def floor(axes: Any, n: int) -> None:
    """A line at 1/n: what a plug-in GSNR of n samples is about where there is no signal."""
    axes.axhline(1 / n, color="0.6", linewidth=1)
    axes.annotate(
        "1/n", (0, 1 / n), (3, 2), axes.get_yaxis_transform(), "offset points", fontsize=8
    )


def log_steps(axes: Any) -> None:
    """A logarithmic axis of steps that has a place for step 0."""
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(left=0)


def as_png(drawn: Any) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def as_svg(drawn: Any) -> str:
    """The figure as SVG."""
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
