import numpy as np
import pytest

from toy_models import cross_entropy
from toy_models.loss_options import cross_entropy_with

RNG = np.random.default_rng(0)
OUTPUTS, Y = RNG.normal(size=(6, 3)) * 3, np.array([0, 1, 2, 2, 1, 0])


def surprise():
    exponentials = np.exp(OUTPUTS)
    return -np.log(exponentials / exponentials.sum(axis=1, keepdims=True))


def test_no_option_is_the_cross_entropy():
    assert np.array_equal(cross_entropy_with()(OUTPUTS, Y), cross_entropy(OUTPUTS, Y))


def test_class_weights_multiply_and_nothing_is_divided():
    weights = np.array([0.5, 2.0, 3.0])
    expected = weights[Y] * surprise()[np.arange(6), Y]
    assert np.allclose(cross_entropy_with(class_weights=weights)(OUTPUTS, Y), expected, rtol=1e-13)


@pytest.mark.parametrize("ignored", [-100, 1])
def test_ignored_samples_have_no_loss_and_the_others_their_own(ignored):
    y = np.where(Y == 1, ignored, Y)
    expected = np.where(Y == 1, 0, cross_entropy(OUTPUTS, Y))
    assert np.array_equal(cross_entropy_with(ignore_index=ignored)(OUTPUTS, y), expected)


def test_smoothed_labels_are_a_target_for_every_class():
    target = np.full((6, 3), 0.3 / 3)
    target[np.arange(6), Y] += 0.7
    expected = (target * surprise()).sum(axis=1)
    got = cross_entropy_with(label_smoothing=0.3)(OUTPUTS, Y)
    assert np.allclose(got, expected, rtol=1e-13)
