import math

from gsnr_ref.claims import Claim


def test_a_nan_agrees_with_nothing_and_breaks_nothing():
    claim = Claim("", "-", math.nan, 1.0, 1.0, "")
    assert not claim.holds
    assert not claim.as_expected
    assert Claim("", "-", math.nan, 1.0, 1.0, "", control=True).verdict == "NOT BROKEN"


def test_a_difference_of_exactly_the_bound_holds():
    assert Claim("", "-", 3.0, 1.0, 2.0, "").holds
    assert not Claim("", "-", 3.0, 1.0, 2.0, "", control=True).as_expected
