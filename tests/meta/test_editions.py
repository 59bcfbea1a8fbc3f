"""Both editions of a page have the same equations, numbers and code, in the same order.

A page of ``docs/zh`` is the Chinese edition of the page of the same name in ``docs``; its first
page is that of the README, with less to it. Free are the words, what comments in code say, and
notes that the Chinese edition adds (``:::{admonition}``), which may use no number that the page
has not.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHINESE = ROOT / "docs" / "zh"
FIRST = CHINESE / "index.md"
PAGES = [page for page in sorted(CHINESE.rglob("*.md")) if page != FIRST]
NOTE = re.compile(r"^:::\{admonition\}.*?^:::\n", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(
    r"^```\{math\}\n(?::label: [^\n]*\n\n?)?(.*?)^```$|\$\$(.*?)\$\$", re.MULTILINE | re.DOTALL
)
INLINE = re.compile(r"\$([^$]+)\$")
NUMBER = re.compile(r"\d+(?:[.,/]\d+)*|[½¼¾⅓⅔]")
STATES = re.compile(r"[\d=<>]|\\(le|ge|ne|to|in)\b")
#: What a page is built of.
PARTS = {
    "heading": re.compile(r"^(#+) ", re.MULTILINE),
    "code": CODE,
    "formula": FORMULA,
    "picture": re.compile(r"^```\{figure\} (?:.*/)?(\S+)$", re.MULTILINE),
    "folded": re.compile(r"^(````)\{dropdown\}", re.MULTILINE),
    "item": re.compile(r"^(- |\d+\. )", re.MULTILINE),
    "row": re.compile(r"^(\|.*\|)$", re.MULTILINE),
    "exercise": re.compile(r"^\*\*(\d+\.\d+)\*\* ", re.MULTILINE),
}


def english(page):
    """The page of which this one is the Chinese edition."""
    return ROOT / "docs" / page.relative_to(CHINESE)


def without_comment(code):
    """Code without what its comments say, which may be in either language."""
    return re.sub(r"^((?:>>>|\.\.\.) .*?)  # .*$", r"\1", code, flags=re.MULTILINE)


def build(text):
    """All parts of a page in their order, each with what must be the same in both editions."""
    found = []
    for kind, pattern in PARTS.items():
        for match in pattern.finditer(text):
            content = next(group for group in match.groups()[::-1] if group is not None)
            if kind == "code":
                content = without_comment(content)
            if kind == "row":
                content = content.count("|")
            found.append((match.start(), kind, content))
    return [(kind, content) for _, kind, content in sorted(found)]


def sections(text):
    """The prose of each section: without code and displayed formulas, which `build` compares."""
    return re.split(r"^##+ ", FORMULA.sub("", CODE.sub("", text)), flags=re.MULTILINE)


def numbers(prose):
    """Every number in a section's words, and every formula in its lines that states something."""
    prose = re.sub(r"\]\([^)]*\)", "]", prose)
    prose = re.sub(r"^```\{figure\} [^\n]*|^```\{toctree\}.*?^```$", "", prose, flags=re.M | re.S)
    formulas = {" ".join(formula.split()) for formula in INLINE.findall(prose)}
    stated = {formula for formula in formulas if STATES.search(formula)}
    return stated | set(NUMBER.findall(INLINE.sub("", prose)))


def differences(one, other):
    """Where the Chinese edition of a page, the second, is out of step with the English one."""
    notes, other = "".join(NOTE.findall(other)), NOTE.sub("", other)
    found = []
    for mine, yours in zip(build(one), build(other), strict=False):
        if mine != yours:
            found.append(f"{mine} against {yours}")
            break
    if len(build(one)) != len(build(other)):
        found.append(f"{len(build(one))} parts against {len(build(other))}")
    for mine, yours in zip(sections(one), sections(other), strict=False):
        heading = mine.splitlines()[0]
        found += [f"{heading}: {what} is missing" for what in numbers(mine) - numbers(yours)]
        found += [f"{heading}: {what} is new" for what in numbers(yours) - numbers(mine)]
    new = set(NUMBER.findall(notes)) - set(NUMBER.findall(one))
    return found + [f"a note says {what}, the page does not" for what in new]


def test_every_chapter_has_its_chinese_edition():
    book = {path.name for path in (ROOT / "docs" / "book").glob("*.md")}
    assert {path.name for path in PAGES if path.parent.name == "book"} == book


def test_the_first_page_shows_what_the_readme_and_the_english_one_do():
    text, readme = FIRST.read_text(), (ROOT / "README.md").read_text()
    commands, result = (content for kind, content in build(text) if kind == "code")
    assert [("code", commands), ("code", result)] == build(readme.split("\n## ")[0])[-2:]
    formulas = [part for part in build(text) if part[0] == "formula"]
    assert formulas == [part for part in build(english(FIRST).read_text()) if part[0] == "formula"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_both_editions_are_in_step(page):
    assert differences(english(page).read_text(), page.read_text()) == []


@pytest.mark.parametrize(
    ("pattern", "planted", "told"),
    [
        (r"\\tfrac\{15\}\{19\}", r"\\tfrac{15}{17}", r"With a pencil: .*15.*17.* is new"),
        (r"斜率是 15/19", "斜率是 15/17", "15/17 is new"),
        (r"抽 \d+ 份", "抽 7 份", "When training sets cannot be counted: 7 is new"),
        (r"\+ O\(\\lambda\^2\), \\tag\{12\}", r"\\tag{12}", r"\('formula', .* against \('formula'"),
        (r"^R = 15/19$", "R = 77/57", r"\('code', .* against \('code'"),
        (r"^## 习题\n", "", "parts against"),
        (r"后者是 77/57", "后者是 77/58", "a note says 77/58, the page does not"),
    ],
)
def test_a_page_that_is_out_of_step_is_told(pattern, planted, told):
    page = CHINESE / "book" / "04-two-decreases.md"
    text, count = re.subn(pattern, planted, page.read_text(), flags=re.MULTILINE)
    assert count >= 1
    assert any(re.search(told, one) for one in differences(english(page).read_text(), text))


def test_a_comment_may_be_in_either_language():
    one, other = (f"# A\n```python\n>>> print(1)  # {word}\n1\n```\n" for word in ("one", "一"))
    assert differences(one, other) == []
