import json
from fractions import Fraction

from gsnr_ref.claims import Claim, Settings, as_json, table


def test_json_keeps_every_claim():
    claims = [Claim("a", "22", Fraction(1, 3), Fraction(1, 3), 0.0, "exact")]
    row = json.loads(as_json(claims, Settings()))["claims"][0]
    assert (row["left"], row["verdict"]) == ("1/3", "holds")


def test_a_long_fraction_is_shortened_in_the_table():
    long = Fraction(10**30 + 1, 3 * 10**30)
    assert "0.333333 (fraction)" in table([Claim("a", "22", long, long, 0.0, "exact")])


def test_columns_stand_below_each_other_where_a_tilde_takes_no_width():
    claims = [Claim(name, "1", 0.0, 0.0, 0.0, "why") for name in ("g\u0303 = 0", "h = 0")]
    tilde, plain = table(claims).splitlines()[2:]
    assert tilde.replace("g\u0303", "g").index(" 1 ") == plain.index(" 1 ")
