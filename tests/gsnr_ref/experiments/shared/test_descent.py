"""Gradient descent against the loop, and against itself by hand."""

import numpy as np

from gsnr_ref.experiments.shared import descent
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import gradient_moments
from toy_models import MLP

RNG = np.random.default_rng(0)
MODEL = MLP((3, 4, 2), "tanh", frozen=("layer1",))
PARAMS, X, Y = MODEL.init(0), RNG.normal(size=(230, 3)), RNG.normal(size=(230, 2))


def test_the_mean_gradient_in_chunks_is_the_mean_of_the_per_sample_gradients():
    mean = descent.mean_gradient(MODEL, PARAMS, X, Y)
    looped = per_sample_gradients(MODEL, PARAMS, X, Y, method="loop")
    assert set(mean) == set(MODEL.trainable)
    for name, gradient in mean.items():
        assert np.allclose(gradient, looped[name].mean(axis=0), rtol=1e-13, atol=1e-15)
    assert np.array_equal(descent.losses(MODEL, PARAMS, X, Y), MODEL.loss(PARAMS, X, Y))


def test_descent_is_plain_gradient_descent():
    params = PARAMS
    for _ in range(3):
        gradient = gradient_moments(MODEL, params, X, Y).mean
        params = params | {k: params[k] - 0.1 * g for k, g in gradient.items()}
    (zero, start), (three, end) = descent.descend(MODEL, PARAMS, X, Y, 0.1, [0, 3])
    assert (zero, three) == (0, 3)
    assert start is PARAMS
    assert all(np.allclose(end[k], params[k], rtol=1e-12, atol=1e-15) for k in params)
    assert np.array_equal(end["layer1.weight"], PARAMS["layer1.weight"])  # frozen
