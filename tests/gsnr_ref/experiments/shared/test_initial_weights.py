"""Where training starts has the distribution that is said."""

import numpy as np
import pytest
from scipy import stats

from gsnr_ref.experiments.shared import INITIAL, initial
from toy_models import MLP

MODEL = MLP((400, 300, 1))
STANDARD = {  # of weights with n_in = 400 and of biases: the distribution of each
    "ours": (stats.norm(0, 1 / 20), None),
    "he": (stats.norm(0, np.sqrt(2) / 20), None),
    "pytorch": (stats.uniform(-1 / 20, 1 / 10), stats.uniform(-1 / 20, 1 / 10)),
    "small": (stats.norm(0, 0.1), None),
}


@pytest.mark.parametrize("how", INITIAL)
def test_weights_and_biases_are_drawn_as_said(how):
    params = initial(MODEL, 1, how)
    weights, biases = STANDARD[how]
    # 1.5e5 draws of a fixed seed; a wrong variance, by 2 %, would have p below 1e-6.
    assert stats.kstest(params["layer1.weight"].ravel(), weights.cdf).pvalue > 1e-3
    if biases is None:
        assert not params["layer1.bias"].any()
    else:
        assert stats.kstest(params["layer1.bias"], biases.cdf).pvalue > 1e-3


@pytest.mark.parametrize("how", INITIAL)
def test_the_scale_multiplies_and_the_seed_decides(how):
    one, same, doubled, other = (
        initial(MODEL, seed, how, scale) for seed, scale in ((1, 1), (1, 1), (1, 2), (2, 1))
    )
    for name, value in one.items():
        np.testing.assert_array_equal(value, same[name])
        np.testing.assert_array_equal(2 * value, doubled[name])
    assert (one["layer1.weight"] != other["layer1.weight"]).all()
