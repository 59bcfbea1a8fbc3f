"""Golden cases are found by id, by flag and by quantity."""

import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.golden.case import parse


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
