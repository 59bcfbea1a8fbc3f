"""``golden.check``: what it refuses, and that it cannot pass by accident."""

import numpy as np
import pytest

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
        ({"leave_out": golden.QUANTITIES}, "leave_out names every quantity"),
        ({"layout": "caffe"}, "layout is 'caffe'"),
        ({"dtype": "float8"}, "dtype is 'float8'"),
        ({"tolerance": 2.0}, "tolerance is 2.0"),
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
