"""A constant that nobody knows is found from the values, and must explain all of them."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import flat, map_structure
from gsnr_ref.golden.diagnosis.constants import (
    JUDGED,
    Line,
    OneConstant,
    agree,
    comparable,
    meets,
    needs_more_than_a_factor,
    roots,
)
from gsnr_ref.golden.diagnosis.wrong_gradients import clipped, with_penalty
from tests.gsnr_ref.golden.diagnosis.made_up import report_of, with_losses


def is_met(right, made, got, condition=0.0, by=meets, **options):
    case = with_losses(right, condition)
    return by(case, report_of(case, np.asarray(got, float), **options), np.asarray(made))


@pytest.mark.parametrize(
    ("right", "made", "near", "options"),
    [
        (1.0, 2.0, 2e-9, {}),  # a thousandth of a millionth of it
        (1.0, 1 + 1e-9, 1e-11, {}),  # a hundredth of its distance from the right one
        (1.0, 2.0, 2e-4, {"dtype": "float32"}),
        (1.0, 2.0, 2e-8, {"condition": 1e3 - 1}),  # ten times what a right one of its size may err
        (1.0, 0.5, 5e-9, {"condition": 1e3 - 1}),
        (0.0, 2.0, 2e-9, {}),
        (np.inf, 2.0, 2e-9, {}),
    ],
)
def test_a_value_meets_what_is_made_up_to_a_distance(right, made, near, options):
    for sign in (1, -1):
        assert is_met([right], [made], [made + 0.95 * sign * near], **options)
        assert not is_met([right], [made], [made + 1.05 * sign * near], **options)


def test_every_value_has_to_meet_and_infinity_meets_itself_only():
    assert is_met([1.0, 1.0], [2.0, 3.0], [2.0, 3.0])
    assert not is_met([1.0, 1.0], [2.0, 3.0], [2.0, 3.1])
    assert is_met([1.0], [np.inf], [np.inf]) and is_met([1.0], [np.nan], [np.nan])
    assert not is_met([1.0], [np.inf], [1e300])


def test_a_gsnr_without_a_variance_is_endless():
    """Rounding leaves a variance of about 0: a GSNR above 1e24 is as good as an infinite one."""
    case = golden.load("location")

    def met(got, made, quantity="gsnr_ddof0"):
        report = report_of(case, {"linear.weight": [[got]]}, quantity)
        return meets(case, report, {"linear.weight": np.array([[made]])})

    assert met(np.inf, 1.1e24) and met(1.1e24, 5e30)
    assert not met(np.inf, 1e24)
    assert not met(0.9e24, np.inf) and not met(5e30, 0.9e24)
    assert not met(np.inf, 1.1e24, "mean")


def test_where_the_mistake_is_right_a_wrong_value_contradicts():
    right, made, got = [1.0, 1.0], [1.0, 2.0], [1 + 5e-12, 2.0]
    assert is_met(right, made, got) and not is_met(right, made, got, by=agree)
    assert is_met(right, made, made, by=agree)
    assert not is_met(right, made, [1.1, 2.0], by=agree)


def test_one_array_of_several_is_enough_to_contradict():
    case = golden.load("linear")
    made = {"linear.weight": 2 * case.expected["mean"]["linear.weight"]}
    made["linear.bias"] = case.expected["mean"]["linear.bias"]
    off = 5e-12 * (1 + case.condition["mean"]["linear.bias"])  # five times what it may err
    for factor, contradicts in ((1.0, False), (1 + off, True)):
        report = report_of(case, made | {"linear.bias": made["linear.bias"] * factor}, "mean")
        assert meets(case, report, made) and agree(case, report, made) is not contradicts


def test_what_has_another_shape_or_parameter_cannot_be_compared():
    case = golden.load("linear")
    mean = case.expected["mean"]
    assert comparable(case, report_of(case, mean, "mean"))
    assert not comparable(case, report_of(case, {"linear.weight": mean["linear.weight"]}, "mean"))
    short = mean | {"linear.weight": mean["linear.weight"][:1]}
    assert not comparable(case, report_of(case, short, "mean"))
    judge = OneConstant(lambda case, report: [])
    for values in (short, {}):
        report = report_of(case, values, "mean")
        assert judge.constants(case, report) == []
        assert not judge(case, report, 1e-12)


def needs_more(right, got, condition=0.0, **options):
    case = with_losses(right, condition)
    return needs_more_than_a_factor(case, report_of(case, np.asarray(got, float), **options))


def test_one_factor_or_one_offset_is_too_little():
    right = np.array([1.0, 2.0, 5.0])
    assert not needs_more(right, 3 * right) and not needs_more(right, right + 3)
    assert not needs_more(right, [1.0, 2.0, 7.0])  # one wrong value
    assert needs_more(right, [1.0, 3.0, 7.0])  # two
    for apart, more in ((0.9e-8, False), (1.1e-8, True)):  # ten times AGREES, of the largest
        assert needs_more(right, right * np.array([3, 3, 3 * (1 + apart)])) == more
        assert needs_more(right, right + np.array([3, 3, 3 * (1 + apart)])) == more
        assert needs_more(right, right - np.array([3, 3, 3 * (1 + apart)])) == more
        single = 1e5 * apart
        factors = np.array([3, 3, 3 * (1 + single)])
        assert needs_more(right, right * factors, dtype="float32") == more
    factors[2] = 3 * (1 + 1.0005e-3)  # more than 1e-3 of the smallest, not of the largest
    assert not needs_more(right, right * factors, dtype="float32")
    assert not needs_more(right, right + factors, dtype="float32")


def test_values_off_by_ten_times_what_they_may_err_count():
    right, condition = [1.0, 2.0, 5.0], 1e6 - 1  # 1e-6 of each
    for times, more in ((9, False), (11, True)):
        assert needs_more(right, [1.0, 2 - 2e-6 * times, 7.0], condition) == more


def test_values_that_are_no_numbers_count_not():
    right = [1.0, 2.0, np.inf, 5.0]
    assert not needs_more(right, [np.nan, np.inf, 1.0, 7.0])
    assert needs_more(right, [3.5, np.inf, 1.0, 7.0])
    assert needs_more([0.0, 1.0], [2.0, 4.0])  # the ratio to 0 is infinite: no factor
    assert not needs_more([0.0, 1.0], [2.0, 3.0])  # one offset, all the same


CASES = [
    golden.load(id)
    for id in ("mlp2-tanh-mean-reduced", "mlp2-tanh-cross-entropy-sum-reduced", "linear-weighted")
]


def line_of(case, seed=0):
    rng = np.random.default_rng(seed)
    g = case.expected["per_sample_gradients"]
    slope = map_structure(lambda a: rng.standard_normal(a.shape), g)
    losses = case.expected["losses"], rng.standard_normal(len(case.x))
    return Line(g, slope, losses)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_on_a_line_follow_from_its_gradients(case):
    line, t = line_of(case), 0.7
    made, name = line.at(case, t), next(iter(case.params))
    p = np.full(len(case.x), 1 / len(case.x)) if case.probabilities is None else case.probabilities
    g = case.expected["per_sample_gradients"][name] + t * line.slope[name]
    mean = np.tensordot(p, g, 1)
    factor = len(case.x) if case.reduction == "sum" else 1
    for quantity, value in (
        ("per_sample_gradients", g),
        ("mean", mean),
        ("reduced_gradient", factor * mean),
        ("variance_ddof0", np.tensordot(p, (g - mean) ** 2, 1)),
    ):
        np.testing.assert_allclose(made[quantity][name], value, rtol=1e-12)
    np.testing.assert_allclose(made["losses"], line.losses[0] + t * line.losses[1], rtol=1e-15)
    alone = replace(line, losses=None).at(case, t)
    np.testing.assert_array_equal(alone["losses"], case.expected["losses"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_equations_of_a_line_are_solved_by_its_constant(case):
    line = line_of(case)
    for quantity in JUDGED:
        if quantity not in case.expected:
            continue
        for t in (0.3, 2.0, -1.5):
            report = report_of(case, line.at(case, t)[quantity], quantity)
            a, b, c = (np.ravel(v) for v in line.equations(case, report))
            n_values = sum(got.size for got in report.got.values())
            assert a.shape == b.shape == c.shape == (n_values,)
            size = np.abs(a) + np.abs(b * t) + np.abs(c * t * t)
            assert (np.abs(a + b * t + c * t * t) <= 1e-11 * size.max()).all(), (quantity, t)
            assert (np.abs(a + b + c) > 1e-6 * size.max()).any()  # and by no other number
        if quantity in ("mean", "losses", "per_sample_gradients", "reduced_gradient"):
            assert not c.any()


def test_losses_that_no_line_changes_tell_nothing():
    case = CASES[0]
    report = report_of(case, 2 * case.expected["losses"])
    a, b, c = replace(line_of(case), losses=None).equations(case, report)
    np.testing.assert_array_equal(a, -case.expected["losses"])
    assert not b.any() and not c.any()


def test_roots_add_up_and_multiply_as_they_must():
    for a, b, c in ((6.0, -5.0, 1.0), (-6.0, 1.0, 1.0), (6.0, 5.0, 1.0), (-3.0, -4.0, 2.0)):
        first, second = roots(a, b, c)
        assert first + second == pytest.approx(-b / c) and first * second == pytest.approx(a / c)
    assert roots(1.0, 2.0, 1.0) == [-1.0, -1.0] and sorted(roots(2.0, 1.0, -1.0)) == [-1.0, 2.0]
    assert roots(0.0, 0.0, 1.0) == [] and roots(0.0, 3.0, 1.0) == [0.0]
    assert roots(1e-200, 4.0, 1e-200) == [-2.5e-201]  # a·c is below the smallest number
    assert roots(np.nan, 1.0, 1.0) == [] and roots(5.0, 1.0, 1.0) == []
    assert sorted(roots(-4.0, 0.0, 1.0)) == [-2.0, 2.0]


def judge_of(case, line):
    return OneConstant(lambda case, report: [line])


def test_a_constant_is_known_to_a_hundred_times_the_digits():
    case, quantity = CASES[0], "per_sample_gradients"
    line = line_of(case)
    judge = judge_of(case, line)
    for dtype, digits in (("float64", 1e-7), ("float32", 1e-2)):
        report = report_of(case, line.at(case, 0.5)[quantity], quantity, dtype=dtype)
        low, high = judge.constant(case, report, report.tolerance)
        assert (low, high) == pytest.approx((0.5 * (1 - digits), 0.5 * (1 + digits)), rel=1e-11)
    assert judge.can_make(case, report, 0.0) is True
    none = report_of(case, case.expected["per_sample_gradients"], quantity)
    assert judge.constant(case, none, 0.0) == (np.inf, 0.0)
    assert judge.can_make(case, none, 0.0) is False


def test_a_constant_lies_between_the_bounds_of_its_line():
    case, quantity = CASES[0], "per_sample_gradients"
    line = line_of(case)
    report = report_of(case, line.at(case, 0.5)[quantity], quantity)

    def found(low, high):
        return judge_of(case, replace(line, low=low, high=high)).constants(case, report)

    assert found(0.4, 0.6) == found(0.4, 0.5 * (1 - 0.5e-9)) == pytest.approx([0.5])
    assert found(0.5001, 1.0) == found(0.4, 0.4999) == found(0.4, 0.5 * (1 - 2e-9)) == []
    exact = found(0.0, np.inf)[0]
    assert found(exact, 1.0) == []  # above the lower bound


def test_what_passes_tells_a_constant_unless_it_is_met():
    """A line may go through what is right, which then says nothing of a mistake."""
    case, quantity = CASES[0], "per_sample_gradients"
    right = case.expected[quantity]
    slope = map_structure(np.ones_like, right)
    line = Line(map_structure(lambda g: g - 1, right), slope)
    judge = judge_of(case, line)
    assert judge.constants(case, report_of(case, right, quantity)) == []
    near = report_of(case, line.at(case, 1.001)[quantity], quantity, tolerance=0.1)
    assert near.passed and judge.constants(case, near) == pytest.approx([1.001])


def test_a_value_that_the_constant_leaves_alone_tells_none():
    """Though it is nearer to the end of what it may err than the one that tells."""
    case = with_losses([1.0, 1.0], [0.0, 1e12])
    g = case.expected["per_sample_gradients"]
    judge = judge_of(case, Line(g, g, (np.ones(2), np.array([0.0, 1.0]))))
    report = report_of(case, np.array([1 + 0.9e-12, 1.5]))
    assert judge.constants(case, report) == pytest.approx([0.5])


def test_only_of_a_gsnr_and_gradients_times_the_constant_any_constant_is_one():
    case = golden.load("linear")
    g = case.expected["per_sample_gradients"]
    none = map_structure(np.zeros_like, g)
    still = Line(map_structure(lambda v: v**3, g), none, high=1.0)
    report = report_of(case, still.at(case, 1.0)["gsnr_ddof0"], "gsnr_ddof0")
    assert judge_of(case, still).constants(case, report) == []
    zeros = Line(none, none, high=1.0)
    report = report_of(case, map_structure(np.zeros_like, case.expected["mean"]), "mean")
    assert judge_of(case, zeros).constants(case, report) == []


def test_any_bound_below_all_norms_leaves_the_same_gsnr():
    case = golden.load("mlp2-tanh-squared-error")
    g = case.expected["per_sample_gradients"]
    smallest = min(np.linalg.norm(flat({k: v[i] for k, v in g.items()})) for i in range(5))
    judge = golden.mistakes()["clipped-gradients"].judge
    report = report_of(case, clipped(case, smallest / 2)["gsnr_ddof0"], "gsnr_ddof0")
    assert judge.constant(case, report, 0.0) == pytest.approx(
        (1e-9 * smallest, smallest * (1 + 1e-7)), rel=1e-5
    )
    report = report_of(case, clipped(case, smallest / 2)["mean"], "mean")
    assert judge.constants(case, report) == pytest.approx([smallest / 2])


def test_the_clearest_error_gives_the_constant():
    """Not a value that a hidden constant leaves as it is, nor one that rounding has moved."""
    case = golden.load("mlp2-tanh-squared-error")
    made = with_penalty(case, 0.25)["mean"]
    judge = golden.mistakes()["weight-decay-in-gradient"].judge
    for name, tree in made.items():
        moved = {k: v * (1 + 1e-13 * (k == name)) for k, v in made.items()}
        report = report_of(case, moved, "mean")
        assert judge.constants(case, report) == pytest.approx([0.25], rel=1e-9), tree.shape


def test_a_value_that_may_err_by_more_is_less_clear_though_its_error_is_larger():
    right = np.array([1000.0, 1.0])
    case = with_losses(right, [1e9, 0.0])  # the first may err by 1
    got = 1.5 * right + np.array([0.3, 0.0])
    g = case.expected["per_sample_gradients"]
    judge = judge_of(case, Line(g, g, (right, right)))
    assert judge.constants(case, report_of(case, got)) == [0.5]


def test_a_value_that_no_constant_changes_gives_none():
    """Wrong beyond doubt, but by something else: so no constant explains every value."""
    case = with_losses([1.0, 1.0])
    g = case.expected["per_sample_gradients"]
    line = Line(g, g, (case.expected["losses"], np.array([0.0, 1.0])))
    judge = judge_of(case, line)
    assert judge.constants(case, report_of(case, np.array([1.0, 1.5]))) == [0.5]
    assert judge.constants(case, report_of(case, np.array([9.0, 1.5]))) == []
