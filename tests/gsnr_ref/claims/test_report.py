import json
import re
from fractions import Fraction
from unicodedata import combining

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref.claims import Claim, Settings, as_json, table
from gsnr_ref.claims.report import fitted_table


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


def width(line):
    return sum(not combining(character) for character in line)


numbers = st.floats(allow_nan=True) | st.fractions(0, 10**9)
claims = st.builds(
    Claim,
    st.sampled_from(["E g_D·g\u0303 = ‖g\u0303‖²", "a", "Control: " + "word " * 20, "x" * 70]),
    st.sampled_from(["-", "22", "10-14"]),
    left=numbers,
    right=st.just(1.0),
    error_bound=st.floats(0, 1),
    explanation=st.sampled_from(["exact", "4 standard errors of 100 draws"]),
    case=st.sampled_from(["", "digits/softmax", "rational/linear, p = 0.333"]),
    n=st.none() | st.integers(1, 10**6),
    learning_rate=st.sampled_from([None, 1e-4, Fraction(1, 10), "-> 0"]),
    control=st.booleans(),
)


@given(st.lists(claims, max_size=4), st.integers(20, 300))
def test_the_table_fits_a_terminal_of_any_width(claims, columns):
    lines = list(fitted_table(claims, columns))
    assert max(map(width, lines)) <= columns
    assert len(lines) >= 2 + len(claims)


@pytest.mark.parametrize("columns", [40, 80, 120, 265])
def test_what_finds_no_column_stands_below_the_claim(columns):
    claim = Claim("a b", "10-14", 0.123456789, 8.5, 0.25, "why", "digits/mlp", 77, 1e-3)
    text = " ".join(" ".join(fitted_table([claim], columns)).split())
    for value in ("a b", "10-14", "digits/mlp", "0.123", "8.5", "8.4", "0.25", "77", "0.001"):
        assert value in text
    assert "FAILS" in text
    assert ("why" in text) == (columns == 265)


def test_each_claim_is_printed_as_soon_as_it_is_there():
    def claims():
        yield Claim("first", "-", 1.0, 1.0, 0.0, "exact")
        raise RuntimeError("the second is not asked for yet")

    lines = fitted_table(claims(), 80)
    assert any("first" in next(lines) for _ in range(5))


def test_only_the_verdict_is_coloured():
    claims = [Claim(name, "-", 1.0, right, 0.0, "exact") for name, right in (("a", 1), ("b", 2))]
    plain, coloured = (list(fitted_table(claims, 80, coloured=c)) for c in (False, True))
    text = "\n".join(coloured)
    assert re.findall(r"\x1b\[([0-9;]+)m(.+?)\x1b\[0m", text) == [
        ("32", "holds"),
        ("1;31", "FAILS"),
    ]
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == "\n".join(plain)
