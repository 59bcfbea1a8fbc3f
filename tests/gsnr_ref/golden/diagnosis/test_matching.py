"""When a value is recognized as that of a mistake: how near it must be, and what contradicts."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import map_structure
from gsnr_ref.golden.case import every_case
from gsnr_ref.golden.diagnosis.matching import (
    agrees,
    all_agree,
    compare_again,
    differs,
    is_judged,
    same_shapes,
    with_values,
    wrong_values,
)
from tests.gsnr_ref.golden.diagnosis.made_up import report_of, with_losses


def is_recognized(right, made, got, condition=0.0, **options):
    case = with_losses(right, condition)
    says = agrees(case, report_of(case, np.asarray(got, float), **options), np.asarray(made))
    assert says in (True, False)  # and not nothing
    return says


@pytest.mark.parametrize(
    ("right", "made", "near", "options"),
    [
        (1.0, 2.0, 2e-6, {}),  # a millionth of it
        (1.0, 1 + 1e-5, 1e-7, {}),  # a hundredth of its distance from the right one
        (1.0, 2.0, 2e-3, {"dtype": "float32"}),
        (1.0, 2.0, 4e-5, {"condition": 2e6 - 1}),  # ten times what a right one may err
        (0.0, 2.0, 2e-6, {}),
        (np.inf, 2.0, 2e-6, {}),
        (np.nan, 2.0, 2e-11, {}),
    ],
)
def test_a_value_is_recognized_up_to_a_distance(right, made, near, options):
    for sign in (1, -1):
        got = [made + 0.95 * sign * near]
        assert is_recognized([right], [made], got, **options)
        assert not is_recognized([right], [made], [made + 1.05 * sign * near], **options)


def test_infinity_is_recognized_as_itself_only():
    assert is_recognized([1.0], [np.inf], [np.inf])
    assert is_recognized([np.inf], [np.inf], [np.inf])
    assert is_recognized([1.0], [np.nan], [np.nan])
    assert not is_recognized([1.0], [np.inf], [1e300])
    assert not is_recognized([1.0], [np.nan], [np.inf])


def test_what_is_wrong_where_the_mistake_is_right_contradicts():
    # 5e-12 is too far from what is right, and near enough for a wrong value.
    assert not is_recognized([1.0, 1.0], [1.0, 2.0], [1 + 5e-12, 2.0])
    assert is_recognized([1.0, 1.0], [1.0, 2.0], [1 + 0.5e-12, 2.0])


def test_values_of_another_shape_are_recognized_too():
    """Their condition numbers are not known: the largest of the quantity stands for each."""
    right, condition = [1.0, 1.0], np.array([0.0, 2e6 - 1])
    for off, same in ((3.8e-5, True), (4.2e-5, False)):
        assert is_recognized(right, [2.0, 2, 2], [2 + off, 2, 2], condition) == same
    for off, same in ((1.9e-2, True), (2.1e-2, False)):
        assert is_recognized(right, [2.0, 2, 2], [2 + off, 2, 2], tolerance=1e-3) == same
    assert is_recognized(right, [2.0, 2, 2], [2 + 1.9e-6, 2, 2])
    assert not is_recognized(right, [2.0, 2, 2], [2 + 2.1e-6, 2, 2])
    assert not is_recognized(right, [2.0, 2, 2], [2.0, 2])
    case = golden.load("linear")
    mean = case.expected["mean"]
    report = report_of(case, {"linear.weight": mean["linear.weight"]}, "mean")
    assert not agrees(case, report, mean)


def test_what_differs_does_so_by_more_than_ten_times_the_allowed_error():
    case = with_losses([2.0, 2.0], 4.0)  # 1e-12 · 5 · 2
    assert not differs(case, "losses", np.array([2.0, 2 + 0.98e-10]), 1e-12)
    assert differs(case, "losses", np.array([2.0, 2 + 1.02e-10]), 1e-12)
    assert differs(case, "losses", np.array([2.0, 2.0, 2.0]), 1e-12)
    assert not differs(case, "losses", case.expected["losses"], 0.0)


CASE = golden.load("linear")
RIGHT = tuple(report_of(CASE, v, q) for q, v in CASE.expected.items())
DOUBLED = CASE.expected | {"losses": 2 * CASE.expected["losses"]}
WRONG = tuple(report_of(CASE, v, q) for q, v in DOUBLED.items())


def test_every_quantity_is_as_the_mistake_says_or_right():
    losses = {"losses": DOUBLED["losses"]}
    assert all_agree(CASE, RIGHT, {})
    assert all_agree(CASE, WRONG, losses)
    assert not all_agree(CASE, WRONG, {})
    assert not all_agree(CASE, RIGHT, losses)
    assert not all_agree(CASE, WRONG, losses | {"coherence": 0.1})


def test_a_judge_must_accept_all_that_fails_of_what_it_judges():
    def judged(says, reports=WRONG, judged=("losses",), wrong=("losses", "mean")):
        judge = None if says is None else lambda case, report, tolerance: says
        mistake = replace(golden.mistakes()["half-missing"], judge=judge, judged=judged)
        return is_judged(CASE, reports, mistake, dict.fromkeys(wrong))

    assert judged(True)
    assert judged(True, RIGHT)  # nothing fails: nothing to judge
    assert judged(False, RIGHT)
    assert not judged(False)
    assert not judged(None) and not judged(None, RIGHT)
    assert not judged(True, judged=("mean",))  # nothing that fails is judged
    assert not judged(True, wrong=("mean",))  # the mistake cannot reach what fails


def test_shapes_are_the_same_by_quantity_and_parameter():
    e = CASE.expected
    assert same_shapes({}, e) and same_shapes({"mean": e["mean"], "losses": e["losses"]}, e)
    assert not same_shapes({"losses": e["losses"][1:]}, e)
    assert not same_shapes({"mean": {"linear.weight": e["mean"]["linear.weight"]}}, e)


@pytest.mark.parametrize("quantity", ["losses", "mean", "osgr_weights", "predicted_osgr"])
def test_values_are_compared_again_with_others_taken_for_right(quantity):
    right = CASE.expected[quantity]
    doubled = map_structure(lambda v: 2 * np.asarray(v), right)
    report = report_of(CASE, doubled, quantity)
    again = compare_again(with_values(CASE, {quantity: doubled}), report)
    assert (report.passed, again.passed) == (False, True)
    assert again.tolerance == report.tolerance
    assert again.got.keys() == report.got.keys()
    assert compare_again(CASE, report).n_wrong == report.n_wrong


def test_values_of_a_changed_case_are_made_anew():
    own, mine = every_case()["linear"], golden.load("linear")
    for case, kept in ((own, True), (mine, False)):
        first = wrong_values("half-missing", case)
        assert (wrong_values("half-missing", case) is first) == kept
    mine.expected["losses"] *= 3
    assert (wrong_values("half-missing", mine)["losses"] == 6 * own.expected["losses"]).all()
