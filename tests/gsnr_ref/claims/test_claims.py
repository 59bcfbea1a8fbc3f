import json
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import InputError
from gsnr_ref.claims import controls, identity, verify
from gsnr_ref.claims.claim import Claim
from toy_models import make_case

SETTINGS = identity.Settings(ns=(5, 20), n_trials=40)


@pytest.mark.parametrize("check", verify.CASE_CHECKS)
@pytest.mark.parametrize("name", ["digits/mlp", "product/mlp", "gaussian/linear", "finite/mlp"])
def test_every_check_holds_on_every_kind_of_case(check, name, monkeypatch):
    monkeypatch.setattr(identity, "_POPULATION_BATCH", 2000)
    claims = check(make_case(*name.split("/")), SETTINGS)
    assert claims
    assert [c.verdict for c in claims] == ["holds"] * len(claims)


def test_the_exact_claim_compares_fractions():
    claims = identity.exact_in_rational_arithmetic(make_case("rational", "linear"), SETTINGS)
    assert all(type(c.left) is type(c.right) is Fraction and c.left == c.right for c in claims)


@pytest.mark.parametrize("control", verify.CONTROLS)
def test_controls_break(control):
    (claim,) = control(make_case("digits", "softmax"), SETTINGS)
    assert claim.verdict == "broken, as expected"


@pytest.mark.parametrize("check", [identity.forms_agree, identity.measured_equals_predicted])
def test_a_prediction_without_its_1_over_n_is_caught(check, monkeypatch):
    wrong = identity.predicted_osgr
    monkeypatch.setattr(identity, "predicted_osgr", lambda moments, n: wrong(moments, 1))
    claims = check(make_case("digits", "softmax"), identity.Settings(ns=(20,), n_trials=100))
    assert [c.verdict for c in claims] == ["FAILS"]


def test_a_nan_agrees_with_nothing_and_breaks_nothing():
    claim = Claim("", "-", np.nan, 1.0, 1.0, "")
    assert not claim.holds
    assert Claim("", "-", np.nan, 1.0, 1.0, "", control=True).verdict == "NOT BROKEN"


def test_a_case_without_finite_support_is_refused():
    with pytest.raises(InputError, match="no finite population"):
        identity.converges_with_order_one(make_case("product", "mlp"), SETTINGS)


def test_correlated_draws_repeat():
    draws = controls.CorrelatedDraws(make_case("product", "mlp").population)
    x, _ = draws.sample(np.random.default_rng(0), 12)
    assert len(x) == 12
    assert len(np.unique(x, axis=0)) == 3


def test_json_keeps_every_claim():
    claims = [Claim("a", "22", Fraction(1, 3), Fraction(1, 3), 0.0, "exact")]
    row = json.loads(verify.as_json(claims, SETTINGS))["claims"][0]
    assert (row["left"], row["verdict"]) == ("1/3", "holds")


def test_a_long_fraction_is_shortened_in_the_table():
    long = Fraction(10**30 + 1, 3 * 10**30)
    assert "0.333333 (fraction)" in verify.table([Claim("a", "22", long, long, 0.0, "exact")])
