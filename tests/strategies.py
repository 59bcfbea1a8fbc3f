"""What Hypothesis draws: models with their data, weights, and ways to cut samples into pieces."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from toy_models import MLP, LinearRegression, SoftmaxRegression
from toy_models.activations import ACTIVATIONS


@st.composite
def problems(draw, max_samples=12):
    """A model, its params, and a batch (x, y)."""
    seed = draw(st.integers(0, 2**32 - 1), label="seed")
    rng = np.random.default_rng(seed)
    n_samples = draw(st.integers(1, max_samples), label="n_samples")
    kind = draw(st.sampled_from(["linear", "softmax", "mlp"]), label="model")
    bias = draw(st.booleans(), label="bias")
    n_in = draw(st.integers(1, 4), label="n_in")
    n_out = draw(st.integers(1 if kind != "softmax" else 2, 3), label="n_out")
    loss = "cross_entropy" if kind == "softmax" else "squared"
    if kind == "linear":
        model = LinearRegression(n_in, n_out, bias=bias)
    elif kind == "softmax":
        model = SoftmaxRegression(n_in, n_out, bias=bias)
    else:
        hidden = draw(st.lists(st.integers(1, 5), min_size=0, max_size=3), label="hidden")
        loss = draw(st.sampled_from(["squared", "cross_entropy"]), label="loss")
        activation = draw(st.sampled_from(sorted(ACTIVATIONS)), label="activation")
        frozen = draw(st.sampled_from([(), ("layer1",)] if hidden else [()]), label="frozen")
        model = MLP((n_in, *hidden, n_out), activation, loss, bias, frozen)
    params = model.init(seed, scale=draw(st.sampled_from([0.1, 1.0, 3.0]), label="scale"))
    for name in params:
        if name.endswith("bias"):
            params[name] = rng.standard_normal(params[name].shape)
    x = rng.standard_normal((n_samples, n_in))
    if loss == "squared":
        return model, params, x, rng.standard_normal((n_samples, n_out))
    return model, params, x, rng.integers(0, n_out, n_samples)


@st.composite
def cuts(draw, n_samples):
    """Pieces of range(n_samples), possibly empty, in an order drawn at random."""
    points = draw(st.lists(st.integers(0, n_samples), max_size=8), label="cuts")
    edges = [0, *sorted(points), n_samples]
    pieces = [slice(a, b) for a, b in pairwise(edges)]
    return draw(st.permutations(pieces), label="order")
