"""One quantity: what is read, what is wrong, what is not decided, and which value is the worst."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.contract import leaves, map_structure
from gsnr_ref.golden.quantity import (
    ROUNDOFF,
    SQUARES,
    Element,
    allowed_error,
    compare_quantity,
    correct_digits,
    dtype_of,
    is_close,
    read,
)


class Foreign:
    """An array of another library, with DLPack only."""

    def __init__(self, array):
        self.array = np.array(array)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class HasArray:
    def __init__(self, array):
        self.array = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize(
    "convert", [np.asarray, Foreign, HasArray, lambda v: np.asarray(v).tolist()]
)
def test_anything_that_numpy_or_dlpack_reads_is_read(convert):
    case = golden.load("mlp2-tanh-squared-error")
    assert golden.check(case, map_structure(convert, case.expected)).passed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": {}}, r"mean\['linear.weight'\], mean\['linear.bias'\] missing"),
        ({"mean": {"linear.weight": [[1], [2]], "linear.bias": [1], "w": 1}}, "not expected"),
        ({"losses": np.ones(5)}, r"losses has shape \(5,\); expected \(6,\)"),
        ({"losses": np.ones((6, 1))}, r"losses has shape \(6, 1\)"),
        ({"coherence": np.nan}, "coherence: 1 of 1 values wrong"),
        ({"coherence": np.inf}, "coherence: 1 of 1 values wrong"),
    ],
)
def test_wrong_structure_and_values_fail(change, message):
    case = golden.load("linear")
    with pytest.raises(golden.ConformanceError, match=message):
        golden.check(case, case.expected | change)


def moved(case, share):
    """The expected values, each off by a share of the error that it may have."""
    tolerance = case.tolerance["float64"]

    def move(expected, condition, square):  # the documented rule, written out again
        zero = np.asarray(expected) == 0
        relative = tolerance * (1 + condition) * np.abs(expected)
        off = share * np.where(zero, tolerance ** (1 + square) * condition, relative)
        off = np.where(zero & square, np.abs(off), off)  # a square is never below 0
        return np.where(np.isfinite(expected), expected + off, expected)

    with np.errstate(invalid="ignore"):
        return {
            q: map_structure(lambda e, k, q=q: move(e, k, q in SQUARES), tree, case.condition[q])
            for q, tree in case.expected.items()
        }


@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_an_error_passes_up_to_the_tolerance_and_fails_beyond_it(case):
    for share in (0.9, -0.9):
        assert golden.compare(case, moved(case, share)).passed
    for share in (1.1, -1.1):
        off = moved(case, share)
        for report in golden.compare(case, off).quantities:
            right, made = (leaves(values[report.quantity]) for values in (case.expected, off))
            pairs = zip(right, made, strict=True)
            changed = sum(np.sum((e != o) & np.isfinite(e)) for e, o in pairs)
            assert report.n_wrong + report.n_undecided == changed


def losses_report(got, expected, condition, tolerance):
    """What becomes of two losses of these values and condition numbers."""
    case = golden.load("location-two-samples")
    numbers = {"losses": np.array(expected)}, {"losses": np.array(condition)}
    case = replace(case, expected=numbers[0], condition=numbers[1])
    return compare_quantity(case, "losses", got, "float64", tolerance, "gsnr_ref")


def test_a_value_is_decided_until_it_may_be_off_by_more_than_a_tenth():
    # 0.001 · (1 + 98) is less than a tenth, 0.001 · (1 + 150) is more.
    report = losses_report([1.0, 3.5], [2.0, 4.0], [98.0, 150.0], tolerance=0.001)
    assert (report.n_wrong, report.n_undecided, report.worst.index) == (1, 1, (0,))
    assert report.digits == pytest.approx(-np.log10(0.5))
    report = losses_report([2.0, 3.5], [2.0, 4.0], [98.0, 150.0], tolerance=0.001)
    assert (report.passed, report.n_undecided, report.digits) == (True, 1, 17.0)
    report = losses_report([2.0, 3.0], [2.0, 4.0], [98.0, 150.0], tolerance=0.001)
    assert (report.n_wrong, report.n_undecided, report.worst.index) == (1, 0, (1,))


def test_where_nothing_is_decided_there_are_no_digits():
    report = losses_report([2.5, 3.5], [2.0, 4.0], [1e3, 1e3], tolerance=0.001)
    assert (report.passed, report.n_undecided) == (True, 2)
    assert np.isnan(report.digits)
    report = losses_report([1e-9, 0.0], [0.0, 0.0], [1.0, 1.0], tolerance=0.001)
    assert (report.passed, report.n_undecided, report.digits) == (True, 0, 17.0)
    report = losses_report([1e-9, 1e-9], [0.0, 0.0], [1.0, 1.0], tolerance=0.001)
    assert report.passed
    assert np.isnan(report.digits)
    report = losses_report([0.0, 1e-3], [0.0, 0.0], [1.0, 1.0], tolerance=0.001)
    assert (report.n_wrong, report.digits) == (1, 0.0)


def test_zero_and_infinity_are_always_decided():
    report = losses_report([0.1, 1e300], [0.0, np.inf], [1e6, 0.0], tolerance=1e-12)
    assert (report.n_wrong, report.n_undecided) == (2, 0)


@pytest.mark.parametrize(
    ("path", "index"), [("linear.weight", (0, 0)), ("linear.weight", (1, 0)), ("linear.bias", (0,))]
)
def test_the_worst_value_exceeds_its_allowed_error_the_most(path, index):
    case = golden.load("linear")
    expected, condition = case.expected["mean"], case.condition["mean"]
    allowed = map_structure(
        lambda e, k: allowed_error(e, k, case.tolerance["float64"]), expected, condition
    )
    wrong = map_structure(lambda e, a: e + 10 * a, expected, allowed)
    wrong[path][index] = expected[path][index] + 20 * allowed[path][index]
    report = golden.compare(case, case.expected | {"mean": wrong}).quantities[2]
    assert (report.quantity, report.n_wrong) == ("mean", 3)
    assert (report.worst.path, report.worst.index) == ((path,), index)
    assert report.worst.got == wrong[path][index]
    assert report.worst.expected == expected[path][index]
    assert report.worst.allowed == allowed[path][index]


def test_no_number_is_worse_than_any():
    case = golden.load("linear")
    losses = case.expected["losses"] * 2
    losses[3] = np.nan
    report = golden.compare(case, case.expected | {"losses": losses}).quantities[0]
    assert (report.n_wrong, report.worst.index) == (6, (3,))


def test_a_value_that_float32_cannot_decide_is_counted():
    case = golden.load("location-snr-1e12")
    single = map_structure(lambda v: np.asarray(v, np.float32), case.expected)
    report = golden.check(case, single)
    assert sum(q.n_undecided for q in report.quantities) > 0
    assert "undecided" in str(report)


def test_four_names_of_what_is_missing_or_more_are_enough():
    case = golden.load("mlp3-tanh-squared-error")
    names = list(case.params)
    assert len(names) == 6
    more = {f"w{i}": 1.0 for i in range(6)}
    report = compare_quantity(case, "mean", more, "float64", 1e-12, "gsnr_ref")
    missing = ", ".join(f"mean['{name}']" for name in names[:4])
    not_expected = ", ".join(f"mean['w{i}']" for i in range(4))
    assert report.problem == f"{missing} missing; {not_expected} not expected"
    n_values = sum(v.size for v in case.params.values())
    assert (report.n_values, report.n_wrong, report.n_undecided) == (n_values, n_values, 0)
    assert (report.digits, report.worst, report.wrong, report.passed) == (0.0, None, {}, False)


def test_counts_are_said_in_words():
    report = losses_report([1.0, 3.5], [2.0, 4.0], [98.0, 150.0], tolerance=0.001)
    assert report.counts == "1 of 2 values wrong, 1 undecided, 0.3 correct digits"
    assert replace(report, n_undecided=0).counts == "1 of 2 values wrong, 0.3 correct digits"
    assert replace(report, digits=np.nan).counts == "1 of 2 values wrong, 1 undecided"
    assert replace(report, digits=0.0).counts.endswith(", 0.0 correct digits")
    zero = losses_report([1.0, 4.0], [0.0, 4.0], [0.0, 0.0], tolerance=0.001)
    assert zero.counts == "1 of 2 values wrong, 0 expected"


def test_an_element_says_where_it_is_and_by_how_much():
    element = Element(("8", "w"), (1, 2), 3.0, 2.0, 0.125)
    assert str(element) == (
        "['8']['w'][1, 2]: got 3.0, expected 2.0, ratio 1.5, error 1, allowed 0.12"
    )
    assert str(Element((), (), 3.0, 0.0, 0.5)) == ": got 3.0, expected 0.0, error 3, allowed 0.5"
    assert Element((), (), 3.0, 0.0, 0.5).ratio == np.inf


def test_of_values_that_are_allowed_no_error_the_worst_errs_the_most():
    report = losses_report([1e-20, 1e-18, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 0.0)
    assert report.worst.index == (1,)


def test_a_wrong_value_is_the_worst_however_little_it_is_wrong():
    """A square below 0 is wrong within any allowance; what is right is never the worst."""
    report = losses_report([-1e-9, 1.0], [0.0, 1.0], [1.0, 0.0], tolerance=0.1)
    assert (report.n_wrong, report.worst.index, report.worst.got) == (1, (0,), -1e-9)
    report = losses_report([1.0, -1e-300], [1.0, 0.0], [0.0, np.inf], tolerance=0.1)
    assert (report.n_wrong, report.worst.index) == (1, (1,))


def test_digits_are_17_at_most_and_0_at_least():
    right = np.array([1.0, 1.0, 1.0, np.inf, np.nan, np.inf, 1.0])
    got = np.array([1.0, 1 + 2.0**-52, 3.0, np.inf, np.nan, 1.0, np.nan])
    digits = correct_digits(got, right)
    np.testing.assert_allclose(digits, [17, 52 * np.log10(2), 0, 17, 17, 0, 0], rtol=1e-12)
    (doubled,) = correct_digits(np.array([2.0]), np.array([1.0]))  # -log10(1) is -0
    assert f"{doubled:.1f}" == "0.0"


def test_of_two_that_are_equally_wrong_the_first_is_the_worst():
    report = losses_report([2.0, 2.0], [1.0, 1.0], [0.0, 0.0], tolerance=0.25)
    assert (report.n_wrong, report.worst.index) == (2, (0,))
    case = golden.load("linear-multi-output")
    shape = {name: np.shape(v) for name, v in case.params.items()}
    one, none = ({n: np.full(s, x) for n, s in shape.items()} for x in (1.0, 0.0))
    case = replace(case, expected={"mean": one}, condition={"mean": none})
    twice = {name: 2 * v for name, v in one.items()}
    report = compare_quantity(case, "mean", twice, "float64", 0.25, "gsnr_ref")
    assert report.worst.path == (next(iter(shape)),)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.ones(2, np.int16), "float64"),
        (np.ones(2, np.float32), "float32"),
        ([1, 2], "float64"),
        ({"a": np.float32(1), "b": None}, "float32"),
    ],
)
def test_whole_numbers_are_float64(value, dtype):
    assert dtype_of("losses", value) == dtype


def test_a_narrow_dtype_beside_another_is_named():
    with pytest.raises(InputError, match="mean has dtype float16; expected float64 or float32"):
        dtype_of("mean", {"a": np.float16(1), "b": np.float32(1)})
    with pytest.raises(InputError, match="mean has dtypes float32, int64; expected one, or"):
        dtype_of("mean", {"a": np.int64(1), "b": np.float32(1)})


def test_a_rounding_is_half_of_the_step_at_1():
    assert {d: float(np.finfo(d).eps) / 2 for d in ("float64", "float32")} == ROUNDOFF


def test_an_error_as_large_as_the_allowance_passes():
    got = np.array([1.25, 0.75, 1.5, np.inf])
    assert is_close(got, np.ones(4), np.full(4, 0.25)).tolist() == [True, True, False, False]


def test_the_last_key_that_leads_to_an_array_names_its_parameter():
    case = golden.load("linear-square")
    theirs = {n: case.params_in("torch") for n in case.expected["osgr_weights"]}
    for (_, name), array in read(case, "osgr_weights", theirs, "torch").items():
        np.testing.assert_array_equal(array, case.params[name])


def test_fractions_are_not_read():
    case = golden.load("linear")
    for value, place in ((Fraction(1, 4), "coherence"), ({"a": Fraction(1)}, r"coherence\['a'\]")):
        with pytest.raises(InputError, match=f"{place} has dtype object; expected real numbers"):
            golden.check(case, case.expected | {"coherence": value})


def test_a_value_that_may_be_off_by_a_tenth_is_decided():
    report = losses_report([10.5, 10.0], [10.0, 10.0], [0.0, 0.0], tolerance=0.1)
    assert report.passed and report.n_undecided == 0
    assert report.digits == pytest.approx(-np.log10(0.05))


def test_where_no_error_is_allowed_the_larger_is_the_worse():
    report = losses_report([1e-320, 1e-17], [0.0, 0.0], [0.0, 0.0], tolerance=0.1)
    assert (report.n_wrong, report.worst.index) == (2, (1,))


def test_the_worst_is_told_by_its_error_in_units_of_the_allowance():
    report = losses_report([2.0, 13.0], [1.0, 10.0], [0.0, 0.0], tolerance=0.01)
    assert report.worst.index == (0,)  # 100 and 30 times what is allowed
    report = losses_report([1.0, 1.5], [10.0, 1.0], [0.0, 0.0], tolerance=0.01)
    assert report.worst.index == (0,)  # 90 and 50 times
