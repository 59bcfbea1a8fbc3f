"""Certified values are the committed ones; two kinds of arithmetic agree; nothing is guessed."""

import json
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import golden
from tests.certify.__main__ import FOLDER
from tests.certify.cases import all_cases
from tests.certify.quantities import Inputs, all_quantities
from tests.certify.rounded import certified, map_tree, written
from tests.certify.scalars import Undecided, balls, round_to_double

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
