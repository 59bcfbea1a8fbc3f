"""The results in the docs are the runs that are kept beside them."""

import importlib.util
import json
from pathlib import Path

import pytest

from gsnr_ref.experiments.registry import EXPERIMENTS

DOCS = Path(__file__).parents[2] / "docs"
RUNS = sorted(p.parent for p in (DOCS / "results").glob("*/config.json"))


def page():
    specification = importlib.util.spec_from_file_location("page", DOCS / "results" / "page.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_runs_are_of_experiments_and_of_the_default_scale():
    assert len(RUNS) >= 9
    assert {run.name for run in RUNS} <= set(EXPERIMENTS)
    assert {json.loads((r / "config.json").read_text())["scale"] for r in RUNS} == {"default"}


def test_the_page_is_written_from_the_runs_and_names_the_experiments_without_one():
    text = (DOCS / "results.md").read_text()
    assert text == page().page()
    assert all(experiment.title in text for experiment in EXPERIMENTS.values())


def test_all_results_together_are_small():
    assert sum(p.stat().st_size for p in (DOCS / "results").rglob("*") if p.is_file()) < 6_000_000


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_findings_and_settings_belong_to_the_rows(run):
    experiment = EXPERIMENTS[run.name]
    config = json.loads((run / "config.json").read_text())
    assert config["settings"] == experiment.settings("default")
    assert page().findings_of(run) == json.loads((run / "findings.json").read_text())


@pytest.mark.parametrize("words, name, what, figure, word", page().REMEMBER)
def test_what_to_remember_is_what_was_found(words, name, what, figure, word):
    verdict = page().finding(name, what)["verdict"]
    assert (verdict and verdict["word"]) == word
    assert (DOCS / "results" / name / f"{figure}.svg").is_file()
