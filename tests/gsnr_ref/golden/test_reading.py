"""Files of strangers: what is said of them is short."""

import pytest

from gsnr_ref import InputError
from gsnr_ref.golden.reading import printable, refuse


@pytest.mark.parametrize(("length", "end"), [(600, ""), (601, " ...")])
def test_600_letters_of_what_is_wrong_are_told(length, end):
    with pytest.raises(InputError) as told:
        refuse("FILE", "x" * length)
    assert str(told.value) == "FILE: " + "x" * 600 + end


def test_only_what_does_not_print_is_escaped():
    assert printable("½ θ²\x1b\ud800") == "½ θ²\\x1b\\ud800"
