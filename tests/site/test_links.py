"""Pages, their links and what they must name. Needs the extra docs, and no browser."""

import doctest
import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

import gsnr_ref
import gsnr_ref.golden
import toy_models
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.experiments.registry import EXPERIMENTS
from tests.site.pages import Page, Site

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "docs" / "_extensions"
FACES = (gsnr_ref, gsnr_ref.closed_form, gsnr_ref.related, gsnr_ref.golden, toy_models)


@pytest.fixture(scope="module")
def extensions():
    """Imports an extension of the documentation by name."""
    pytest.importorskip("sphinx", reason="needs the extra docs")
    sys.path.insert(0, str(EXTENSIONS))
    yield importlib.import_module
    sys.path.remove(str(EXTENSIONS))


def test_it_is_built_from_clean_in_five_minutes(built):
    assert built.seconds is None or built.seconds < 300


def test_every_link_leads_to_a_file_and_an_anchor(built):
    assert len(built.pages) > 200
    broken = {name: built.broken(name) for name in built.pages}
    assert {name: links for name, links in broken.items() if links} == {}


def test_a_planted_broken_link_is_found(tmp_path):
    text = '<a href="#here">a</a><a href="#gone">b</a><a href="no.html">c</a><p id="here"></p>'
    (tmp_path / "a.html").write_text(text)
    assert Site(tmp_path).broken("a.html") == ["#gone: no such anchor", "no.html: no such file"]


def test_every_public_name_has_a_page_and_its_face_leads_there(built):
    for face in FACES:
        short = face.__name__.removeprefix("gsnr_ref.")
        links = set(built.pages[f"reference/{short}.html"].links)
        for name in face.__all__:
            if inspect.ismodule(getattr(face, name)):
                continue
            assert f"{short}/{name}.html" in links, name
            assert (
                f"{face.__name__}.{name}" in built.pages[f"reference/{short}/{name}.html"].anchors
            )


def test_groups_of_the_reference_are_those_of_the_lists_of_names(extensions):
    groups = extensions("public_names").groups(gsnr_ref)
    assert list(groups)[:3] == [
        "What a user brings",
        "Gradients of samples, equation 1",
        "Their mean and variance",
    ]
    listed = [name for names in groups.values() for name in names]
    assert listed == [n for n in gsnr_ref.__all__ if not inspect.ismodule(getattr(gsnr_ref, n))]


def test_every_equation_has_a_line_with_code(built, extensions):
    functions = extensions("equations").FUNCTIONS
    assert set(EQUATIONS) | {"23", "24", "25"} == set(functions)
    page = built.pages["equations.html"]
    assert {f"equation-{number}" for number in functions} <= page.anchors
    text = (built.folder / "equations.html").read_text(encoding="utf-8")
    for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL)[1:]:
        number = re.search(r'id="equation-([\d.]+)"', row)[1]
        assert re.search(r'href="code/[\w/]+\.html#line-\d+"', row) or number in ("23", "24")
        assert 'href="reference/' in row, number


def test_every_formula_with_a_number_leads_to_its_line_and_back(built, extensions):
    equations = extensions("equations")
    at = equations.homes(ROOT / "docs")
    for number, page in at.items():
        assert number in equations.FUNCTIONS, f"{page} has a \\tag{{{number}}} that is none"
        assert f"equation-{number}" in built.pages[f"{page}.html"].anchors
        assert f"{page}.html#equation-{number}" in built.pages["equations.html"].links
        up = "../" * page.count("/")
        assert f"{up}equations.html#equation-{number}" in built.pages[f"{page}.html"].links


def test_code_that_cites_an_equation_leads_to_its_line(built, extensions):
    for number, places in extensions("equations").lines_of_code().items():
        for file, line in places:
            page = built.pages[f"code/{file.removesuffix('.py')}.html"]
            assert f"line-{line}" in page.anchors
            assert any(link.endswith(f"equations.html#equation-{number}") for link in page.links)


def test_the_core_has_a_line_for_every_equation_that_it_computes(extensions):
    equations = extensions("equations")
    none = {number for number, places in equations.lines_of_code().items() if not places}
    assert none <= {"10", "11", "12", "13", "14", "23", "24", "3.7", "4.3", "4.8"}


def test_every_experiment_is_told_with_its_settings(built):
    page = built.pages["reference/experiments.html"]
    text = (built.folder / "reference" / "experiments.html").read_text(encoding="utf-8")
    figures = (ROOT / "docs" / "howto" / "figures.md").read_text(encoding="utf-8")
    for name, experiment in EXPERIMENTS.items():
        assert name in page.anchors
        assert f"gsnr-ref reproduce {name}" in figures
        for setting in experiment.settings("default"):
            assert f">{setting}<" in text, (name, setting)


def test_every_option_of_the_command_line_is_told(built, extensions):
    text = (built.folder / "reference" / "command_line.html").read_text(encoding="utf-8")
    commands = dict(extensions("public_names").parsers())
    assert {"gsnr-ref verify", "gsnr-ref golden check", "gsnr-ref reproduce"} <= set(commands)
    for name, parser in commands.items():
        assert f"<h2>{name}<" in text
        for option in (o for action in parser._actions for o in action.option_strings):
            assert f">{option}<" in text, (name, option)


def test_nothing_is_written_as_a_shell_would_not_take_it():
    """Every command line in the pages is one that the parser knows."""
    from gsnr_ref import cli

    named = set()
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", path.read_text(), re.M | re.S):
            named |= set(re.findall(r"^ *(gsnr-ref [^#\n]*?) *(?:#.*)?$", block, re.M))
    assert len(named) > 15
    for line in sorted(named):
        cli._parser(line.split()[1:]).parse_args(line.split()[1:])


def test_no_request_leaves_the_site(built):
    """Nothing that a page loads by itself has an address elsewhere."""
    loads = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)="(https?:)?//')
    for path in built.folder.rglob("*.html"):
        assert not loads.search(path.read_text(encoding="utf-8")), path
    for path in built.folder.rglob("*.css"):
        assert not re.search(r"url\(.?https?:|@import", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    "name", ["formulas", "math_font", "equations", "code_pages", "public_names", "tidy"]
)
def test_examples_of_the_extensions(name, extensions):
    assert doctest.testmod(extensions(name)).failed == 0


def test_what_is_no_formula_is_told(extensions):
    formulas = extensions("formulas")
    assert Page(formulas.mathml(r"\frac{a}{b} \tag{1}", display=True)).n_formulas == 1
    with pytest.raises(formulas.LatexError):
        formulas.mathml(r"\nosuchcommand", display=False)
