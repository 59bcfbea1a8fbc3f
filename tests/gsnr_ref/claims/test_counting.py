import numpy as np
import pytest

from gsnr_ref.claims.counting import Counted
from tests.oracles.exact import exact_moments
from toy_models import make_case


def test_counting_uses_probabilities_that_sum_to_1():
    counted = Counted(make_case("rational", "linear"))
    assert sum(p for p, _, _ in counted.datasets(3)) == 1
    _, mean, _ = exact_moments(counted.g, counted.p)
    assert (mean == counted.mean).all()


@pytest.mark.parametrize("name", ["rational/linear", "finite/mlp"])
def test_gradients_and_moments_stand_in_the_order_of_the_parameters(name):
    counted = Counted(make_case(*name.split("/")))
    by_name = counted.by_name(counted.mean)
    assert list(by_name) == list(counted.case.model.trainable)
    assert all((by_name[k] == counted.moments.mean[k]).all() for k in by_name)
    assert np.allclose(np.array(counted.p @ counted.g, float), np.array(counted.mean, float))
