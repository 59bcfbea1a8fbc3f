"""Every equation holds on its cases, and fails when one side is wrong."""

from fractions import Fraction

import pytest

from gsnr_ref.claims import (
    EQUATIONS,
    Settings,
    derivation,
    draws,
    forms,
    gradient_change,
    plan_equations,
    run,
    steps,
)
from gsnr_ref.osgr.predicted import osgr_weights, predicted_osgr

SETTINGS = Settings(ns=(3,), n_trials=20)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_it_holds(equation):
    claims = list(run(plan_equations([equation], SETTINGS)))
    assert [c for c in claims if not c.holds] == []
    assert {c.equation for c in claims} == {equation}
    rational = [c for c in claims if c.case.startswith("rational") and equation != "1"]
    for claim in rational:
        assert isinstance(claim.left, Fraction)
        assert claim.left == claim.right
        assert claim.error_bound == 0


def broken(monkeypatch, module, name, wrong, equation):
    monkeypatch.setattr(module, name, wrong)
    return not all(c.holds for c in run(plan_equations([equation], SETTINGS)))


PLANTED = {
    "2": (derivation, "gsnr", lambda m: {k: v * 2 for k, v in m.mean.items()}),
    "19": (derivation, "gsnr", lambda m: {k: v * v / m.m2[k] / 2 for k, v in m.mean.items()}),
    "21": (derivation, "osgr_weights", lambda m, n: osgr_weights(m, n + 1)),
    "22": (derivation, "predicted_osgr", lambda m, n: predicted_osgr(m, n + 1)),
    "3.1": (forms, "collapsed_osgr", lambda m, n: predicted_osgr(m, n + 1)),
    "3.2": (forms, "osgr_from_noise_scale", lambda b, n: 1 / (1 + n * b)),
    "3.3": (forms, "osgr_from_coherence", lambda a, n: n * a / (1 + n * a)),
    "3.4": (steps, "osgr_expansion", lambda *a: (0.5, 0.0)),
    "3.5": (steps, "preconditioned_osgr", lambda m, n, p: predicted_osgr(m, n)),
    "3.8": (draws, "mixed_moments", lambda true, uniform, p: true),
    "28": (
        gradient_change,
        "feature_learning_terms",
        lambda *a: type("Wrong", (), {"diagonal": -a[1]["layer2.weight"], "complete": 1.0})(),
    ),
}


@pytest.mark.parametrize("equation", PLANTED)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_right_side_is_caught(monkeypatch, equation):
    assert broken(monkeypatch, *PLANTED[equation], equation)
