"""One step of finite size on one pair of sets; exact cases are in test_reused.py."""

import numpy as np
import pytest

from gsnr_ref import InputError, finite_step_osgr
from gsnr_ref.osgr.step import mean_decrease, step
from toy_models import MLP, FinitePopulation, LinearRegression, ProductRegression


def a_pair(seed):
    rng = np.random.default_rng(seed)
    sets = [FinitePopulation(rng.standard_normal((6, 2)), rng.integers(0, 3, 6)) for _ in range(2)]
    return MLP((2, 4, 3), loss="cross_entropy"), *sets


def real_ratio(model, params, training, test, rate):
    after, _ = step(model, params, training.x, training.y, training.probabilities, rate)
    decreases = [
        mean_decrease(*(model.loss(p, s.x, s.y) for p in (params, after)), s.probabilities)
        for s in (training, test)
    ]
    return decreases[1] / decreases[0]


@pytest.mark.parametrize("seed", range(3))
def test_what_it_leaves_out_is_of_order_2_in_the_learning_rate(seed):
    model, training, test = a_pair(seed)
    params, errors = model.init(seed), []
    for rate in (0.02, 0.01):
        found = finite_step_osgr(model, params, training, test, rate)
        real = real_ratio(model, params, training, test, rate)
        errors.append([real - found.held_out, real - found.value])
    # The next term shifts an observed order by about (its share of the error)·λ.
    assert np.log2(np.divide(*errors)) == pytest.approx([1, 2], abs=0.1)


def test_a_step_at_the_edge_of_stability_raises_the_training_loss():
    model = LinearRegression(1, bias=False)
    params = {"linear.weight": np.array([[1.0]])}
    sets = FinitePopulation(np.ones((1, 1)), np.zeros(1)), FinitePopulation(np.ones((1, 1)), [3.0])
    below, at, above = (finite_step_osgr(model, params, *sets, rate) for rate in (1.9, 2.0, 2.1))
    assert not below.raises_the_training_loss
    assert at.raises_the_training_loss
    assert above.raises_the_training_loss
    assert at.training_quotient == 1
    assert at.value == -np.inf  # the training loss does not move, the test loss rises
    assert above.held_out == below.held_out == -2


def test_orthogonal_gradients_have_no_test_quotient():
    model = LinearRegression(2, bias=False)
    params = {"linear.weight": np.ones((2, 1))}
    sets = (FinitePopulation(np.eye(2)[i : i + 1], np.zeros(1)) for i in (0, 1))
    found = finite_step_osgr(model, params, *sets, 0.1)
    assert found.value == found.held_out == 0
    assert np.isnan(found.test_quotient)


def test_bad_input_is_named():
    model, training, test = a_pair(0)
    with pytest.raises(InputError, match="training is ProductRegression; expected x, y"):
        finite_step_osgr(model, model.init(0), ProductRegression(), test, 0.1)
    with pytest.raises(InputError, match="test is ProductRegression; expected x, y"):
        finite_step_osgr(model, model.init(0), training, ProductRegression(), 0.1)
    with pytest.raises(InputError, match="learning_rate is 0"):
        finite_step_osgr(model, model.init(0), training, test, 0)
