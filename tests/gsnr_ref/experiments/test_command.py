"""``gsnr-ref reproduce``, and all experiments at the smallest scale."""

import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from gsnr_ref import cli
from gsnr_ref.experiments.registry import EXPERIMENTS

RESULTS = Path(__file__).parents[3] / "docs" / "results"


def run(capsys, *arguments):
    try:
        code = cli.main(["reproduce", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def test_list(capsys):
    code, out, _ = run(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(EXPERIMENTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "NAME is missing; expected all, or a name from --list"),
        (["identity"], "NAME is 'identity'; expected all or one of ['identity-over-training'"),
        (
            ["frozen-layer", "--set", "n"],
            "--set is 'n'; expected KEY=VALUE, KEY one of activat",
        ),
        (["frozen-layer", "--set", "m=3"], "--set is 'm=3'; expected KEY=VALUE, KEY one of activ"),
        (["frozen-layer", "--set", "n=ten"], "--set n: is 'ten'; expected a whole number, 2 to"),
        (["frozen-layer", "--set", "n=1.5"], "--set n: is '1.5'; expected a whole number, 2 to"),
        (["frozen-layer", "--set", "n=1"], "--set n: is '1'; expected a whole number, 2 to"),
        (["frozen-layer", "--set", "n=Infinity"], "--set n: is 'Infinity'; expected a whole"),
        (["frozen-layer", "--set", "n=true"], "--set n: is 'true'; expected a whole number"),
        (["frozen-layer", "--set", "n=[3]"], "--set n: is '[3]'; expected a whole number"),
        (["frozen-layer", "--set", "learning_rate=NaN"], "learning_rate: is 'NaN'; expected a num"),
        (["frozen-layer", "--set", "learning_rate=0"], "expected a number, 1e-06 to 1"),
        (["frozen-layer", "--set", "scale=[]"], "--set scale: is '[]'; expected a number, 0.001"),
        (["frozen-layer", "--set", "scale=[1, 1.0]"], "a list of them, all different"),
        (["frozen-layer", "--set", "activation=3"], "is '3'; expected one of tanh, relu, sigmoid"),
        (["frozen-layer", "--set", "activation=swish"], "is 'swish'; expected one of tanh, relu"),
        (["random-labels", "--set", "data=imagenet"], "is 'imagenet'; expected one of digits, m"),
        (["osgr-pictures", "--set", "n=50"], "--set n: is '50'; expected a list of 3 values, each"),
        (["osgr-pictures", "--set", "n=" + "[" * 99_999], "--set n: is '[[[[[["),
        (["osgr-pictures", "--set", "last_step=" + "9" * 9999], "--set last_step: is '999999999"),
        (["frozen-layer", "--dask", "nowhere"], "--dask nowhere: no scheduler answers there ("),
        (["all", "--set", "n=3"], "--set is given with all; expected a single experiment"),
        (["frozen-layer", "--scale", "huge"], "argument --scale: invalid choice: 'huge'"),
        (["frozen-layer", "--jobs", "0"], "argument --jobs: is '0'"),
    ],
)
def test_bad_usage_is_one_clear_line(capsys, tmp_path, arguments, message):
    code, out, err = run(capsys, *arguments, "--out", tmp_path)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []  # nothing is made


FAST = ("frozen-layer", "--scale", "smoke", "--set", "last_step=10", "--set", "repetitions=1")


def test_a_run_leaves_everything_and_resumes(capsys, tmp_path):
    code, out, err = run(capsys, *FAST, "--out", tmp_path)
    assert (code, err) == (0, "")
    folder = tmp_path / "frozen-layer"
    names = {p.name for p in folder.iterdir()}
    pictures = {"second-layer-gsnr.png", "second-layer-gsnr.svg"}
    assert names == pictures | {
        "cells",
        "config.json",
        "results.csv",
        "findings.json",
        "report.html",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["command"].startswith("gsnr-ref reproduce frozen-layer --scale smoke --seed 0")
    assert config["versions"]["numpy"] == np.__version__
    report = (folder / "report.html").read_text()
    assert not re.search(r"(src|href)=.https?:", report)  # nothing is fetched
    assert 'name="viewport"' in report
    assert config["command"] in report
    before = (folder / "results.csv").read_text()
    code, _, err = run(capsys, *FAST, "--out", tmp_path)
    assert code == 2
    assert "is there and not empty; expected a new folder, or --resume" in err
    next((folder / "cells").iterdir()).unlink()
    code, out, _ = run(capsys, *FAST, "--out", tmp_path, "--resume")
    assert code == 0
    assert "3 of 4 cells are there already" in out
    assert (folder / "results.csv").read_text() == before


def test_a_folder_that_cannot_be_made_is_one_clear_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, *FAST, "--out", tmp_path / "file")
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize("extra", ["matplotlib", "tqdm"])
def test_a_missing_extra_is_named(capsys, tmp_path, monkeypatch, extra):
    import sys

    for module in [m for m in sys.modules if m.partition(".")[0] == extra]:
        monkeypatch.setitem(sys.modules, module, None)
    code, _, err = run(capsys, *FAST, "--out", tmp_path)
    assert code == 2
    assert 'pip install "gsnr-ref[experiments]"' in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.experiments
def test_everything_at_the_smallest_scale(capsys, tmp_path):
    start = time.perf_counter()
    code, out, err = run(capsys, "all", "--scale", "smoke", "--out", tmp_path / "one")
    assert (code, err) == (0, "")
    assert time.perf_counter() - start < 180
    for name, experiment in EXPERIMENTS.items():
        folder = tmp_path / "one" / name
        assert (folder / "report.html").stat().st_size > 10_000
        header, *rows = csv.reader((folder / "results.csv").read_text().splitlines())
        assert rows
        published = RESULTS / name / "results.csv"
        assert header == next(csv.reader(published.read_text().splitlines()))
        assert experiment.title in out
    for name in ("optimizers", "recurrent", "random-labels"):
        two = tmp_path / "two"
        assert run(capsys, name, "--scale", "smoke", "--out", two, "--jobs", 2)[0] == 0
        one, two = ((tmp_path / k / name / "results.csv").read_text() for k in ("one", "two"))
        assert one == two  # 1 process or 2: the same digits
