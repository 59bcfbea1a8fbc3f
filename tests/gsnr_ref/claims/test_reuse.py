"""What the claims on reuse must not let pass: each planted mistake fails every claim on it."""

from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref.claims import (
    Settings,
    controls,
    plan_equations,
    reuse,
    reuse_laws,
    run,
    training_sets,
)
from gsnr_ref.closed_form import trained_location_model
from gsnr_ref.osgr import influence, leave_one_out
from gsnr_ref.osgr.finite_step import finite_step_osgr
from gsnr_ref.osgr.influence import reuse_law
from gsnr_ref.osgr.leave_one_out import leave_one_out_run
from gsnr_ref.osgr.reused import SetRatio, held_out_osgr, reuse_factor
from gsnr_ref.related import sample_agreement
from toy_models import make_case

SETTINGS = Settings(ns=(3,), n_trials=20)


def scaled(factor_of_n):
    """κ with a wrong noise in its denominator: n is the first training set's."""

    def wrong(training, test, chances=None):
        one = training[0] if isinstance(training, (list, tuple)) else training
        value = reuse_factor(training, test, chances).value
        return SetRatio(value * factor_of_n(int(one.count)), 0.0, n_pairs=1)

    return wrong


FACTORS = {
    "S of ddof 0": scaled(lambda n: Fraction(n, n - 1)),
    "g_D′ from D": lambda training, test, chances=None: reuse_factor(training, training, chances),
    "without 1/n": scaled(lambda n: Fraction(1, n)),
}


@pytest.fixture(autouse=True)
def one_run(monkeypatch):
    """Two draws and one step are enough to see a mistake; ``test_equations`` takes all runs."""
    monkeypatch.setattr(training_sets, "RUNS", training_sets.RUNS[:1])


def verdicts(equation):
    claims = run(plan_equations([equation], SETTINGS))
    return [(c.name, c.verdict) for c in claims]


@pytest.mark.parametrize("equation", ["4.2", "4.3"])
@pytest.mark.parametrize("mistake", FACTORS)
def test_a_wrong_reuse_factor_fails_on_every_case(monkeypatch, mistake, equation):
    monkeypatch.setattr(reuse, "reuse_factor", FACTORS[mistake])
    found = verdicts(equation)
    if equation == "4.3":  # of each pair of claims one is of the losses alone
        found = found[::2]
    assert {verdict for _, verdict in found} == {"FAILS"}


@pytest.mark.parametrize("mistake", FACTORS)
def test_a_wrong_reuse_factor_does_not_close_the_ledger(monkeypatch, mistake):
    monkeypatch.setattr(reuse, "reuse_factor", FACTORS[mistake])
    by_entries, by_factor = run(plan_equations(["4.6"], SETTINGS)[:1])
    assert (by_entries.verdict, by_factor.verdict) == ("holds", "FAILS")


def repaired(case):
    (claim,) = controls.fitted_with_reuse(case, Settings())
    return claim


def test_with_the_reuse_factor_the_control_holds(monkeypatch):
    case = make_case("digits", "softmax")
    monkeypatch.setattr(controls, "_FITTED_SETS", 10)
    (broken,) = controls.fitted_parameters(case, Settings())
    claim = repaired(case)
    assert (broken.verdict, claim.verdict) == ("broken, as expected", "holds")
    assert claim.left == broken.left
    assert claim.error_bound < 1e-4 * broken.difference
    for wrong in FACTORS.values():
        monkeypatch.setattr(controls, "reuse_factor", wrong)
        assert repaired(case).verdict == "FAILS"


def test_at_a_small_learning_rate_rounding_is_allowed_for(monkeypatch):
    monkeypatch.setattr(controls, "_FITTED_SETS", 10)
    (claim,) = controls.fitted_with_reuse(
        make_case("digits", "softmax"), Settings(learning_rate=1e-9)
    )
    assert claim.verdict == "holds"
    assert claim.error_bound < 1e-3


def without_own_hessians(model, params, x, y, vectors):
    return {name: np.zeros_like(v) for name, v in vectors.items()}


PLANTED = {
    "4.1": (reuse, "held_out_osgr", lambda d, t, c: held_out_osgr(d, d, c)),
    "4.4": (
        reuse_laws,
        "trained_location_model",
        lambda theta, mu, s2, h, n, rate, t: trained_location_model(
            theta, mu, s2, h, n, rate, t - 1
        ),
    ),
    "4.5": (influence, "own_hessians_times", without_own_hessians),  # without g̃ᵀ(H_i − H)δ_i
    "4.7": (reuse, "finite_step_osgr", None),
    "4.8": (reuse, "held_out_osgr", lambda d, t, c: held_out_osgr(d, d, c)),
    "4.9": (reuse, "sample_agreement", lambda g: sample_agreement(g) * (len(g) - 1) / len(g)),
    "4.10": (reuse_laws, "reuse_law", lambda m, w, p, rate, t: reuse_law(m, w, p, rate / 2, t)),
    "4.11": (influence, "own_hessians_times", without_own_hessians),
    "4.12": (leave_one_out, "own_hessians_times", without_own_hessians),
}


class AtOnce:
    """4.7 without its curvatures."""

    def __init__(self, *arguments):
        self.value = finite_step_osgr(*arguments).held_out


# Claims that the mistake does not touch. 4.5: one Hessian for all samples. 4.10: the closed form.
# 4.12: no Hessian enters before the second step, and its own is of order 1/n² in q.
UNTOUCHED = {"4.5": 3, "4.10": 3, "4.12": 6 + 1}


@pytest.mark.parametrize("equation", PLANTED)
def test_a_wrong_right_side_is_caught(monkeypatch, equation):
    module, name, wrong = PLANTED[equation]
    monkeypatch.setattr(module, name, wrong or AtOnce)
    verdicts_of = [verdict for _, verdict in verdicts(equation)]
    assert verdicts_of.count("holds") == UNTOUCHED.get(equation, 0)


def test_leave_one_out_of_another_run_is_caught(monkeypatch):
    monkeypatch.setattr(
        reuse_laws,
        "leave_one_out_run",
        lambda m, w, x, y, rate, steps: leave_one_out_run(m, w, x, y, rate / 2, steps),
    )
    after = [v for _, v in verdicts("4.12")[3:]]  # the first three are of step 0
    assert set(after) == {"FAILS"}
