import mpmath
import numpy as np
import pytest
from autograd import elementwise_grad

from toy_models.activations import ACTIVATIONS

mp = mpmath.mp.clone()  # of its own: other tests keep their precision
mp.dps = 60
EXACT = {
    "tanh": mp.tanh,
    "relu": lambda z: max(z, mp.mpf(0)),
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "identity": lambda z: z,
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z * mp.ncdf(z),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
}
EXACT_DERIVATIVE = {
    "tanh": lambda z: mp.sech(z) ** 2,
    "relu": lambda z: mp.mpf(z > 0),
    "sigmoid": lambda z: 1 / ((1 + mp.exp(-z)) * (1 + mp.exp(z))),
    "softplus": lambda z: 1 / (1 + mp.exp(-z)),
    "identity": lambda z: mp.mpf(1),
    "silu": lambda z: (1 + z / (1 + mp.exp(z))) / (1 + mp.exp(-z)),
    "gelu": lambda z: mp.ncdf(z) + z * mp.npdf(z),
    "leaky_relu": lambda z: mp.mpf(1) if z > 0 else mp.mpf(1) / 100,
}
POINTS = np.array([-300.0, -40.0, -7.5, -1.5, -1e-8, 0.0, 1e-8, 0.7, 1.5, 3.0, 18.0, 40.0, 300.0])
# exp(-2|z|) carries the rounding of its argument: |z| · 2⁻⁵³ relative, and a few roundings more.
TOLERANCE = 4e-15 + 4e-16 * np.abs(POINTS)
# exp(-z²/2) carries that of its square.
OF_A_SQUARE = 4e-15 + 2e-16 * POINTS**2


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_values_and_derivatives_keep_their_digits_in_the_tails(name):
    activation = ACTIVATIONS[name]
    for got, exact in (
        (activation(POINTS), EXACT[name]),
        (elementwise_grad(activation)(POINTS), EXACT_DERIVATIVE[name]),
    ):
        expected = np.array([float(exact(mp.mpf(float(z)))) for z in POINTS])
        tolerance = OF_A_SQUARE if name == "gelu" else TOLERANCE
        assert (np.abs(got - expected) <= tolerance * np.abs(expected)).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "gelu"])
def test_second_derivatives_match_central_differences(name):
    first = elementwise_grad(ACTIVATIONS[name])
    z, h = np.array([-3.0, -0.5, 0.2, 2.5]), 1e-5
    differences = (first(z + h) - first(z - h)) / (2 * h)
    second = elementwise_grad(lambda z: first(z))(z)
    assert np.allclose(second, differences, rtol=0, atol=1e-9)  # truncation h² and rounding u/h


def test_derivatives_at_zero_are_those_of_the_convention():
    for name, slope in (("relu", 0.0), ("leaky_relu", 0.01)):
        assert elementwise_grad(ACTIVATIONS[name])(np.array([0.0]))[0] == slope
