"""Every chapter of the book has all its parts, in one order, and each equation has one home."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gsnr_ref.claims.equations import EQUATIONS

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "docs" / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.md"))
ESTIMATES = {"23", "24", "25"}  # of the paper; nothing to claim
PARTS = ["The equation", "With a pencil", "The claim, run", "Exercises", "In three lines"]
FENCE = re.compile(r"^(`{3,4})(\{?\w+\}?)(?: (.*?))?\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


def section(text, heading):
    """What stands under a heading of the second level."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def dropdowns(text):
    """Title and content of what is folded."""
    return [(title, body) for _, kind, title, body in FENCE.findall(text) if kind == "{dropdown}"]


def lacks(text):
    """What a chapter has not, or not in its place."""
    found = []
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if [h for h in headings if h in PARTS] != PARTS or headings[:3] != PARTS[:3]:
        return ["parts in order"]
    idea = text.split("## The equation")[0]
    if len(re.split(r"```{figure}", idea)[0].split("\n\n")) < 3:
        found.append("idea in words before the picture")
    pictures = re.findall(r"```{figure} (\S+)\n:alt: (.+)\n\n(.+?)\n```", idea, re.DOTALL)
    if len(pictures) != 1 or min(len(words) for words in pictures[0][1:]) < 60:
        found.append("one picture, what it shows in words, and a caption")
    equation = section(text, "The equation")
    if r"\tag{" not in equation or ":label: eq-" not in equation:
        found.append("equation")
    if not re.search(r"^\| symbol \| meaning \| shape \| in the code \|$", equation, re.MULTILINE):
        found.append("table of symbols and shapes")
    if not any(title.startswith("Proof") for title, _ in dropdowns(equation)):
        found.append("proof")
    if ">>> " not in section(text, "With a pencil"):
        found.append("example that runs")
    claim = section(text, "The claim, run")
    if "EQUATIONS[" not in claim or "claim.left" not in claim or "claim.right" not in claim:
        found.append("claim with two sides printed")
    exercises = section(text, "Exercises")
    numbers = re.findall(r"^\*\*(\d+\.\d+)\*\* ", exercises, re.MULTILINE)
    answers = [body for title, body in dropdowns(exercises) if title == "Answer"]
    chapter = re.match(r"# (\d+)\. ", text)[1]
    if not 2 <= len(numbers) <= 3 or numbers != [f"{chapter}.{k + 1}" for k in range(len(numbers))]:
        found.append("two or three exercises, numbered")
    if len(answers) != len(numbers) or not all(">>> " in body for body in answers):
        found.append("a tested answer for each exercise")
    if [line[:2] for line in section(text, "In three lines").strip().splitlines()] != ["- "] * 3:
        found.append("summary of three lines")
    return found


def test_there_are_twelve_chapters_and_the_contents_list_them():
    assert [int(path.name[:2]) for path in CHAPTERS] == list(range(1, 13))
    contents = (BOOK / "index.md").read_text()
    listed = re.findall(r"^(\d\d-[\w-]+)$", contents, re.MULTILINE)
    assert listed == [path.stem for path in CHAPTERS]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_all_its_parts(path):
    assert lacks(path.read_text()) == []


@pytest.mark.parametrize(
    ("pattern", "lacking"),
    [
        (r"^## With a pencil$", "parts in order"),
        (r"^:alt: .*\n", "one picture, what it shows in words, and a caption"),
        (r"^\| symbol .*\n", "table of symbols and shapes"),
        (r"dropdown} Proof that", "proof"),
        (r"claim\.left", "claim with two sides printed"),
        (r"\*\*2\.2\*\*", "two or three exercises, numbered"),
        (r"^>>> ten = .*\n>>> print.*\n", "a tested answer for each exercise"),
        (r"^- .*\n\Z", "summary of three lines"),
    ],
)
def test_a_part_that_is_taken_away_is_missed(pattern, lacking):
    text = (BOOK / "02-gsnr.md").read_text()
    planted, count = re.subn(pattern, "", text, flags=re.MULTILINE)
    assert count == 1
    assert lacking in lacks(planted)


def test_each_equation_has_one_home_and_the_contents_say_which():
    homes = {}
    for path in CHAPTERS:
        for tag in re.findall(r"\\tag{(.*?)}", path.read_text()):
            for number in tag.split(", "):
                homes.setdefault(number, []).append(path.name)
    assert set(homes) == set(EQUATIONS) | ESTIMATES
    assert {number for number, pages in homes.items() if len(pages) > 1} == set()
    rows = re.findall(
        r"^\| ([\d., ]+) \| \[.*\]\((.*)\) \|$", (BOOK / "index.md").read_text(), re.MULTILINE
    )
    told = {number: [page] for numbers, page in rows for number in numbers.split(", ")}
    assert told == homes


def test_a_label_is_that_of_its_tag():
    for path in CHAPTERS:
        for kind, body in ((k, b) for _, k, _, b in FENCE.findall(path.read_text())):
            if kind == "{math}":
                label = re.search(r"^:label: eq-(.*)$", body, re.MULTILINE)[1]
                assert re.search(r"\\tag{(.*?)}", body)[1].split(", ")[0] == label


def pictures():
    """The module that draws, which belongs to the documentation and to no package."""
    spec = importlib.util.spec_from_file_location("book_pictures", BOOK / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """All pictures in both languages: name to texts, of each."""
    module, texts = pictures(), {}
    for language in ("en", "zh"):
        folder = tmp_path_factory.mktemp(language)
        for file in module.draw(folder, language):
            root = ElementTree.parse(file).getroot()
            assert file.stat().st_size < 100_000
            texts[language, file.stem] = [
                "".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")
            ]
    return texts


def test_every_chapter_shows_the_picture_that_bears_its_number(drawn):
    for path in CHAPTERS:
        (shown,) = re.findall(r"{figure} _pictures/(\S+)\.svg", path.read_text())
        assert shown[:2] == path.name[:2]
        assert ("en", shown) in drawn
        assert ("zh", shown) in drawn
    assert len(drawn) == 2 * len(CHAPTERS)


def test_text_of_pictures_is_text_and_translated(drawn):
    for name in {name for _, name in drawn}:
        english, chinese = ("".join(drawn[language, name]) for language in ("en", "zh"))
        assert len(english) > 3
        assert not re.search(r"[\u4e00-\u9fff]", english)
        words = re.findall(r"[a-z]{4,}", english)
        assert (english != chinese) == bool(words), name
        assert not re.search(r"[a-z]{4,}", chinese), name


def test_a_language_that_nobody_drew_for_is_refused(tmp_path):
    with pytest.raises(ValueError, match="language is 'fr'; expected 'en' or 'zh'"):
        pictures().draw(tmp_path, "fr")
