"""The explorer in a real browser, opened from the file system."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.browser import browser  # noqa: F401 (a fixture)
from tests.explorer import reference
from tests.explorer.reference import COIN, FOLDER, in_floats

pytestmark = pytest.mark.site

PAGE = (FOLDER / "index.html").resolve().as_uri()
CLOSE = 1e-12  # of numbers below 1; relative above: some sums of a dozen terms, rounded
NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
AS_TEXT = "(_, v) => (typeof v === 'number' && !Number.isFinite(v) ? String(v) : v)"
VIEWS = (
    "arrows",
    "histogram",
    "plane",
    "draw",
    "ofN",
    "bars",
    "losses",
    "ratios",
    "features",
)


@pytest.fixture
def page(browser):  # noqa: F811
    """The page at its first settings, in a wide window, without animations."""
    browser.resize(1400)
    browser.prefer(color_scheme="light", reduced_motion="reduce")
    return opened(browser)


def opened(browser, address=""):  # noqa: F811
    browser.open(PAGE + address)
    return browser


def evaluated(page, expression, *arguments):
    """A value of the page; what JSON has no number for comes back as a float too."""
    text = page.run(f"return JSON.stringify({expression}, {AS_TEXT})", *arguments)
    return json.loads(text, object_hook=with_numbers)


def with_numbers(values):
    return {k: NUMBERS.get(v, v) if isinstance(v, str) else v for k, v in values.items()}


def number(page, name):
    """A number as the page's table holds it, unrounded."""
    return float(page.run(f"return document.querySelector('[data-number={name}]').dataset.value"))


def slide(page, name, value):
    """Move a slider to one of its values, as a hand does."""
    page.run(
        "const input = byId(arguments[0]); input.value = CHOICES[arguments[0]]"
        ".indexOf(arguments[1]); input.dispatchEvent(new Event('input', { bubbles: true }))",
        name,
        value,
    )


def click(page, name):
    page.run("byId(arguments[0]).click()", name)


def pictures(page):
    """What each view has drawn."""
    svg = "document.querySelector(`[data-view=${v}] svg`).innerHTML"
    return page.run(f"return Object.fromEntries(arguments[0].map((v) => [v, {svg}]))", VIEWS)


def apart(got, expected):
    if math.isnan(expected) or math.isinf(expected) or not math.isfinite(got):
        return 0 if got == expected or (math.isnan(got) and math.isnan(expected)) else math.inf
    return abs(got - expected) / max(1, abs(expected))


def random_settings(page, count, seed):
    """Settings that the sliders can take, drawn at random."""
    choices = evaluated(page, "CHOICES")
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        settings = {name: values[rng.integers(len(values))] for name, values in choices.items()}
        settings |= {name: bool(rng.integers(2)) for name in ("second", "same")}
        drawn.append(settings)
    return drawn


def test_a_thousand_random_settings_agree_with_the_package(page):
    settings = random_settings(page, 1000, seed=15)
    shown = evaluated(page, "arguments[0].map(allNumbers)", settings)
    largest, compared = 0, 0
    for at, got in zip(settings, shown, strict=True):
        expected = reference.numbers(in_floats(at))
        assert got.keys() == expected.keys()
        for name, value in expected.items():
            difference = apart(got[name], float(value))
            assert difference <= CLOSE, (name, got[name], value, at)
            largest, compared = max(largest, difference), compared + 1
    assert len({json.dumps(at) for at in settings}) == 1000
    print(f"{compared} numbers, largest difference {largest:.1e}")


def test_curves_of_the_network_of_three_weights_agree_with_the_package(page):
    for scale in evaluated(page, "CHOICES.scale"):
        for frozen in (False, True):
            got = evaluated(page, "features(...arguments).r", scale, frozen)
            expected = reference.second_layer_gsnr(float(scale), frozen)
            assert max(map(apart, got, expected)) <= CLOSE


def test_on_loading_the_page_checks_itself_and_asks_nobody(page):
    assert page.run("return byId('check').className") == "right"
    assert page.console() == []
    folder = FOLDER.resolve().as_uri() + "/"
    asked = [url for url in page.requests() if not url.startswith("data:")]
    assert len(asked) == len({p for p in FOLDER.iterdir() if p.suffix in {".js", ".css", ".html"}})
    assert all(url.startswith(folder) for url in asked)


@pytest.mark.parametrize(
    "mistake",
    [
        "REFERENCE[3].values.osgr += 1e-11",
        "REFERENCE[0].values.kappa = 'NaN'",
        "REFERENCE[0].values.noSuchNumber = 1",
        "REFERENCE.length = 0",
        "allNumbers = ((right) => (s) => ({ ...right(s), gap: right(s).gap * 1.001 }))(allNumbers)",
    ],
)
def test_a_wrong_number_is_told(page, mistake):
    page.run(f"{mistake}; showCheck()")
    assert page.run("return byId('check').className") == "wrong"


MOVES = [
    ("signal", 3.3, {"arrows", "histogram", "plane", "ofN", "bars", "losses", "ratios"}),
    ("noise", 2.5, {"arrows", "histogram", "plane", "ofN", "bars", "losses", "ratios"}),
    ("p", 0.4, {"arrows", "histogram", "plane", "ofN", "bars", "losses", "ratios"}),
    ("signalB", 2.2, {"arrows", "plane", "ofN", "bars", "losses", "ratios"}),
    ("noiseB", 1.5, {"arrows", "plane", "ofN", "bars", "losses", "ratios"}),
    ("n", 20, {"arrows", "histogram", "plane", "ofN", "bars", "losses", "ratios"}),
    ("rate", 0.9, {"plane", "losses", "ratios"}),
    ("steps", 4, {"plane", "losses", "ratios"}),
    ("scale", 1, {"features"}),
]


@pytest.mark.parametrize(("name", "value", "views"), MOVES, ids=[m[0] for m in MOVES])
def test_a_slider_moves_the_plots_and_numbers_that_depend_on_it(page, name, value, views):
    opened(page, "#second=1&steps=1&n=3")
    before = pictures(page)
    slide(page, name, value)
    after = pictures(page)
    moved = {view for view in VIEWS if before[view] != after[view]}
    assert moved - {"draw"} == views
    settings = COIN | {"second": True, "steps": 1, "n": 3} | {name: value}
    expected = reference.numbers(in_floats(settings))
    for shown in page.run(
        "return [...document.querySelectorAll('[data-number]')].map((c) => c.dataset.number)"
    ):
        assert apart(number(page, shown), float(expected[shown])) <= CLOSE
    assert f"{name}={value}" in page.run("return location.hash")
    assert page.run("return byId(arguments[0] + '-value').textContent", name) == str(value)
    assert page.console() == []


def test_the_second_parameter_and_fresh_datasets_are_switched_on(page):
    assert page.run("return byId('signalB').disabled")
    click(page, "second")
    assert not page.run("return byId('signalB').disabled")
    slide(page, "steps", 3)
    assert number(page, "kappa") == pytest.approx(0.9**3)
    click(page, "fresh")
    assert number(page, "kappa") == 1
    assert "second=1" in page.run("return location.hash")
    assert "same=0" in page.run("return location.hash")
    click(page, "same")
    click(page, "reset")
    assert page.run("return location.hash") == "#lang=en"


def test_the_address_holds_the_settings(page):
    changes = {"signal": 1.3, "n": 30, "second": True, "same": False, "steps": 7, "seed": 12}
    address = "#" + "&".join(
        f"{k}={int(v) if v is True or v is False else v}" for k, v in changes.items()
    )
    opened(page, address + "&lang=zh")
    settings = evaluated(page, "settings")
    assert settings.pop("seed") == changes.pop("seed")
    assert in_floats(settings) == in_floats(COIN | changes)
    assert page.run("return location.hash").endswith("lang=zh")
    before = pictures(page)
    opened(page, page.run("return location.hash"))
    assert pictures(page) == before


@pytest.mark.parametrize(
    "address",
    ["#signal=0&noise=0", "#noise=0", "#p=1&n=1000", "#signal=0&second=1", "#rate=1&steps=2"],
)
def test_where_a_number_is_undefined_the_page_says_so(page, address):
    opened(page, address)
    click(page, "draw-many")
    assert page.console() == []
    assert page.overflow() == 0
    drawings = "".join(pictures(page).values())
    assert "NaN" not in drawings
    assert "Infinity" not in drawings
    assert "NaN" not in page.run("return document.body.innerText").split("import numpy")[0]


@pytest.mark.parametrize("address", ["#n=1e9&rate=0&steps=-4", "#n=x&p=&second=2&seed=-1", "#%%%"])
def test_an_address_that_makes_no_sense_gives_a_page(page, address):
    opened(page, address)
    assert page.console() == []
    for name, value in evaluated(page, "settings").items():
        choices = evaluated(page, "CHOICES[arguments[0]] || [true, false, 1]", name)
        assert value in choices


def test_the_keyboard_reaches_and_moves_everything(page):
    from selenium.webdriver.common.keys import Keys

    reached = []
    page.run("document.activeElement.blur()")
    for _ in range(60):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            page.run("return document.activeElement.id || document.activeElement.tagName")
        )
        if reached[-1] == "BODY":
            break
    # Of two parameters only one is on, and of two radio buttons one is a stop.
    controls = {"language", "signal", "noise", "p", "second", "n", "rate", "steps", "same", "scale"}
    buttons = {"reset", "draw-one", "draw-many", "draw-all", "draw-again", "copy", "python"}
    assert controls | buttons | {f"prompt{i}-button" for i in range(1, 6)} <= set(reached)
    slider = page.driver.find_element("id", "n")
    slider.send_keys(Keys.ARROW_RIGHT * 3)
    assert page.run("return settings.n") == 4
    slider.send_keys(Keys.END)
    assert page.run("return settings.n") == 1000
    page.driver.find_element("id", "second").send_keys(Keys.SPACE)
    assert page.run("return settings.second")
    page.driver.find_element("id", "draw-one").send_keys(Keys.ENTER)
    assert page.run("return tally.count") == 1


def test_everything_has_a_name_for_a_screen_reader(page):
    for language in ("en", "zh"):
        opened(page, f"#lang={language}&second=1")
        tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        seen = set()
        for node in tree:
            role = node.get("role", {}).get("value")
            if role in {"slider", "button", "checkbox", "radio", "link", "image", "table"}:
                assert node.get("name", {}).get("value") or role == "table", node
                seen.add(role)
        assert seen >= {"slider", "button", "checkbox", "radio", "link", "image", "table"}
        labels = page.run(
            "return [...document.querySelectorAll('svg')].map((s) => s.getAttribute('aria-label'))"
        )
        assert len(labels) == len(set(labels)) == len(VIEWS)
    assert page.run("return document.documentElement.lang") == "zh-CN"


def test_both_languages_fill_every_place(page):
    texts = []
    for language in ("en", "zh"):
        opened(page, f"#lang={language}&n=4&second=1&steps=2")
        click(page, "draw-many")
        text = page.run("return document.body.innerText")
        for bad in ("undefined", "NaN", "{", "[object"):
            assert bad not in text.split("import numpy")[0].replace("{1, 3}", ""), bad
        texts.append(text)
    assert "梯度信噪比" in texts[1]
    assert "一步泛化比例" in texts[1]
    assert "重用因子" in texts[1]
    click(page, "language")
    assert page.run("return document.documentElement.lang") == "en"


def drawn(page):
    return {k: float(v) for k, v in page.run("return { ...byId('drawn').dataset }").items()}


@pytest.mark.parametrize(
    ("address", "meets"),
    [
        ("", "meets the prediction ("),
        ("#n=4&second=1&rate=0.5", "meets the prediction ("),
        ("#n=3&p=0.3&second=1&rate=0.5&steps=2&same=0", "meets the prediction ("),
        ("#rate=0.5&steps=1", "does not meet the prediction"),
        ("#n=4&second=1&p=0.2&rate=0.5&steps=1", "does not meet the prediction"),
    ],
)
def test_what_is_drawn_meets_what_is_expected(page, address, meets):
    opened(page, address)
    click(page, "draw-all")
    found = drawn(page)
    expected = reference.numbers(in_floats(evaluated(page, "settings")))["measured"]
    assert found["count"] >= 100
    assert found["error"] <= 0.01 * max(1, abs(found["ratio"]))
    assert (
        abs(found["ratio"] - expected) < 3.5 * found["error"]
    )  # seeded draws; 1 seed in 2,000 is out
    assert meets in page.run("return byId('drawn').textContent")


def test_drawing_one_by_one_is_the_same_as_at_once(page):
    for _ in range(100):
        click(page, "draw-one")
    one_by_one = drawn(page)
    opened(page)
    click(page, "draw-many")
    assert drawn(page) == one_by_one
    click(page, "draw-again")
    assert drawn(page)["count"] == 0
    click(page, "draw-many")
    assert drawn(page)["ratio"] != one_by_one["ratio"]


def test_a_dataset_without_a_gradient_has_no_ratio(page):
    opened(
        page, "#n=10&p=0.69&rate=0.01"
    )  # labels 1, 3, -2, 2: a mean of ten is 0, or 0.1 and more
    for _ in range(3):
        click(page, "draw-many")
    assert evaluated(page, "tally.left") > 0
    assert (
        abs(drawn(page)["meanOfRatios"]) < 0.62 / 0.1 * 1.01
    )  # |g̃|/|g_D| at most, at a small step


def test_names_with_an_underscore_stay_names(page):
    assert "gsnr_ref" in page.run(
        "return document.querySelector('[data-string=pythonText]').innerText"
    )
    assert page.run("return document.querySelector('[data-view=histogram] sub').innerText") == "D"


def test_a_drawn_step_is_one_of_the_coins_two(page):
    expected = {(19 / 200, 39 / 200), (171 / 200, 111 / 200)}  # of the datasets {1} and {3}
    sets = evaluated(page, "shown.sets.map((s) => [s.training, s.test])")
    assert {tuple(round(v, 12) for v in pair) for pair in sets} == expected


def test_at_the_minimum_of_d_nothing_is_drawn(page):
    opened(page, "#rate=0.9&steps=20")
    assert page.run("return byId('draw-one').disabled")
    assert "rounding" in page.run("return byId('drawn').textContent")
    assert page.console() == []


def test_an_animation_ends_where_settings_change(page):
    page.prefer(color_scheme="light", reduced_motion="no-preference")
    click(page, "draw-all")
    slide(page, "n", 5)
    page.driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert drawn(page)["count"] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_is_wider_than_its_window(page, scheme, width, language):
    page.prefer(color_scheme=scheme, reduced_motion="reduce")
    page.resize(width)
    opened(page, f"#lang={language}&second=1&n=4&steps=3&rate=0.33&p=0.17")
    page.run("byId('panel').open = true")
    for details in range(1, 6):
        page.run(f"byId('prompt{details}-answer').open = true")
    click(page, "draw-all")
    assert page.run("return innerWidth") == width
    assert page.overflow() == 0
    assert page.console() == []
    background = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) > 380) == (scheme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_lines_stand_out(page, scheme):
    """WCAG: 4.5 to 1 for text, 3 to 1 for what is drawn."""
    page.prefer(color_scheme=scheme, reduced_motion="reduce")
    opened(page)

    def color(name):
        text = page.run(
            "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])", name
        ).strip()
        channels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    def contrast(one, other):
        low, high = sorted((color(one), color(other)))
        return (high + 0.05) / (low + 0.05)

    for ground in ("--page", "--card"):
        for ink in ("--ink", "--soft", "--blue", "--red", "--green", "--gold", "--violet"):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast("--on-accent", "--accent") >= 4.5


@pytest.mark.parametrize(
    "address",
    [
        "",
        "#second=1&n=4&rate=0.5&steps=1&p=0.2",
        "#second=1&n=3&rate=0.3&steps=4&p=0.35&same=0&scale=1",
        "#noise=0&steps=2",
    ],
)
def test_the_copied_program_runs_and_prints_the_numbers_of_the_page(page, address, tmp_path):
    opened(page, address)
    page.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    page.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    page.driver.find_element("id", "copy").click()
    copied = page.driver.execute_async_script(
        "const done = arguments[0];"
        "setTimeout(() => navigator.clipboard.readText().then(done, (e) => done('' + e)), 200)"
    )
    assert copied == page.run("return byId('python').textContent")
    assert page.run("return byId('copied').textContent") == "Copied."
    program = tmp_path / "copied.py"
    program.write_text(copied)
    ran = subprocess.run([sys.executable, "-W", "error", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    lines = (line.split() for line in ran.stdout.splitlines())
    printed = {name: [float(v) for v in values] for name, *values in lines}
    numbers = evaluated(page, "allNumbers(settings)")
    per_parameter = "AB"[: 1 + evaluated(page, "settings.second")]
    expected = {
        "gsnr": [numbers[f"gsnr{which}"] for which in per_parameter],
        "weights": [numbers[f"weight{which}"] for which in per_parameter],
    }
    for frozen, name in enumerate(("trained", "frozen")):
        r = evaluated(page, "features(settings.scale, arguments[0]).r", bool(frozen))
        expected[name] = [max(r), r.index(max(r)), r[-1]]
    names = {"effectiveGsnr", "osgr", "collapsed", "kappa", "smallPredicted", "smallCorrected"}
    for name in names | {"predicted", "corrected", "measured"}:
        expected[name] = [numbers[name]]
    assert printed.keys() == expected.keys()
    for name, values in expected.items():
        assert max(map(apart, printed[name], values)) <= CLOSE, name


def prompt(page, k):
    """Set up a prompt, and give back what is said of its outcome."""
    click(page, f"prompt{k}-button")
    return page.run("return byId(arguments[0]).textContent", f"prompt{k}-answer")


def test_prompt_1_half_is_at_the_noise_scale(page):
    answer = prompt(page, 1)
    values = {}
    for n in evaluated(page, "CHOICES.n"):
        slide(page, "n", n)
        values[n] = number(page, "osgr")
    assert values[3] == pytest.approx(15 / 32)
    assert values[4] == pytest.approx(20 / 37)
    assert list(values.values()) == sorted(values.values())
    assert number(page, "noiseScale") == pytest.approx(17 / 5)
    for said in ("15/32", "20/37", "17/5"):
        assert said in answer


def test_prompt_2_the_mean_of_ratios_is_another_number(page):
    answer = prompt(page, 2)
    click(page, "draw-all")
    for _ in range(30):
        click(page, "draw-many")
    found = drawn(page)
    assert number(page, "measured") == pytest.approx(15 / 19)
    assert found["ratio"] == pytest.approx(15 / 19, abs=3 * found["error"])
    spread = (39 / 19 - 111 / 171) / 2  # of the two ratios that there are
    tolerance = 4 * spread / math.sqrt(found["count"])
    assert found["meanOfRatios"] == pytest.approx(77 / 57, abs=tolerance)
    assert "15/19" in answer
    assert "77/57" in answer


def test_prompt_3_the_theorem_breaks_and_kappa_mends_it(page):
    answer = prompt(page, 3)
    assert number(page, "smallPredicted") == pytest.approx(1 / 5)
    assert number(page, "smallMeasured") == pytest.approx(3 / 5)
    assert number(page, "smallCorrected") == pytest.approx(3 / 5)
    assert number(page, "kappa") == 0.5
    click(page, "draw-all")
    assert "does not meet the prediction" in page.run("return byId('drawn').textContent")
    click(page, "fresh")
    assert number(page, "kappa") == 1
    assert number(page, "smallPredicted") == pytest.approx(5 / 9)
    assert number(page, "smallMeasured") == pytest.approx(5 / 9)
    click(page, "same")
    slide(page, "rate", 0.8)
    assert number(page, "smallPredicted") == pytest.approx(-4)
    assert number(page, "smallMeasured") == pytest.approx(0, abs=1e-12)
    for said in ("1/5", "3/5", "5/9", "−4"):
        assert said in answer


def test_prompt_4_random_labels_take_the_signal(page):
    answer = prompt(page, 4)
    assert number(page, "effectiveGsnr") == 4
    choices = evaluated(page, "CHOICES.p")
    at = evaluated(page, "CHOICES.p.map((p) => allNumbers({ ...settings, p }))")
    r = {p: numbers["effectiveGsnr"] for p, numbers in zip(choices, at, strict=True)}
    osgr = {p: numbers["osgr"] for p, numbers in zip(choices, at, strict=True)}
    for p in (0.5, 0.68, 0.69, 1):
        slide(page, "p", p)
        assert (number(page, "effectiveGsnr"), number(page, "osgr")) == (r[p], osgr[p])
    assert list(r.values()) == sorted(r.values(), reverse=True)
    assert r[0.5] == pytest.approx(2 / 7)
    assert osgr[0.5] == pytest.approx(20 / 27)
    assert r[1] == 0
    half = (87 - math.sqrt(705)) / 88
    assert osgr[0.68] > 0.5 > osgr[0.69]
    assert 0.68 < half < 0.69
    exact = reference.numbers(in_floats(COIN | {"n": 10, "p": half}))
    assert exact["osgr"] == pytest.approx(0.5, rel=1e-14)
    assert exact["effectiveGsnr"] == pytest.approx(0.1, rel=1e-13)
    for said in ("2/7", "20/27", "705", "0.69"):
        assert said in answer


def test_prompt_5_small_starts_learn_features(page):
    answer = prompt(page, 5)
    for scale in evaluated(page, "CHOICES.scale"):
        slide(page, "scale", scale)
        trained, frozen = evaluated(page, "[shown.trained.r, shown.frozen.r]")
        assert trained[0] == pytest.approx(2 / 3)
        losses = evaluated(page, "shown.trained.losses")
        assert losses == sorted(losses, reverse=True)  # a rise, not an instability
        assert frozen == sorted(frozen, reverse=True)
        assert (max(trained) > trained[0] * (1 + 1e-9)) == (scale < 0.25)
    slide(page, "scale", 0.1)
    trained = evaluated(page, "shown.trained.r")
    assert trained.index(max(trained)) == 15
    assert f"{trained[0]:.3f}" in answer
    assert f"{max(trained):.3f}" in answer
    assert "15" in answer
    assert "0.2 and smaller" in answer
    assert "0.3 and larger" in answer


def test_answers_say_the_same_numbers_in_both_languages(page):
    strings = evaluated(page, "STRINGS")
    for k in range(1, 6):
        for kind in ("prompt", "answer"):
            numbers = (
                sorted(re.findall(r"\d[\d./]*", strings[lang][f"{kind}{k}"].replace("₁", "")))
                for lang in ("en", "zh")
            )
            one, other = ([n.rstrip(".") for n in found] for found in numbers)
            assert one == other, (kind, k)
