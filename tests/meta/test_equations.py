"""The equations in the claims, the docs and the code are one list."""

import re
from pathlib import Path

import pytest

from gsnr_ref.claims.equations import EQUATIONS

ROOT = Path(__file__).parents[2]
ESTIMATORS = {"25"}  # a formula for estimates: nothing to claim, equal to nothing exactly

#: Page -> the statements beyond the paper's assumption that it derives.
REUSE = {
    "reuse": ("4.1", "4.2", "4.3", "4.4", "4.7", "4.8", "4.9"),
    "reuse_law": ("4.5", "4.11"),
    "gap": ("4.6", "4.10"),
    "without_a_test_set": ("4.12",),
}


def test_every_statement_on_reuse_is_claimed_and_derived_under_a_heading_of_its_own():
    expected = [f"4.{k}" for k in range(1, 13)]
    assert [e for e in EQUATIONS if e.startswith("4.")] == expected
    assert (
        sorted((e for numbers in REUSE.values() for e in numbers), key=expected.index) == expected
    )
    for page, numbers in REUSE.items():
        text = (ROOT / f"docs/{page}.md").read_text()
        assert re.findall(r"^## .* \((4\.\d+)\)$", text, re.MULTILINE) == list(numbers)
        assert set(re.findall(r"\\tag{(4\.\d+)}", text)) == set(numbers)
        assert "## Where it ends" in text


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


def test_every_equation_has_its_place_in_the_docs():
    pages = "".join((ROOT / f"docs/{p}.md").read_text() for p in ("derivation", "exact_answers"))
    for equation in EQUATIONS.keys() - {e for numbers in REUSE.values() for e in numbers}:
        if equation in ("10", "11", "12", "13", "14"):
            assert "(10–14)" in pages
        else:
            e = re.escape(equation)
            pattern = rf"\({e}\)|^## (Equation )?{e}\b|\btag{{.*\b{e}\b"
            assert re.search(pattern, pages, re.MULTILINE), equation


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
