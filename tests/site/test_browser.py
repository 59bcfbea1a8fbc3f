"""The site in a real browser, read from the file system: nothing is asked of the network."""

import re

import pytest

pytestmark = pytest.mark.site

#: Text of a page without code: what is left of TeX there was not translated.
PROSE = """
const body = document.querySelector("article").cloneNode(true);
body.querySelectorAll("pre, code, math, .literal, .sig").forEach(e => e.remove());
return body.textContent;
"""
TEX = re.compile(r"\\[A-Za-z]{2,}|\$[^$\n]{1,80}\$|\\\(|\\\[")


def test_every_page_is_read_without_the_network_and_without_an_error(built, browser):
    for name in [*built.written, "search.html", "code/gsnr_ref/osgr/predicted.html"]:
        browser.open(built.folder / name)
        asked = browser.requests()
        assert asked, name
        assert [a for a in asked if not a.startswith(("file:", "data:", "about:"))] == [], name
        assert browser.console() == [], name


def test_no_page_shows_tex_and_every_formula_is_drawn(built, browser):
    n_formulas = 0
    for name in built.written:
        if built.pages[name].n_formulas or "notation" in name or name in ("index.html",):
            browser.open(built.folder / name)
            browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert not TEX.search(browser.run(PROSE)), (name, TEX.search(browser.run(PROSE)))
            sizes = browser.run(
                "return [...document.querySelectorAll('math')].map("
                "m => { const r = m.getBoundingClientRect(); return r.width * r.height; })"
            )
            assert len(sizes) == built.pages[name].n_formulas
            assert all(size > 0 for size in sizes), name
            n_formulas += len(sizes)
    assert n_formulas > 100


@pytest.mark.parametrize("text", [r"so \frac12 of it", "the $r$ of it"])
def test_tex_that_is_left_is_found(text):
    assert TEX.search(text)


def test_no_page_is_wider_than_a_phone_and_the_way_around_is_at_its_top(built, browser):
    browser.resize(400)
    wide = {}
    for name in [*built.written, "code/gsnr_ref/osgr/predicted.html"]:
        browser.open(built.folder / name)
        if browser.overflow() > 0:
            wide[name] = browser.overflow()
        top = browser.run(
            "return document.querySelector('header label[for=__navigation]')"
            ".getBoundingClientRect().top"
        )
        assert 0 <= top < 60, name
    assert wide == {}


def test_the_menu_opens_on_a_phone(built, browser):
    browser.resize(400)
    browser.open(built.folder / "index.html")
    left = "return document.querySelector('.sidebar-drawer').getBoundingClientRect().right"
    assert browser.run(left) <= 0
    browser.run("document.querySelector('header label[for=__navigation]').click()")
    for _ in range(50):
        if browser.run(left) > 100:
            break
    browser.run("return new Promise(done => setTimeout(done, 500))")
    assert browser.run(left) > 100
    links = browser.run(
        "return [...document.querySelectorAll('.sidebar-drawer a')].map(a => a.textContent)"
    )
    assert "Notation" in links


def test_the_first_page_weighs_less_than_a_megabyte(built, browser):
    browser.resize(1400)
    browser.open(built.folder / "index.html")
    files = {a.removeprefix("file://").partition("?")[0] for a in browser.requests()}
    weights = {f: (built.folder / f).stat().st_size for f in files if f.startswith("/")}
    assert len(weights) > 3
    assert sum(weights.values()) < 1_000_000


def test_search_finds_a_name_and_a_word(built, browser):
    for word in ("predicted_osgr", "coherence"):
        browser.open(f"file://{built.folder}/search.html?q={word}")
        for _ in range(40):
            found = browser.run("return document.querySelectorAll('#search-results li').length")
            if found:
                break
            browser.run("return new Promise(done => setTimeout(done, 100))")
        assert found > 0, word


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_formulas_stand_out_in_light_and_dark(built, browser, scheme):
    browser.prefer(color_scheme=scheme)
    browser.resize(1400)
    browser.open(built.folder / "index.html")
    colours = browser.run(
        "const of = (e, k) => getComputedStyle(document.querySelector(e))[k];"
        "return [of('math', 'color'), of('body', 'backgroundColor')]"
    )
    ink, paper = (sum(map(int, re.findall(r"\d+", c)[:3])) / 765 for c in colours)
    assert abs(ink - paper) > 0.5
    assert (paper > 0.5) == (scheme == "light")
    browser.prefer(color_scheme="light")


def test_copied_code_has_no_prompts(built, browser):
    browser.open(built.folder / "start.html")
    assert browser.run("return document.querySelectorAll('button.copybtn').length") > 2
    script = (built.folder / "_static" / "copybutton.js").read_text(encoding="utf-8")
    assert ">>> |" in script
