import numpy as np
import pytest

from gsnr_ref.claims import Settings
from gsnr_ref.claims.controls import CorrelatedDraws
from gsnr_ref.claims.tasks import CONTROLS
from toy_models import make_case


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_break(control):
    (claim,) = control(make_case("digits", "softmax"), Settings(ns=(5, 20), n_trials=40))
    assert claim.verdict == "broken, as expected"


def test_correlated_draws_repeat():
    draws = CorrelatedDraws(make_case("product", "mlp").population)
    x, _ = draws.sample(np.random.default_rng(0), 12)
    assert len(x) == 12
    assert len(np.unique(x, axis=0)) == 3
