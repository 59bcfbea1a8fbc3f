"""Every public name is documented with an example, and every code block is one that runs."""

import inspect
import re
from pathlib import Path

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


def test_the_reference_lists_every_public_name_once():
    text = (ROOT / "docs" / "reference.md").read_text()
    listed = re.findall(r"^\.\. auto(?:class|function|exception|data):: (\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(name for _, name in NAMES)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
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
