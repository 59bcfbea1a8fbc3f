"""``golden.check``: what it reads, what it refuses, and that it cannot pass by accident."""

import numpy as np
import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.golden.case import parse
from gsnr_ref.golden.layouts import LAYOUTS, param_from


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


def mapped(function, tree):
    if isinstance(tree, dict):
        return {key: mapped(function, value) for key, value in tree.items()}
    return function(tree)


@pytest.mark.parametrize(
    "convert", [np.asarray, Foreign, HasArray, lambda v: np.asarray(v).tolist()]
)
def test_anything_that_numpy_or_dlpack_reads_is_read(convert):
    case = golden.load("mlp2-tanh-squared-error")
    assert golden.check(case, mapped(convert, case.expected)).passed


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
    single = mapped(lambda v: np.asarray(v, np.float32), case.expected)
    assert golden.check(case, single).dtype == "float32"
    with pytest.raises(golden.ConformanceError):
        golden.check(case, single, dtype="float64")


def test_a_value_that_float32_cannot_decide_is_counted():
    case = golden.load("location-snr-1e12")
    single = mapped(lambda v: np.asarray(v, np.float32), case.expected)
    report = golden.check(case, single)
    assert sum(q.n_undecided for q in report.quantities) > 0
    assert "undecided" in str(report)


def test_an_overridden_tolerance_is_said():
    case = golden.load("linear")
    loose = case.expected | {"losses": case.expected["losses"] * 1.0001}
    assert "tolerance overridden: 0.01" in str(golden.check(case, loose, tolerance=0.01))
    with pytest.raises(golden.ConformanceError, match="tolerance overridden: 1e-16"):
        golden.check(case, loose, tolerance=1e-16)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("id", ["conv-relu-cross-entropy", "elman-cross-entropy", "linear-square"])
def test_layouts_go_there_and_back(id, layout):
    case = golden.load(id)
    for name, theirs in case.params_in(layout).items():
        assert np.array_equal(param_from(case.model, name, theirs, layout), case.params[name])


def test_the_torch_layout_transposes():
    case = golden.load("conv-relu-cross-entropy")
    assert case.params_in("torch")["conv1.weight"].shape == (2, 1, 2, 2)
    assert case.params_in("torch")["dense1.weight"].shape == (2, 8)
    assert case.params_in("keras")["conv1.weight"].shape == (2, 2, 1, 2)
    assert case.x_in("torch").shape == (4, 1, 5, 5)


def test_a_transposed_weight_is_told_to_name_its_layout():
    case = golden.load("linear-square")
    theirs = golden.mistakes()["transposed-weights"].wrong(case)
    with pytest.raises(golden.ConformanceError, match='layout="torch"'):
        golden.check(case, case.expected | theirs)
    assert golden.check(case, case.expected | theirs, layout="torch").passed


def test_cases_are_chosen_by_flag_and_quantity():
    assert {c.id for c in golden.cases("frozen")} == {"mlp2-tanh-frozen"}
    assert all("enumerated_osgr" in c.expected for c in golden.cases(quantity="enumerated_osgr"))
    with pytest.raises(InputError, match="no golden case has them"):
        golden.cases("no-such-flag")
    with pytest.raises(InputError, match="expected a golden case, such as linear"):
        golden.load("linaer")


@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_works_as_a_parametrized_test(case):
    assert str(case) == case.id
    assert parse(case.document).id == case.id
