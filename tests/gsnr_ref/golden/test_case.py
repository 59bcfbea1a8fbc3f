"""Golden cases are found by id, by flag and by quantity."""

import numpy as np
import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.contract import leaves
from gsnr_ref.golden.case import parse


def test_cases_are_chosen_by_flag_and_quantity():
    assert {c.id for c in golden.cases("frozen")} == {"mlp2-tanh-frozen"}
    assert all("enumerated_osgr" in c.expected for c in golden.cases(quantity="enumerated_osgr"))
    with pytest.raises(InputError, match="no golden case has them"):
        golden.cases("no-such-flag")
    with pytest.raises(InputError, match="expected a golden case, such as linear"):
        golden.load("linaer")


def test_an_unknown_id_is_told_with_three_that_are_known():
    with pytest.raises(InputError) as told:
        golden.load("elman-squared-eror")
    near = str(told.value).partition("such as ")[2].split(", ")
    assert near[0] == "elman-squared-error" and len(near) == 3
    every = sorted(c.id for c in golden.cases() + golden.cases("refused"))
    long = "?" * 61
    with pytest.raises(InputError) as told:
        golden.load(long)
    first = ", ".join(every[:3])
    assert str(told.value) == f"id is {long[:60]!r}; expected a golden case, such as {first}"
    near = "q" * 59 + "linear"  # all but the first 60 letters are not read
    with pytest.raises(InputError, match="such as attention"):
        golden.load(near)


@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_works_as_a_parametrized_test(case):
    assert str(case) == case.id
    assert parse(case.document).id == case.id


def test_a_case_that_must_be_refused_has_no_values_and_passes_without():
    (case,) = golden.cases("refused")
    assert str(case) not in map(str, golden.cases())
    assert case.expected == {} and "every sample of the batch" in case.refused
    with pytest.raises(InputError, match=r"batch-norm-training must be refused\. Each loss"):
        case.build()
    report = golden.check(case, {})
    assert str(report) == "batch-norm-training (no values): passed, refused as it must be"
    with pytest.raises(
        golden.ConformanceError, match=r"losses given, where it must be refused\. E"
    ):
        golden.check(case, {"losses": np.zeros(4)})


def spoil(thing):
    """Change everything that can be changed, all the way down."""
    if isinstance(thing, np.ndarray):
        thing[...] = 7
    elif isinstance(thing, dict):
        for part in thing.values():
            spoil(part)
        thing.clear()
    elif isinstance(thing, list):
        for part in thing:
            spoil(part)
        thing.clear()


@pytest.mark.parametrize("case", golden.cases("weighted") + golden.cases("groups")[:1], ids=str)
def test_a_spoiled_case_leaves_the_next_load_as_it_was(case):
    fresh = repr(vars(golden.load(case.id)))
    spoiled = [golden.load(case.id), *golden.cases()]
    for other in spoiled:
        for part in vars(other).values():
            spoil(part)
    assert leaves(spoiled[0].expected) == []
    for again in (golden.load(case.id), next(c for c in golden.cases() if c.id == case.id)):
        assert repr(vars(again)) == fresh
    assert golden.check(golden.load(case.id), case.expected).passed


def test_flags_and_mistakes_are_handed_out_as_copies():
    for table in (golden.flag_reasons, golden.mistakes):
        n = len(table())
        table().clear()
        assert len(table()) == n > 10


def test_a_large_case_selects_its_samples_and_entries_and_nothing_twice():
    case = golden.load("large-mlp2-tanh")
    name, samples = "layer1.weight", case.selected["samples"]
    rows, columns = np.array(case.selected["entries"][name]).T
    shape = case.params[name].shape
    full = np.arange(float(len(case.x) * np.prod(shape))).reshape(len(case.x), *shape)
    some = full[samples][:, rows, columns]
    for quantity, array, selected in (
        ("losses", full[:, 0, 0], full[samples, 0, 0]),
        ("per_sample_gradients", full, some),
        ("mean", full[0], full[0, rows, columns]),
        ("mean", full, full),  # of another shape: as it is, and so is what is selected already
        ("per_sample_gradients", some, some),
        ("losses", full[:3, 0, 0], full[:3, 0, 0]),
    ):
        got = case.select(quantity, "" if quantity == "losses" else name, array)
        np.testing.assert_array_equal(got, selected)
    assert case.select("coherence", "", full) is full
    assert golden.load("linear").select("losses", "", full) is full


def test_outputs_are_those_of_y_or_of_the_last_layer_that_has_some():
    n_outputs = {id: golden.load(id).n_outputs for id in ("linear", "linear-multi-output")}
    for id, n in n_outputs.items():
        case = golden.load(id)
        assert n == case.y.shape[1] == case.params["linear.weight"].shape[1]
    assert golden.load("large-softmax").n_outputs == 10
    assert golden.load("large-mlp2-tanh").n_outputs == 5
