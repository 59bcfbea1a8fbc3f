"""Imports ``contract``, ``experiments/harness``, ``inference``, ``moments``, ``osgr/curvature``,
``osgr/predicted``, ``osgr/ratio``, ``osgr/reused`` and ``toy_models``: the physics that several
experiments share.
"""

from gsnr_ref.experiments.shared.agreement import (
    distance_figure,
    identity_cells,
    identity_findings,
    scatter,
)
from gsnr_ref.experiments.shared.curve_panels import panels
from gsnr_ref.experiments.shared.data import Pool, Samples, convnet, draw, pool, sequences
from gsnr_ref.experiments.shared.descent import (
    as_float32,
    descend,
    log_spaced,
    losses,
    mean_gradient,
    moved,
)
from gsnr_ref.experiments.shared.initial_weights import INITIAL, INITIAL_IN_WORDS, initial
from gsnr_ref.experiments.shared.pairs import (
    Pair,
    curvature_along,
    difference_of_ratios,
    pairs_along,
    pairs_row,
)
from gsnr_ref.experiments.shared.ranges import RANGES
from gsnr_ref.experiments.shared.rise import Rise
from gsnr_ref.experiments.shared.sides import both_sides, exact_at_start
from gsnr_ref.experiments.shared.verdicts import (
    Curve,
    agree,
    all_parts,
    close,
    contrary,
    correlate,
    curves,
    falls,
    lasting_maximum,
    meaningful,
    median_at_least,
    mostly_within,
    reaches,
    rise_text,
    rises,
    stays_low,
    turns,
)

__all__ = [  # noqa: RUF022 (in the order of use)
    # What the settings may be
    "RANGES",
    # What is learned, and by what
    "Pool",
    "pool",
    "sequences",
    "Samples",
    "draw",
    "convnet",
    "INITIAL",
    "INITIAL_IN_WORDS",
    "initial",
    # Gradient descent, and what is read along the way
    "mean_gradient",
    "losses",
    "moved",
    "descend",
    "log_spaced",
    "as_float32",
    # Both sides of the identity along training
    "both_sides",
    "exact_at_start",
    "identity_cells",
    "scatter",
    "distance_figure",
    "identity_findings",
    # A training set beside its population
    "Pair",
    "pairs_along",
    "pairs_row",
    "curvature_along",
    "difference_of_ratios",
    # A curve that rises early, and verdicts on what is stated
    "Rise",
    "Curve",
    "curves",
    "rise_text",
    "panels",
    "rises",
    "falls",
    "stays_low",
    "turns",
    "reaches",
    "lasting_maximum",
    "agree",
    "close",
    "mostly_within",
    "correlate",
    "meaningful",
    "median_at_least",
    "all_parts",
    "contrary",
]
