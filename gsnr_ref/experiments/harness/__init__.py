"""Imports ``contract``, ``files`` and ``parallel``: runs any grid of cells, and writes its output.

It knows nothing of GSNR: an experiment gives it cells, a function of a cell, figures and findings.
"""

from gsnr_ref.experiments.harness.cells import (
    CellFileError,
    GridError,
    cell_key,
    read_cell,
)
from gsnr_ref.experiments.harness.cost import Estimate, estimates, in_words, shortened
from gsnr_ref.experiments.harness.dask_cluster import cluster
from gsnr_ref.experiments.harness.drawing import (
    COLOURS,
    MARKERS,
    clip,
    curve,
    figure,
    floor,
    label_ends,
    log_steps,
    shades,
    symlog,
)
from gsnr_ref.experiments.harness.experiment import (
    SCALES,
    Cell,
    Experiment,
    Finding,
    Row,
    Verdict,
    by_scale,
    labels,
    samples_seen,
    with_settings,
)
from gsnr_ref.experiments.harness.extras import require
from gsnr_ref.experiments.harness.folder import held
from gsnr_ref.experiments.harness.grid import run_grid
from gsnr_ref.experiments.harness.output import NO_VERDICTS, as_csv, command_line, write_output
from gsnr_ref.experiments.harness.rows import column, mean_curve, select, values
from gsnr_ref.experiments.harness.settings import (
    Expected,
    Settings,
    expectation,
    number,
    one_of,
    whole,
)

__all__ = [  # noqa: RUF022 (in the order of use)
    # What an experiment is
    "Experiment",
    "Settings",
    "Cell",
    "Row",
    "Finding",
    "Verdict",
    "SCALES",
    "by_scale",
    "with_settings",
    "samples_seen",
    "labels",
    # What its settings may be
    "Expected",
    "whole",
    "number",
    "one_of",
    "expectation",
    # Its cells computed
    "require",
    "cluster",
    "held",
    "run_grid",
    "cell_key",
    "read_cell",
    "CellFileError",
    "GridError",
    # What they will take
    "Estimate",
    "estimates",
    "shortened",
    "in_words",
    # What is made of the rows
    "select",
    "column",
    "values",
    "mean_curve",
    "figure",
    "curve",
    "floor",
    "label_ends",
    "clip",
    "shades",
    "symlog",
    "log_steps",
    "COLOURS",
    "MARKERS",
    # What is left behind
    "as_csv",
    "write_output",
    "command_line",
    "NO_VERDICTS",
]
