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
