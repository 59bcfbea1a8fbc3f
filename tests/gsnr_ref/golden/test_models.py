"""Which models are ready, and what becomes of a loss."""

from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.models import _is_ready, build

MLP3 = golden.load("mlp3-tanh-cross-entropy").model


def with_layer(number, **fields):
    layers = [la | (fields if i == number else {}) for i, la in enumerate(MLP3["layers"])]
    return MLP3 | {"layers": layers}


def test_a_ready_model_has_one_function_one_kind_of_bias_and_no_more_fields():
    assert _is_ready(MLP3)
    assert not _is_ready(with_layer(1, function="relu"))
    assert not _is_ready(with_layer(2, bias=False))
    for field in ("n_positions", "transposed", "padding", "stride", "groups"):
        assert not _is_ready(with_layer(0, **{field: 1}))
    assert not _is_ready(MLP3 | {"loss": MLP3["loss"] | {"label_smoothing": 0.1}})
    assert not _is_ready(with_layer(0, name="other"))


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_loss_is_scaled(scale):
    case = golden.load("linear")
    model = build(case.model | {"loss": case.model["loss"] | {"scale": scale}})
    losses = model.loss(case.params, case.x, case.y)
    np.testing.assert_allclose(losses, scale * case.expected["losses"], rtol=1e-13)


def test_a_loss_that_is_not_scaled_is_exact_for_fractions():
    case = golden.load("linear")
    exact = np.vectorize(Fraction, otypes=[object])
    params = {name: exact(value) for name, value in case.params.items()}
    losses = build(case.model).loss(params, exact(case.x), exact(case.y))
    assert all(isinstance(loss, Fraction) for loss in losses)
