"""The numbers that the explorer is held to, counted again; and what its files may not be."""

import re
from fractions import Fraction
from itertools import product

import pytest

from tests.explorer import reference
from tests.explorer.reference import COIN, FOLDER, HALF, SETTINGS
from tests.oracles.splits import loss_of, stepped

F = Fraction


def test_the_golden_values_of_the_page_are_current(capsys):
    assert reference.main([]) == 0, capsys.readouterr().out


def test_a_changed_value_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert reference.main(["--write"]) == 0
    assert reference.main([]) == 0
    written = tmp_path / "reference.js"
    written.write_text(written.read_text().replace("0.8", "0.81", 1))
    assert reference.main([]) == 1
    assert "not current" in capsys.readouterr().out


def counted(settings):
    """Numbers of the page by real steps on every sequence of draws, with plain fractions."""
    labels, chances = reference.population(settings)
    points = [(y, p) for y, p in zip(labels.tolist(), chances.tolist(), strict=True) if p]
    y, chances = [label for label, _ in points], [p for _, p in points]
    x, n, rate = [[F(1)]] * len(y), settings["n"], settings["rate"]
    datasets = list(product(range(len(y)), repeat=n))

    def chance(rows):
        result = F(1)
        for i in rows:
            result *= chances[i]
        return result

    def test_loss(w):
        return sum(p * loss_of(x, y, w, [i]) for i, p in enumerate(chances))

    start = [[F(0)] * len(y[0])]
    states = [(F(1), start, rows, chance(rows)) for rows in datasets]  # before each step, on rows
    for _ in range(settings["steps"]):
        moved = [(p * q, stepped(x, y, w, rows, rate), rows, F(1)) for p, w, rows, q in states]
        if settings["same"]:
            states = [(p, w, rows, F(1)) for p, w, rows, _ in moved]
        else:
            states = [(p, w, new, chance(new)) for p, w, _, _ in moved for new in datasets]
    after = moved if settings["steps"] else [(p * q, w, rows, q) for p, w, rows, q in states]
    totals = dict.fromkeys(("training", "test", "smallTraining", "smallTest"), F(0))
    for p, w, rows, q in states:

        def falls(step, w=w, rows=rows):
            new = stepped(x, y, w, rows, step)
            training = loss_of(x, y, w, rows) - loss_of(x, y, new, rows)
            return training, test_loss(w) - test_loss(new)

        whole, half = falls(rate), falls(rate / 2)
        for name, one, other in zip(("Training", "Test"), whole, half, strict=True):
            totals[name.lower()] += p * q * one
            totals[f"small{name}"] += p * q * (4 * other - one) / rate  # the limit, by two steps
    gap = sum(p * (test_loss(w) - loss_of(x, y, w, rows)) for p, w, rows, _ in after)
    if not settings["steps"]:
        gap = sum(p * q * (test_loss(w) - loss_of(x, y, w, rows)) for p, w, rows, q in states)
    return {
        "trainingDecrease": totals["training"],
        "testDecrease": totals["test"],
        "training": totals["smallTraining"],
        "test": totals["smallTest"],
        "measured": totals["test"] / totals["training"],
        "smallMeasured": totals["smallTest"] / totals["smallTraining"],
        "testLoss": sum(p * q * test_loss(w) for p, w, _, q in states),
        "gap": gap,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n": 2, "second": True, "p": F(1, 3)},
        {"steps": 2, "rate": HALF, "n": 2},
        {"steps": 2, "rate": HALF, "n": 2, "same": False},
        {"steps": 1, "rate": F(4, 5), "n": 2, "second": True, "p": F(1, 5)},
        {"steps": 1, "rate": F(3, 2), "n": 1, "second": True, "p": F(1, 5), "same": False},
        {"steps": 3, "rate": F(3, 2), "p": F(1, 2), "n": 1, "same": False},
    ],
    ids=str,
)
def test_numbers_of_the_step_are_those_of_every_dataset_and_real_steps(changes):
    settings = COIN | changes
    stated = reference.numbers(settings)
    for name, value in counted(settings).items():
        assert stated[name] == value, name
    assert stated["trainingLoss"] == stated["testLoss"] - stated["gap"]
    assert stated["corrected"] == stated["measured"]  # 4.2, 4.7
    if not settings["steps"]:
        assert stated["firstStep"] == stated["measured"]
        assert stated["osgr"] == stated["collapsed"] == stated["smallMeasured"]


def test_the_golden_settings_hold_the_worked_numbers_of_the_book():
    def at(**changes):
        settings = COIN | changes
        assert settings in SETTINGS
        return reference.numbers(settings)

    assert at()["osgr"] == F(4, 5)
    assert at()["measured"] == F(15, 19)
    assert at(rate=F(8, 5))["measured"] == 0
    assert at(second=True, n=3)["osgr"] == F(15, 32)
    assert at(second=True, n=4)["osgr"] == F(20, 37)
    assert at(second=True, n=4)["noiseScale"] == F(17, 5)
    assert at(rate=HALF, steps=1)["smallMeasured"] == F(3, 5)
    assert at(rate=HALF, steps=1)["smallPredicted"] == F(1, 5)
    assert at(rate=HALF, steps=1, same=False)["smallMeasured"] == F(5, 9)
    assert at(rate=F(4, 5), steps=1)["smallMeasured"] == 0
    assert at(rate=F(4, 5), steps=1)["smallPredicted"] == -4
    assert at(n=10, p=HALF, scale=F(3, 10))["osgr"] == F(20, 27)


def test_the_second_layers_gsnr_is_the_formula_of_the_book():
    w, a1, a2 = F(0), F(1, 10), F(1, 20)
    for r in reference.second_layer_gsnr(0.1, False)[:6]:
        mean, variance = (a1**2 + a2**2) * w - a1, a2**2 * (2 * a1 * w - 1) ** 2 + a1**2 + a2**2
        assert r == pytest.approx(float(mean**2 / variance), rel=1e-13)  # a few roundings a step
        slopes = mean, (w * a1 - 1) * w, w * w * a2
        w, a1, a2 = (v - s / 10 for v, s in zip((w, a1, a2), slopes, strict=True))


def test_the_page_is_small_and_asks_nobody_for_anything():
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 150_000
    text = {path.name: path.read_text() for path in files}
    scripts = set(re.findall(r'<script src="([^"]+)"', text["index.html"]))
    assert scripts == {name for name in text if name.endswith(".js")}
    for name, content in text.items():
        content = content.replace("http://www.w3.org/2000/svg", "")
        asked = r"https?:|//[a-z]|\bfetch\(|XMLHttpRequest|\bimport\b[^\n]*['\"]|@import|url\("
        assert re.findall(asked, content) == [], name


def test_every_string_has_both_languages_and_is_used():
    text = (FOLDER / "strings.js").read_text()
    english, chinese = text.split("  zh: {")
    pairs = [dict(re.findall(r'^    (\w+): "(.*)",$', half, re.M)) for half in (english, chinese)]
    assert list(pairs[0]) == list(pairs[1])
    assert len(pairs[0]) > 100
    for key, words in pairs[0].items():
        names = [sorted(re.findall(r"\{(\w+)\}", half[key])) for half in pairs]
        assert names[0] == names[1], key
        assert words
    others = "".join(p.read_text() for p in FOLDER.iterdir() if p.name != "strings.js")
    built = (
        r"(\w+(Caption|Says)|(prompt|answer)\d|signal|noise|p|signalB|noiseB|n|rate|steps|scale)"
    )
    unused = [k for k in pairs[0] if f'"{k}"' not in others and not re.fullmatch(built, k)]
    unused = [k for k in unused if f'data-view="{k}"' not in others]
    assert unused == []
