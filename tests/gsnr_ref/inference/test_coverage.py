"""The committed tables of coverage: simulated again, and what docstrings say of them."""

import inspect
import math
import re

import numpy as np
import pytest

from gsnr_ref import (
    GradientMoments,
    MeasuredOSGR,
    SetRatio,
    gsnr_interval,
    osgr_interval,
    reuse_factor,
    robust_gsnr_interval,
)
from tests.coverage import (
    CURVATURE,
    GSNR,
    OSGR,
    PAIRS,
    RATE,
    TABLES,
    Cell,
    committed,
    decreases,
    pairs_of_sets,
    reuse_terms,
)

CELLS = committed()
CHEAP = 400
BY_HEADING = {table.heading: table for table in TABLES}


def disagree(one, other):
    """Whether two shares differ by more than 4 standard errors of their difference."""
    return abs(one.covered - other.covered) > 4 * math.hypot(one.error, other.error)


@pytest.mark.simulation
@pytest.mark.parametrize("heading", BY_HEADING)
def test_new_draws_give_the_committed_table(heading):
    table = BY_HEADING[heading]
    wrong = [
        (name, size, str(CELLS[heading, name, size]), str(again))
        for name in table.names
        for size in table.sizes
        if disagree(again := table.cell(name, size, CHEAP, 1), CELLS[heading, name, size])
    ]
    assert wrong == []


def test_every_cell_is_committed_and_none_else():
    expected = {(t.heading, name, size) for t in TABLES for name in t.names for size in t.sizes}
    assert set(CELLS) == expected
    assert all(len(t.names) >= 8 and len(t.sizes) >= 4 for t in TABLES)


def test_a_planted_cell_is_found():
    assert disagree(Cell(0.95, 2000, False), Cell(0.88, CHEAP, False))
    assert not disagree(Cell(0.95, 2000, False), Cell(0.93, CHEAP, False))


GOOD = ("Gaussian", "exponential", "Student's t5")
LOW_RANK = ("covariance of rank 2", "standard deviations 1/k")
SPARSE = ("20 %", "5 %")
GAUSSIAN, ROBUST, WHOLE, REUSE, MEASURED, NORMAL = BY_HEADING
CLAIMS = [  # of whom, in which words, and of which rows and columns of which table
    (gsnr_interval, "80 to 95 % for Student's t3", GAUSSIAN, ("Student's t3",), None),
    (gsnr_interval, "29 to 90 % for log-normal(2)", GAUSSIAN, ("log-normal(2)",), None),
    (robust_gsnr_interval, "93 to 99 % for Gaussian, exponential and", ROBUST, GOOD, None),
    (robust_gsnr_interval, "95 to 100 % where most samples", ROBUST, SPARSE, None),
    (robust_gsnr_interval, "76 to 94 % for log-normal(1)", ROBUST, ("log-normal(1)",), None),
    (robust_gsnr_interval, "50 to 77 % for log-normal(2)", ROBUST, ("log-normal(2)",), None),
    (osgr_interval, "94 to 99 % for Gaussian, exponential and", WHOLE, GOOD, None),
    (osgr_interval, "91 to 99 % where few directions", WHOLE, LOW_RANK, None),
    (osgr_interval, "95 to 100 % where most samples", WHOLE, SPARSE, None),
    (osgr_interval, "81 to 94 % for log-normal(1)", WHOLE, ("log-normal(1)",), None),
    (osgr_interval, "62 to 76 % for log-normal(2)", WHOLE, ("log-normal(2)",), None),
    (SetRatio.interval, "90 to 96 %", REUSE, ("",), None),
    (MeasuredOSGR.interval, "92 to 96 %", MEASURED, ("",), None),
    (MeasuredOSGR.interval, "84 to 93 % of 5 and 10 trials", NORMAL, ("",), (5, 10)),
]


def words(function):
    return " ".join(inspect.getdoc(function).split())


@pytest.mark.parametrize(("function", "said", "heading", "rows", "sizes"), CLAIMS)
def test_what_a_docstring_says_of_coverage_stands_in_the_table(
    function, said, heading, rows, sizes
):
    """To the percent: the two numbers are the least and the most cell, rounded outwards."""
    assert said in words(function)
    shares = [
        round(100 * cell.covered, 1)
        for (table, name, size), cell in CELLS.items()
        if table == heading and name.startswith(rows) and (sizes is None or size in sizes)
    ]
    least, most = map(int, re.findall(r"\d+", said)[:2])
    assert (math.floor(min(shares)), math.ceil(max(shares))) == (least, most)


@pytest.mark.parametrize(
    "function", dict.fromkeys(claim[0] for claim in CLAIMS), ids=lambda f: f.__qualname__
)
def test_docstrings_say_no_percentage_that_is_not_checked(function):
    text = words(function)
    for claim in CLAIMS:
        if claim[0] is function:
            text = text.replace(claim[1], "", 1)
    assert set(re.findall(r"[\d.]+(?: to [\d.]+)? %", text)) <= {"95 %"}


@pytest.mark.parametrize("name", GSNR)
def test_the_gsnr_of_each_population_is_what_its_draws_have(name):
    sample, truth = GSNR[name]
    g = sample(np.random.default_rng(0), (1_000_000,))
    if name == "log-normal(2)":  # its variance would need far more draws: of the logarithm, then
        assert np.log(g).std() == pytest.approx(2, rel=0.01)
    else:  # Student's t3 has no fourth moment: the variance of a million draws is known to 10 %
        assert abs(g.mean() ** 2 / g.var() - truth) < 0.1 * truth + 0.001


@pytest.mark.parametrize("name", [name for name in OSGR if name != "log-normal(2)"])
def test_the_signal_and_noise_of_each_model_are_what_its_draws_have(name):
    sample, signal, noise = OSGR[name]
    g = sample(np.random.default_rng(0), 200_000)
    assert (g.mean(axis=0) ** 2).sum() == pytest.approx(signal, rel=0.05, abs=1e-3)
    assert g.var(axis=0).sum() == pytest.approx(noise, rel=0.05)


@pytest.mark.parametrize("name", PAIRS)
def test_the_terms_over_pairs_are_those_of_the_package(name):
    own, fresh, theta = pairs_of_sets(name, 4, 1, np.random.default_rng(0))
    sets = [
        [GradientMoments.from_samples(CURVATURE * (theta[0, m] - s[0, m])) for m in range(4)]
        for s in (own, fresh)
    ]
    tops, bottoms = (terms[0] for terms in reuse_terms(own, fresh, theta))
    assert reuse_factor(*sets).value == pytest.approx(tops.sum() / bottoms.sum(), rel=1e-9)
    for m in range(4):
        g = sets[0][m].mean
        for s, found in zip((own, fresh), decreases(own, fresh, theta), strict=True):
            slope = (CURVATURE * (theta[0, m] - s[0, m])).mean(axis=0) @ g
            bend = (CURVATURE * g) @ g
            expected = RATE * slope - RATE**2 / 2 * bend  # exact: the loss is quadratic
            assert found[0, m] == pytest.approx(expected, rel=1e-9, abs=1e-12)
