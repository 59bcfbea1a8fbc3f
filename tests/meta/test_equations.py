"""The equations in the claims, the docs and the code are one list."""

import re
from pathlib import Path

import pytest

from gsnr_ref.claims.equations import EQUATIONS

ROOT = Path(__file__).parents[2]
ESTIMATORS = {"25"}  # a formula for estimates: nothing to claim, equal to nothing exactly


def test_statements_are_numbered_without_a_gap():
    for first, last in ((3, 10), (4, 12)):
        expected = [f"{first}.{k}" for k in range(1, last + 1)]
        assert [e for e in EQUATIONS if e.startswith(f"{first}.")] == expected


def test_the_docs_list_every_claim():
    listed = re.findall(
        r"^\| ([\d.]+) \| (.*) \| (.*) \|$", (ROOT / "docs/claims.md").read_text(), re.MULTILINE
    )
    expected = [
        (equation, check.__doc__, ", ".join("/".join(case) for case in cases))
        for equation, checks in EQUATIONS.items()
        for check, cases in checks
    ]
    assert listed == expected


def test_every_equation_that_the_code_cites_is_claimed():
    source = "".join(p.read_text() for p in (ROOT / "gsnr_ref").rglob("*.py"))
    cited = set(re.findall(r"[Ee]quations? (\d+)\b", source))
    cited |= set(re.findall(r"[Ee]quations \d+(?:, \d+)* and (\d+)\b", source))
    assert cited <= set(EQUATIONS) | ESTIMATORS
    assert {"1", "2", "5", "21", "22", "25", "28"} <= cited


@pytest.mark.parametrize("equation", EQUATIONS)
def test_each_claim_gives_its_own_number_and_one_line(equation):
    for check, _ in EQUATIONS[equation]:
        assert check.__doc__.strip()
        assert "\n" not in check.__doc__
