"""Losses times a number, and weights the other way round."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import leaves_with_paths

SQUARED = ("linear-multi-output-mean-reduced", "linear-sum-reduced")
ENTROPY = ("softmax-mean-reduced", "softmax-sum-reduced")
FACTORS = {
    "half-missing": (lambda c: 2, SQUARED, ENTROPY),
    "averaged-over-outputs": (lambda c: 1 / c, SQUARED, ENTROPY),
    "mse-loss": (lambda c: 2 / c, SQUARED[:1], (*ENTROPY, "linear", "linear-sum-reduced")),
    "bits-for-nats": (lambda c: np.log2(np.e), ENTROPY, SQUARED),
}
#: How often the factor counts; in all others it cancels.
POWERS = dict.fromkeys(("losses", "per_sample_gradients", "mean"), 1)
POWERS |= dict.fromkeys(("reduced_loss", "reduced_gradient"), 1)
POWERS |= dict.fromkeys(("variance_ddof0", "variance_ddof1"), 2)


@pytest.mark.parametrize("id", FACTORS)
def test_a_factor_of_the_loss_is_in_each_gradient_and_squared_in_each_variance(id):
    factor, there, not_there = FACTORS[id]
    for case in map(golden.load, there):
        wrong, k = golden.mistakes()[id].wrong(case), factor(case.n_outputs)
        assert set(wrong) == set(POWERS)
        for quantity, power in POWERS.items():
            right = dict(leaves_with_paths(case.expected[quantity]))
            for path, made in leaves_with_paths(wrong[quantity]):
                np.testing.assert_allclose(made, right[path] * k**power, rtol=1e-14)
    for case in map(golden.load, not_there):
        assert golden.mistakes()[id].wrong(case) == {}


def test_a_mean_over_two_outputs_is_not_their_half_sum_twice():
    case = golden.load("linear-multi-output")
    two = replace(case, y=case.y[:, :2])
    losses = golden.mistakes()["mse-loss"].wrong(two)["losses"]
    np.testing.assert_array_equal(losses, case.expected["losses"])  # 2 / 2 of it


def test_weights_the_other_way_round():
    wrong = golden.mistakes()["transposed-weights"].wrong
    case = golden.load("linear-multi-output")
    made, e = wrong(case), case.expected
    for quantity in ("mean", "per_sample_gradients"):
        weight = e[quantity]["linear.weight"]
        turned = np.array([w.T for w in weight]) if weight.ndim == 3 else weight.T
        np.testing.assert_array_equal(made[quantity]["linear.weight"], turned)
        np.testing.assert_array_equal(made[quantity]["linear.bias"], e[quantity]["linear.bias"])
    turned = e["osgr_weights"]["8"]["linear.weight"].T
    np.testing.assert_array_equal(made["osgr_weights"]["8"]["linear.weight"], turned)
    np.testing.assert_array_equal(made["losses"], e["losses"])
    assert wrong(golden.load("location")) == {}  # one number, either way
    assert wrong(golden.load("linear")) != {}
    some = replace(case, params={"a.weight": np.ones((1, 1)), "b.weight": np.ones((2, 3))})
    assert wrong(some) != {}
