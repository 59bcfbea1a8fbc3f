"""The error bounds that the code relies on, beside the error itself: never crossed."""

import numpy as np
import pytest

from gsnr_ref.moments.sums import two_pass_sums
from tests.benchmarks.digits import (
    FORMED,
    OURS,
    ROUTES,
    Cell,
    backpack,
    bounds,
    crossed,
    exact,
    measured,
    variance_bound,
)

OWN = {name: ROUTES[name] for name in (OURS, FORMED)}
CELLS = [Cell(ratio=10.0**k, n=n, dtype=d) for k in (-6, -3, 0, 4, 7, 12) for n, d in (
    (2, "float64"), (3, "float64"), (65, "float64"), (400, "float64"), (65, "float32"))
    if d == "float64" or k <= 4]  # fmt: skip
CELLS += [Cell(scale=10.0**k, n=40) for k in (-160, -154, -150, -80, 80, 150)]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_what_is_not_within_its_bound_is_said(cell):
    assert crossed({cell: measured(cell, OWN)}) == []


@pytest.mark.parametrize("n", [2, 9, 300])
@pytest.mark.parametrize("far", [1.0, 1e3, 1e8, 1e16])
def test_a_first_sample_that_lies_far_off_stays_within_the_bound(n, far):
    """All are shifted by the first: the worst case of the bound's square root of n."""
    samples = np.random.default_rng(n).standard_normal(n)
    samples[0] = far
    _, variance = exact(samples)
    error = abs(two_pass_sums(samples).m2 - float(n * variance)) / float(n * variance)
    assert error <= variance_bound(n) + 2.0**-53  # the truth is rounded once


def test_a_formula_that_cancels_crosses_the_bound():
    """A planted one: or the bound would tell nothing."""
    cell = Cell(ratio=1e4)
    assert measured(cell, {"E g² − (E g)²": backpack})["E g² − (E g)²"].variance < bounds(cell)[0]
