"""The site in a real browser, read from the file system: nothing is asked of the network."""

import re

import pytest

pytestmark = pytest.mark.site

TEX = re.compile(r"\\[A-Za-z]{2,}|\$[^$\n]{1,80}\$|\\\(|\\\[")
#: What a page looks like on a phone: prose is its text without code, formulas have areas.
LOOK = """
document.querySelectorAll("details").forEach(d => { d.open = true; });
const prose = document.querySelector("article").cloneNode(true);
prose.querySelectorAll("pre, code, math, .literal, .sig").forEach(e => e.remove());
const area = m => { const r = m.getBoundingClientRect(); return r.width * r.height; };
const menu = document.querySelector("header label[for=__navigation]");
return {
  prose: prose.textContent,
  areas: [...document.querySelectorAll("math")].map(area),
  menu: menu.getBoundingClientRect().top,
};
"""


@pytest.fixture(scope="module")
def seen(built, browser):
    """What the browser saw of each page, 400 pixels wide."""
    browser.resize(400)
    found = {}
    for name in [*built.written, "search.html", "code/gsnr_ref/osgr/predicted.html"]:
        browser.open(built.folder / name)
        look = browser.run(LOOK)
        found[name] = look | {
            "asked": browser.requests(),
            "console": browser.console(),
            "overflow": browser.overflow(),
        }
    return found


def test_every_page_is_read_without_the_network_and_without_an_error(seen):
    for name, page in seen.items():
        assert page["asked"], name
        assert [a for a in page["asked"] if not a.startswith(("file:", "data:", "about:"))] == []
        assert page["console"] == [], name


def test_no_page_shows_tex_and_every_formula_is_drawn(seen, built):
    for name, page in seen.items():
        assert not TEX.search(page["prose"]), (name, TEX.search(page["prose"]))
        assert len(page["areas"]) == built.pages[name].n_formulas, name
        assert all(area > 0 for area in page["areas"]), name
    assert sum(len(page["areas"]) for page in seen.values()) > 100


def test_no_page_is_wider_than_a_phone(seen):
    assert {name: p["overflow"] for name, p in seen.items() if p["overflow"] > 0} == {}


def test_the_way_around_is_at_the_top_of_every_page(seen):
    assert all(0 <= page["menu"] < 60 for page in seen.values())


@pytest.mark.parametrize("text", [r"so \frac12 of it", "the $r$ of it"])
def test_tex_that_is_left_is_found(text):
    assert TEX.search(text)


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
    for word in ("predicted_osgr", "coherence", "梯度信噪比", "重用因子"):
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


def test_a_click_on_a_figure_opens_it_alone(built, browser):
    browser.open(built.folder / "results.html")
    link = browser.run("return document.querySelector('article a > img').parentElement.href")
    browser.run("document.querySelector('article a > img').click()")
    assert link.endswith(".svg")
    assert browser.run("return location.href") == link
