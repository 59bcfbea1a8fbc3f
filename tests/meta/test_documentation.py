"""Every public name is documented with an example, and every code block is one that runs."""

import importlib.util
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import gsnr_ref
import gsnr_ref.golden
import toy_models

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("book/*.md"))]
FACES = (gsnr_ref, gsnr_ref.closed_form, gsnr_ref.related, gsnr_ref.golden, toy_models)
NAMES = [
    (face, name)
    for face in FACES
    for name in face.__all__
    if not inspect.ismodule(getattr(face, name))
]
PAGES += sorted((ROOT / "docs" / "howto").glob("*.md"))
NO_EXAMPLE = {
    "InputError",
    "RangeError",
    "PrecisionWarning",
    "CoverageWarning",
    "ConformanceError",
    "QUANTITIES",
}


def problems(thing, needs_example=True):
    """What a public name's docstring lacks."""
    text = inspect.getdoc(thing) or ""
    lacks = []
    if not text:
        return ["docstring"]
    if needs_example and ">>> " not in text:
        lacks.append("example")
    if inspect.isfunction(thing):
        takes = inspect.signature(thing).parameters
        lacks += [p for p in takes if not re.search(rf"\b{p}\b", text)]
        if "Returns\n---" not in text:
            lacks.append("Returns")
    return lacks


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda v: getattr(v, "__name__", v))
def test_public_names_have_docstrings_with_examples(module, name):
    thing = getattr(module, name)
    assert problems(thing, needs_example=name not in NO_EXAMPLE) == []
    if inspect.isclass(thing):
        methods = inspect.getmembers(thing, inspect.isfunction)
        public = {k: v for k, v in methods if not k.startswith("_")}
        assert {k: v for k, v in public.items() if not inspect.getdoc(v)} == {}


def test_a_planted_gap_is_found():
    def bare(x):
        pass

    def silent(x):
        """Do something."""

    assert problems(bare) == ["docstring"]
    assert problems(silent) == ["example", "x", "Returns"]


def test_the_picture_of_the_idea_is_the_one_that_its_code_draws():
    spec = importlib.util.spec_from_file_location("idea", ROOT / "docs" / "idea.py")
    idea = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(idea)
    drawn, kept = idea.picture(), (ROOT / "docs" / "idea.svg").read_text(encoding="utf-8")
    numbers = [[float(x) for x in re.findall(r"-?\d+\.?\d*", text)] for text in (drawn, kept)]
    words = [re.sub(r"-?\d+\.?\d*", "", text) for text in (drawn, kept)]
    assert words[0] == words[1]
    assert np.allclose(*numbers, rtol=0, atol=0.11)  # a tenth of a pixel, as it is rounded
    assert "by 0.50 of" in kept
    assert "by 0.94 of" in kept


def test_the_readme_begins_with_the_idea_a_picture_two_commands_and_a_result():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    above = text.partition("\n## ")[0]
    idea, _, rest = above.partition("![")
    assert len(re.findall(r"\.(?=\s|$)", idea.replace("R = 1 −", ""))) == 3  # sentences
    assert rest.partition(")")[0].endswith("(docs/idea.svg")
    (commands,) = re.findall(r"```sh\n(.*?)```", above, re.DOTALL)
    assert len(commands.splitlines()) == 2
    (result,) = re.findall(r"```text\n(.*?)```", above, re.DOTALL)
    whole = " ".join(text.split())
    for line in result.splitlines()[1:]:  # each is a line of the whole table, less a column
        left, right = line.split()[-5:-3]
        assert re.search(rf"{left} +{right}", whole)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_python_block_is_a_doctest(page):
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for kind, block in blocks:
        if kind in ("python", "pycon"):
            assert block.startswith(">>> ")
            assert block.endswith("\n\n"), "doctest would read the closing fence as output"


def test_every_test_that_the_docs_name_is_there():
    named = {
        (path, name)
        for page in PAGES
        for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", page.read_text())
    }
    assert len(named) > 40
    for path, name in sorted(named):
        file = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "gsnr_ref" / path
        assert f"\ndef {name}(" in file.read_text(), f"{path}::{name}"
