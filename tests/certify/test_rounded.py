"""Certified values are the committed ones; two kinds of arithmetic agree; nothing is guessed."""

import json
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import golden
from tests.certify.__main__ import FOLDER
from tests.certify.backpropagation import loss_and_gradient
from tests.certify.cases import all_cases
from tests.certify.cases.building import flatten
from tests.certify.quantities import Inputs, all_quantities
from tests.certify.rounded import SQUARES, certified, conditions, map_tree, written
from tests.certify.scalars import BRANCHES, Undecided, balls, round_to_double, sign

CASES = [case for case in all_cases() if not case.refused]


def numbers_of(tree):
    if isinstance(tree, dict):
        return [v for t in tree.values() for v in numbers_of(t)]
    return [v for t in tree for v in numbers_of(t)] if isinstance(tree, list) else [tree]


@pytest.mark.parametrize("stated", CASES, ids=str)
def test_every_value_is_the_correctly_rounded_exact_value(stated):
    committed = json.loads((FOLDER / "cases" / f"{stated.id}.json").read_text())
    values = map_tree(written, certified(stated))
    assert set(values) == set(golden.load(stated.id).expected)
    for quantity, tree in values.items():
        assert numbers_of(committed["expected"][quantity]["value"]) == numbers_of(tree)


@pytest.mark.parametrize("stated", [c for c in CASES if "rational" in c.flags], ids=str)
def test_balls_hold_the_fractions(stated):
    exact = numbers_of(all_quantities(stated, Inputs(stated, Fraction)))
    number = balls(512)
    enclosures = numbers_of(all_quantities(stated, Inputs(stated, number)))
    for fraction, ball in zip(exact, enclosures, strict=True):
        if isinstance(fraction, float):
            assert repr(ball) == repr(fraction)
        else:
            assert number(fraction).overlaps(ball)


def test_a_rounding_that_is_not_decided_is_no_rounding():
    number = balls(60)
    halfway = number(1) / 3 * 3 + number(Fraction(1, 2**53))  # between 1 and the next double
    with pytest.raises(Undecided):
        round_to_double(halfway)
    assert round_to_double(number(Fraction(1, 4))) == 0.25


def test_a_condition_number_is_the_sensitivity_to_the_inputs():
    # The gradient (θx − y)x at x = 1: θ moves it by |θ|, x by |2θ − y|, y by |y|, each relatively.
    case = golden.load("location")
    condition = case.condition["per_sample_gradients"]["linear.weight"].ravel()
    theta, y = 0.7, case.y.ravel()
    expected = (theta + np.abs(2 * theta - y) + np.abs(y)) / np.abs(theta - y)
    assert np.allclose(condition, expected, rtol=0.05)  # two digits are kept


def test_a_condition_where_0_is_expected_is_the_magnitude_of_what_cancels():
    case = golden.load("softmax-uniform")  # gradients of the biases: ¼, and ¼ − 1 for one in four
    assert case.condition["mean"]["linear.bias"].tolist() == [0.38] * 4  # (¾ + 3 · ¼)/4
    # Σ p |g|/ρ, squared, with ρ² = ¼ · ¾: (3/8)² · 16/3
    assert case.condition["gsnr_ddof0"]["linear.bias"].tolist() == [0.75] * 4


def test_branches_are_taken_as_at_the_stated_inputs():
    with BRANCHES.recorded() as signs:
        assert (sign(Fraction(0)), sign(Fraction(-2))) == (0, -1)
    assert signs == [0, -1]
    with BRANCHES.kept(signs):
        assert (sign(Fraction(1)), sign(Fraction(2))) == (0, -1)
    assert sign(Fraction(1)) == 1
    kink = conditions(next(c for c in CASES if c.id == "mlp2-relu-kink"))
    assert max(numbers_of(kink)) < 1e4  # 1e16 if the branch could change


def branches(inputs):
    """Signs that decide the losses and gradients of all samples."""
    with BRANCHES.recorded() as signs:
        for x, y in zip(inputs.x, inputs.y, strict=True):
            loss_and_gradient(inputs.model, inputs.params, x, y)
    return signs


@pytest.mark.parametrize("stated", CASES, ids=str)
def test_every_branch_can_be_decided_in_float32(stated):
    """No sign changes when the inputs are moved a little, or they are short binary fractions."""
    number = balls(256)
    signs = branches(Inputs(stated, number))
    moved = Inputs(stated, number)
    for k, (vector, index) in enumerate(moved.places()):
        vector[index] *= number(1 + Fraction((-1) ** (k * k // 3), 2**18))
    if branches(moved) != signs:
        numbers = flatten([stated.x, list(stated.params.values())])
        assert all(v * 2**8 == int(v * 2**8) for v in numbers)


def test_checker_and_certificate_agree_on_what_is_a_square():
    from gsnr_ref.golden import quantity

    assert set(SQUARES) == quantity.SQUARES
