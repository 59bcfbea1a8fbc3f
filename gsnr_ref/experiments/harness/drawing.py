"""How figures look: fonts, colours that the colour-blind can tell apart, PNG and SVG.

Imports nothing of the package; matplotlib inside the functions.
"""

import io
from typing import Any

#: Okabe and Ito's colours.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def figure(n_rows: int = 1, n_columns: int = 1, height: float = 3.4, width: float = 4.4) -> Any:
    """A figure and its axes, as a flat list."""
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
            "svg.hashsalt": "gsnr_ref",  # the same picture is the same file
        }
    )
    drawn = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots(n_rows, n_columns, squeeze=False)
    return drawn, list(axes.flat)


def curve(axes: Any, x: Any, mean: Any, error: Any, label: str, k: int) -> None:
    """A line with markers and a band of one standard error; k sets colour and marker."""
    colour = COLOURS[k % len(COLOURS)]
    marker = MARKERS[k % len(MARKERS)]
    axes.plot(x, mean, label=label, color=colour, marker=marker, markersize=4)
    axes.fill_between(x, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)


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
