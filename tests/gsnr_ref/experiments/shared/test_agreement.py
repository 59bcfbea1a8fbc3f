"""Cells of an identity, and what is found in their rows."""

import pytest

from gsnr_ref.experiments.shared import identity_cells, identity_findings
from gsnr_ref.experiments.shared.agreement import ESTIMATORS

SETTINGS = {"learning_rate": 0.1, "epochs": [1, 11], "n_sets": 5, "n_sets_start": 30}
SETTINGS |= {"n_slow": [10], "slower": 4}
GRID = [{"n": n, "label_noise": 0.0} for n in (10, 20, 30)]


def test_the_slow_cells_measure_at_the_same_time_and_the_start_has_more_sets():
    cells = identity_cells(GRID, SETTINGS)
    kinds = [(cell["kind"], cell["n"]) for cell in cells]
    assert kinds == [("slow", 10), *((k, n) for k in ("along", "start") for n in (10, 20, 30))]
    for cell in cells:
        if cell["kind"] == "slow":  # λt: steps before the measured one, times λ
            (epoch,) = cell["epochs"]
            assert cell["learning_rate"] * (epoch - 1) == pytest.approx(0.1 * 10)
        assert cell["n_sets"] == (30 if cell["kind"] == "start" else 5)


def row(kind, n, epoch, **changes):
    one = {"kind": kind, "n": n, "label_noise": 0.0, "epoch": epoch, "measured": 0.5 + n / 100}
    one |= {"training_decrease": 1.0, "training_decrease_error": 0.01, "sets_past_edge": 0}
    one |= {"difference": 0.0, "difference_error": 0.02, "largest_lambda_c": 0.1}
    one |= {"norm_ratio": 1.0, "ks_distance": 0.3, "measured_error": 0.01}
    one |= {"reuse_factor": 1.0, "reuse_factor_error": 0.1}
    for estimator in ESTIMATORS:
        one |= {estimator: one["measured"], f"{estimator}_error": 0.01}
    return one | changes


def found(start_off=0.0, slow_off=0.0):
    rows = [row("along", n, e) for n in (10, 20, 30) for e in (1, 11)]
    rows += [row("start", n, 1) for n in (10, 20, 30)]
    exact = [{"kind": "exact", "n": n, "label_noise": 0.0} for n in (10, 20, 30)]
    rows += [r | {"exact": 0.5 + r["n"] / 100 + start_off} for r in exact]
    rows.append(row("slow", 10, 41, measured=0.6 + slow_off))
    findings = identity_findings(rows, 5, 30, ("n", "label_noise"))
    return {finding.what: finding for finding in findings}


def named(findings, words):
    (one,) = (finding for what, finding in findings.items() if words in what)
    return one


def test_a_first_step_off_the_exact_osgr_is_told():
    assert named(found(0.005), "R₀").verdict.word == "yes"
    assert named(found(0.1), "R₀").verdict.word == "no"


def test_the_slower_epoch_is_held_against_the_same_setting():
    assert "at most 0.07 over 1 settings" in named(found(slow_off=0.07), "smaller").measured
