"""Mistakes that change gradients after they are computed: a penalty, clipping, another order.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity``, ``diagnosis/constants``,
``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from gsnr_ref.contract import Array, Params, flat_rows, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.constants import JUDGED, Line, OneConstant, arrays_of, comparable
from gsnr_ref.golden.diagnosis.derived import Values, by_sample
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import from_run, right_losses_at
from gsnr_ref.golden.quantity import QuantityReport, is_close

#: Cases with more samples are not searched for a clipping bound by their moments.
MOST_BOUNDS = 64


def _from_gradients(case: GoldenCase, gradients: Params) -> Values:
    return from_run(case, case.expected["losses"], gradients, right_losses_at(case))


def _penalties(case: GoldenCase, report: QuantityReport) -> Iterator[Line]:
    """λθ added to every gradient; or to those of the weights only."""
    g = case.expected["per_sample_gradients"]
    everywhere = {name: np.broadcast_to(case.params[name], a.shape) for name, a in g.items()}
    yield Line(g, everywhere)
    if any(name.endswith(".bias") for name in g):
        yield Line(g, {k: v * (not k.endswith(".bias")) for k, v in everywhere.items()})


def with_penalty(case: GoldenCase, constant: float) -> Values:
    """Weight decay: constant · θ is in every gradient."""
    g = case.expected["per_sample_gradients"]
    return _from_gradients(case, {k: a + constant * case.params[k] for k, a in g.items()})


@known_as("weight-decay-in-gradient", OneConstant(_penalties), judged=JUDGED)
def _l2_in_gradient(case: GoldenCase) -> Values:
    return with_penalty(case, 0.01)


def _lines_of_norms(g: Params, norms: Array, epsilon: float, bounds: Array) -> Iterator[Line]:
    """One line for each set of samples that a bound can clip: those with the largest norms."""
    for low, high in pairwise(bounds):
        clipped = norms >= high
        start = by_sample(g, np.where(clipped, 0.0, 1.0))
        slope = by_sample(g, np.where(clipped, 1 / (norms + epsilon), 0.0))
        yield Line(start, slope, low=float(low), high=float(high))


def _bounds(case: GoldenCase, report: QuantityReport) -> Iterator[Line]:
    """Gradients of samples whose norm exceeds a bound, times bound/norm."""
    g = case.expected["per_sample_gradients"]
    norms = np.sqrt((flat_rows(g) ** 2).sum(axis=1))
    bounds = np.unique(np.concatenate([[0.0], norms]))
    if report.quantity == "per_sample_gradients":  # then it is known who was clipped
        got = flat_rows({name: report.got[(name,)] for name in g})
        clipped = np.sqrt((got**2).sum(axis=1)) < norms * (1 - 1e-9)
        smallest = norms[clipped].min(initial=np.inf)
        below = norms[~clipped].max(initial=0.0)
        bounds = np.array([below, smallest]) if below < smallest < np.inf else bounds[:1]
    # Two samples: whatever scales their gradients changes GSNR as some bound does.
    says_little = report.quantity.startswith("gsnr") and len(norms) < 3
    if len(bounds) <= MOST_BOUNDS and not says_little:
        for epsilon in (0.0, 1e-6):  # Opacus and clip_grad_norm_ add one to the norm
            yield from _lines_of_norms(g, norms, epsilon, bounds)


def clipped(case: GoldenCase, constant: float, epsilon: float = 0.0) -> Values:
    """Each sample's gradient shortened to the norm `constant` where it is longer."""
    g = case.expected["per_sample_gradients"]
    norms = np.sqrt((flat_rows(g) ** 2).sum(axis=1))
    factors = np.minimum(1.0, constant / (norms + epsilon))
    return _from_gradients(case, by_sample(g, factors))


@known_as("clipped-gradients", OneConstant(_bounds), judged=JUDGED)
def _clipped_gradients(case: GoldenCase) -> Values:
    return clipped(case, 1.0)


@np.errstate(all="ignore")
def _reordered(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether the rows of the samples are there, in another order."""
    if not comparable(case, report):
        return False
    n = len(case.x)
    arrays = arrays_of(case, report, case.expected[report.quantity])
    rows = [np.stack([got, right, allowed]).reshape(3, n, -1) for got, _, right, allowed in arrays]
    got, right, allowed = np.concatenate(rows, axis=2)
    same = np.array([is_close(row, right, 10 * allowed).all(axis=1) for row in got])
    order: list[int] = []
    for choices in same:  # equal samples are interchangeable
        free = [j for j in np.flatnonzero(choices) if j not in order]
        if not free:
            return False
        order.append(int(free[0]))
    return not same.diagonal().all()


@known_as("rows-in-another-order", _reordered, judged=("losses", "per_sample_gradients"))
def _rows_in_another_order(case: GoldenCase) -> Values:
    g = case.expected["per_sample_gradients"]
    return _from_gradients(case, map_structure(lambda a: np.roll(a, 1, axis=0), g))
