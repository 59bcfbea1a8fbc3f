"""The optimizers against their papers."""

import numpy as np

from gsnr_ref.experiments import optimizers


def test_adam_is_kingma_and_bas():
    gradients, state = [{"w": np.array([0.1])}, {"w": np.array([-0.3])}], {}
    m = v = 0.0
    for t, gradient in enumerate(gradients, start=1):
        direction, state = optimizers.adam(gradient, state)
        g = gradient["w"][0]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert np.isclose(direction["w"][0], expected, rtol=1e-13)
    scale = optimizers.earlier_scale(state)["w"][0]
    assert np.isclose(scale, 1 / (np.sqrt(v / (1 - 0.999**2)) + 1e-8), rtol=1e-13)
    velocity, _ = optimizers.momentum(gradients[1], {"v": gradients[0]})
    assert np.isclose(velocity["w"][0], 0.9 * 0.1 - 0.3)
