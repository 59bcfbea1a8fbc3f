from fractions import Fraction

import pytest

from gsnr_ref import InputError
from gsnr_ref.claims import Settings, identity, population
from gsnr_ref.claims.tasks import CASE_CHECKS
from toy_models import make_case

SETTINGS = Settings(ns=(5, 20), n_trials=40)


@pytest.mark.parametrize("check", CASE_CHECKS)
@pytest.mark.parametrize("name", ["digits/mlp", "product/mlp", "gaussian/linear", "finite/mlp"])
def test_every_check_holds_on_every_kind_of_case(check, name, monkeypatch):
    monkeypatch.setattr(population, "_POPULATION_BATCH", 2000)
    claims = check(make_case(*name.split("/")), SETTINGS)
    assert claims
    assert [c.verdict for c in claims] == ["holds"] * len(claims)


def test_the_exact_claim_compares_fractions():
    claims = identity.exact_in_rational_arithmetic(make_case("rational", "linear"), SETTINGS)
    assert all(type(c.left) is type(c.right) is Fraction and c.left == c.right for c in claims)


@pytest.mark.parametrize("check", [identity.forms_agree, identity.measured_equals_predicted])
def test_a_prediction_without_its_1_over_n_is_caught(check, monkeypatch):
    wrong = identity.predicted_osgr
    monkeypatch.setattr(identity, "predicted_osgr", lambda moments, n: wrong(moments, 1))
    claims = check(make_case("digits", "softmax"), Settings(ns=(20,), n_trials=100))
    assert [c.verdict for c in claims] == ["FAILS"]


def test_a_case_without_finite_support_is_refused():
    with pytest.raises(InputError, match="no finite population"):
        identity.converges_with_order_one(make_case("product", "mlp"), SETTINGS)
