"""What the tape gives is what is derived by hand, and what autograd gives."""

from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import per_sample_gradients
from gsnr_ref.golden.case import parse
from tests.certify.backpropagation import loss_and_gradient
from tests.certify.cases import all_cases
from tests.certify.cases.building import activation, affine, network
from tests.certify.cases.shapes import SHAPES, parameter_shapes
from tests.certify.document import document
from tests.certify.layers import BY_HAND
from tests.certify.quantities import Inputs
from tests.certify.scalars import balls
from tests.certify.tape import Node, derivatives

CASES = [case for case in all_cases() if not case.refused]


def of_all_samples(inputs, by_hand):
    pairs = zip(inputs.x, inputs.y, strict=True)
    return [loss_and_gradient(inputs.model, inputs.params, x, y, by_hand) for x, y in pairs]


@pytest.mark.parametrize("stated", CASES, ids=str)
def test_the_tape_gives_what_is_derived_by_hand(stated):
    if not {layer["type"] for layer in stated.layers} <= set(BY_HAND):
        return  # nothing by hand to compare with: central differences and autograd do
    exact = "rational" in stated.flags
    inputs = Inputs(stated, Fraction if exact else balls(256))
    pairs = zip(of_all_samples(inputs, True), of_all_samples(inputs, False), strict=True)
    for (loss, gradient), (other_loss, others) in pairs:
        rows = [(loss, other_loss)]
        rows += [pair for k, g in gradient.items() for pair in zip(g, others[k], strict=True)]
        for ours, taped in rows:
            # Balls of 256 bits: where both hold the exact value, their difference holds 0.
            assert ours == taped if exact else (ours - taped).contains(0)
            if not exact:
                assert abs(ours - taped) < 2.0**-200


def test_a_derivative_is_that_of_the_formula():
    number = balls(256)
    tape = []
    z, w = Node(tape, number(3) / 4), Node(tape, number(5) / 4)
    outputs = [z.exp() * w / (w - 2), (z / w).tanh() - z.sqrt(), 2 / z - w.log(), 1 - z.erf() / 3]
    deltas = [number(1), number(2), number(-1), number(4)]
    got = derivatives(outputs, deltas, [z, w])

    def value(z, w):
        terms = (z.exp() * w / (w - 2), (z / w).tanh() - z.sqrt(), 2 / z - w.log(), 1 - z.erf() / 3)
        return sum(d * t for d, t in zip(deltas, terms, strict=True))

    h = number(2) ** -80  # the third derivatives are below 100: an error of 2^-153
    for i, slope in enumerate(got):
        up, down = (
            [node.value + (sign * h if i == k else 0) for k, node in enumerate((z, w))]
            for sign in (1, -1)
        )
        assert abs((value(*up) - value(*down)) / (2 * h) - slope) < 2.0**-140


def tied_and_residual():
    """A weight that two layers use, one of them transposed, and one within a residual."""
    inner = [activation("tanh"), affine("inner", 3, 3)]
    layers = [
        affine("shared", 2, 3, bias=False),
        {"type": "residual", "layers": [{"type": "residual", "layers": inner}, affine("b", 3, 3)]},
        activation("sigmoid"),
        affine("inner", 3, 3),
        affine("shared", 3, 2, bias=False) | {"transposed": True},
        affine("each", 1, 2) | {"n_positions": 2},
    ]
    return network("a-tied-case", "Tied.", ["deep"], layers, [2], 4, n_samples=4)


def test_a_weight_may_be_used_by_several_layers_and_layers_may_be_within_others():
    stated = tied_and_residual()
    assert list(parameter_shapes(stated.layers)) == [
        "shared.weight", "inner.weight", "inner.bias", "b.weight", "b.bias",
        "each.weight", "each.bias",
    ]  # fmt: skip
    case = parse(document(stated) | {"mistakes": []})
    model = case.build()
    assert not model.is_tapped  # the transposed weight has no tap
    assert np.allclose(model.loss(case.params, case.x, case.y), case.expected["losses"], rtol=1e-14)
    looped = per_sample_gradients(model, case.params, case.x, case.y, method="loop")
    for name, gradient in case.expected["per_sample_gradients"].items():
        assert np.allclose(looped[name], gradient, rtol=1e-13, atol=1e-15)
    inputs = Inputs(stated, balls(256))
    by_hand, taped = (of_all_samples(inputs, way)[0][1]["inner.weight"] for way in (True, False))
    assert all(abs(a - b) < 2.0**-200 for a, b in zip(by_hand, taped, strict=True))


def test_one_name_is_one_shape():
    layers = [affine("a", 2, 3), affine("a", 3, 2)]
    with pytest.raises(AssertionError, match=r"a\.weight"):
        parameter_shapes(layers)
    assert set(SHAPES) >= {"affine", "convolution", "elman"}
