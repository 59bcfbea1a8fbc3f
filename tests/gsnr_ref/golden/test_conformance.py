"""``golden.check``: what it refuses, and that it cannot pass by accident."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import InputError, golden
from gsnr_ref.contract import map_structure


@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_the_expected_values_pass(case):
    assert golden.check(case, case.expected).digits == 17


def test_a_missing_quantity_fails_unless_it_is_left_out():
    case = golden.load("linear")
    result = {q: v for q, v in case.expected.items() if q != "coherence"}
    with pytest.raises(golden.ConformanceError, match="coherence missing: return it, or leave"):
        golden.check(case, result)
    assert golden.check(case, result, leave_out=["coherence"]).left_out == ("coherence",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"result": [1, 2]}, "result is list; expected a dict"),
        ({"result": {"gnsr": 1}}, r"unknown quantities \['gnsr'\]"),
        ({"result": {"coherence": None}}, "coherence is null"),
        ({"result": {"coherence": "1"}}, "coherence has dtype <U1"),
        ({"result": {"coherence": np.float16(1)}}, "dtype float16; expected float64 or float32"),
        ({"leave_out": ["gnsr"]}, "leave_out has unknown quantities"),
        ({"result": {}, "leave_out": golden.QUANTITIES}, "leave_out names every quantity"),
        ({"layout": "caffe"}, "layout is 'caffe'"),
        ({"dtype": "float8"}, "dtype is 'float8'"),
        ({"tolerance": 2.0}, "tolerance is 2.0"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"leave_out": ["mean"]}, r"result has \['mean'\], which leave_out leaves out"),
        ({"leave_out": "mean"}, "expected one of both"),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments, message):
    case = golden.load("linear")
    with pytest.raises(InputError, match=message):
        golden.check(case, **({"result": case.expected} | arguments))


def test_numbers_out_of_the_range_of_float32_are_refused_in_float32():
    case = golden.load("linear-huge-1e150")
    with pytest.raises(InputError, match="leave the range of float32"):
        golden.check(case, case.expected, dtype="float32")


def test_float32_results_have_the_tolerance_of_float32():
    case = golden.load("mlp2-tanh-float32")
    single = map_structure(lambda v: np.asarray(v, np.float32), case.expected)
    assert golden.check(case, single).dtype == "float32"
    with pytest.raises(golden.ConformanceError):
        golden.check(case, single, dtype="float64")


def test_an_overridden_tolerance_is_said():
    case = golden.load("linear")
    loose = case.expected | {"losses": case.expected["losses"] * 1.0001}
    assert "tolerance overridden: 0.01" in str(golden.check(case, loose, tolerance=0.01))
    with pytest.raises(golden.ConformanceError, match="tolerance overridden: 1e-16"):
        golden.check(case, loose, tolerance=1e-16)


def rounded(tree, dtype):
    return map_structure(lambda v: np.asarray(v, dtype), tree)


@settings(max_examples=10)  # of 16 quantities each
@given(st.data())
def test_each_quantity_is_held_to_the_tolerance_of_its_own_dtype(data):
    """What becomes of a quantity is the same whatever the others' dtypes are."""
    case = golden.load("mlp2-tanh-cross-entropy")
    result, alone = {}, {}
    for quantity, right in case.expected.items():
        dtype = data.draw(st.sampled_from(["float64", "float32"]), quantity)
        error = data.draw(st.sampled_from([0.0, 1e-9, 1e-2]), f"error of {quantity}")
        result[quantity] = rounded(map_structure(lambda v, e=error: v * (1 + e), right), dtype)
        others = set(case.expected) - {quantity}
        only = {quantity: result[quantity]}
        alone[quantity] = golden.compare(case, only, leave_out=others).passed
        # 1e-9 is below the roundings of float32 and far above those of float64.
        assert alone[quantity] == (error == 0.0 or (error == 1e-9 and dtype == "float32"))
    together = golden.compare(case, result)
    assert {q.quantity: q.passed for q in together.quantities} == alone
    for q in together.quantities:
        assert q.tolerance == case.tolerance[q.dtype]


def test_one_float32_quantity_does_not_loosen_the_others():
    case = golden.load("linear")
    off = map_structure(lambda v: v * (1 + 1e-9), case.expected)
    result = off | {"coherence": np.float32(case.expected["coherence"])}
    report = golden.compare(case, result)
    assert report.dtype == "float64 and float32"
    assert [q.quantity for q in report.quantities if q.passed] == ["coherence"]
    assert "linear (float64 and float32, float32: coherence): FAILED" in str(report)
    assert 'say dtype="float32" if all was computed in float32' in str(report)
    assert golden.check(case, result, dtype="float32").passed


def test_a_quantity_of_two_dtypes_is_refused_unless_the_dtype_is_declared():
    case = golden.load("linear")
    mean = case.expected["mean"]
    mixed = case.expected | {"mean": mean | {"linear.bias": np.float32(mean["linear.bias"])}}
    with pytest.raises(InputError, match="mean has dtypes float32, float64; expected one, or the"):
        golden.check(case, mixed)
    assert golden.check(case, mixed, dtype="float32").passed


def test_a_case_without_any_value_fails_and_says_so():
    report = golden.compare(golden.load("linear"), {})
    assert str(report).startswith("linear (no values): FAILED")
    report = golden.compare(golden.load("linear"), {}, dtype="float32", tolerance=0.01)
    assert str(report).startswith("linear (float32, tolerance overridden: 0.01): FAILED")


def test_a_tolerance_is_0_or_more_and_less_than_1():
    case = golden.load("linear")
    assert golden.check(case, case.expected, tolerance=0.0).tolerance == 0.0
    assert golden.check(case, case.expected, tolerance=0.999).passed
    for tolerance in (1.0, -1e-9):
        with pytest.raises(InputError, match="expected a relative error, 0 to 1"):
            golden.check(case, case.expected, tolerance=tolerance)


def test_what_is_not_there_has_no_numbers():
    """A missing quantity, and values where a case must be refused: 0 of everything."""
    nothing = {"n_values": 0, "n_wrong": 0, "n_undecided": 0, "digits": 0.0, "worst": None}
    case = golden.load("linear")
    (missing,) = (
        q for q in golden.compare(case, {"losses": [0] * 6}).quantities if q.quantity == "mean"
    )
    (refused,) = golden.cases("refused")
    (given,) = golden.compare(refused, {"losses": np.zeros(4)}).quantities
    for report in (missing, given):
        assert {key: getattr(report, key) for key in nothing} == nothing
        assert (report.tolerance, report.dtype, report.got, report.passed) == (0.0, "", {}, False)
    assert missing.problem == "mean missing: return it, or leave it out"
    declared = golden.compare(case, {}, dtype="float32").quantities[0]
    assert (declared.dtype, declared.tolerance) == ("float32", case.tolerance["float32"])
    report = golden.compare(refused, {"losses": np.zeros(4)})
    assert (report.overridden, report.left_out, report.diagnoses) == (False, (), ())
    assert golden.compare(refused, {}).tolerance == 0.0


def test_a_report_in_one_line():
    case = golden.load("location-snr-1e12")
    single = rounded(case.expected, np.float32)
    report = golden.compare(
        case, {q: v for q, v in single.items() if q != "losses"}, leave_out="losses"
    )
    n = sum(q.n_undecided for q in report.quantities)
    digits = min(q.digits for q in report.quantities if q.digits >= 0)
    assert str(report) == (
        f"location-snr-1e12 (float32, {n} values undecided, left out: losses): passed, "
        f"{digits:.1f} digits"
    )
    nothing = golden.compare(
        case, {"gsnr_ddof0": single["gsnr_ddof0"]}, leave_out=set(single) - {"gsnr_ddof0"}
    )
    assert np.isnan(nothing.digits)
    assert str(nothing).endswith("passed, no value decided")


def test_the_worst_quantity_and_the_loosest_tolerance_are_those_of_a_case():
    case = golden.load("linear")
    off = case.expected | {"coherence": case.expected["coherence"] * (1 + 1e-13)}
    report = golden.compare(case, off | {"losses": np.float32(case.expected["losses"])})
    assert report.tolerance == case.tolerance["float32"] > case.tolerance["float64"]
    assert report.digits == min(q.digits for q in report.quantities) < 14
    assert golden.compare(case, case.expected | {"coherence": 2.0}).digits == 0
    assert report.dtype == "float64 and float32"


def test_the_layout_is_asked_for_only_where_all_that_does_not_fit_is_transposed():
    case = golden.load("linear-multi-output")
    mean = case.expected["mean"]
    turned = {"linear.weight": mean["linear.weight"].T, "linear.bias": mean["linear.bias"]}
    hint = "another layout? Name it"
    assert hint in str(golden.compare(case, case.expected | {"mean": turned}))
    both = turned | {"linear.bias": mean["linear.bias"][1:]}
    assert hint not in str(golden.compare(case, case.expected | {"mean": both}))
    flat = {"linear.weight": mean["linear.weight"].ravel(), "linear.bias": mean["linear.bias"]}
    assert hint not in str(golden.compare(case, case.expected | {"mean": flat}))
    wrong = case.expected | {"losses": 2 * case.expected["losses"]}
    assert hint not in str(golden.compare(case, wrong))


def test_a_value_without_a_right_digit_is_the_worst_of_its_case():
    case = golden.load("linear")
    report = golden.compare(case, case.expected | {"coherence": 9 * case.expected["coherence"]})
    assert (report.digits, report.passed) == (0.0, False)
