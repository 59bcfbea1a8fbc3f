"""``gsnr-ref reproduce``, and all experiments at the smallest scale."""

import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from gsnr_ref import cli
from gsnr_ref.experiments.harness import NO_VERDICTS, run_grid, write_output
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
    names_of = ("second-layer-gsnr", "training-loss")
    pictures = {f"{name}.{kind}" for name in names_of for kind in ("png", "svg")}
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
    assert NO_VERDICTS in report
    assert NO_VERDICTS in out
    found = json.loads((folder / "findings.json").read_text())
    assert found
    assert all(finding["verdict"] is None for finding in found)
    before = (folder / "results.csv").read_text()
    code, _, err = run(capsys, *FAST, "--out", tmp_path)
    assert code == 2
    assert "is there and not empty; expected a new folder, or --resume" in err
    next((folder / "cells").iterdir()).unlink()
    code, out, _ = run(capsys, *FAST, "--out", tmp_path, "--resume")
    assert code == 0
    assert "3 of 4 cells are there already" in out
    assert (folder / "results.csv").read_text() == before


def test_a_dry_run_tells_cells_and_time_and_makes_nothing(capsys, tmp_path):
    code, out, err = run(capsys, *FAST, "--dry-run", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert re.match(r"frozen-layer, scale smoke: 4 cells, about \S+ seconds on one core", out)
    assert "  all: 4 cells, about " in out
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_clear_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, *FAST, "--out", tmp_path / "file")
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("library", "extra", "options"),
    [
        ("matplotlib", "experiments", ()),
        ("tqdm", "experiments", ()),
        ("threadpoolctl", "experiments", ()),
        ("joblib", "experiments", ("--jobs", "2")),
        ("distributed", "cluster", ("--dask", "tcp://127.0.0.1:1")),
    ],
)
def test_a_missing_extra_is_named_before_anything_is_made(
    capsys, tmp_path, monkeypatch, library, extra, options
):
    import sys

    for module in [library, *(m for m in sys.modules if m.partition(".")[0] == library)]:
        monkeypatch.setitem(sys.modules, module, None)
    code, _, err = run(capsys, *FAST, *options, "--out", tmp_path)
    assert code == 2
    assert f'needs {library}: pip install "gsnr-ref[{extra}]"' in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_data_are_told_before_anything_is_made(capsys, tmp_path):
    options = ("--set", "data=cifar10", "--data-dir", tmp_path / "none", "--out", tmp_path)
    code, _, err = run(capsys, "random-labels", "--scale", "smoke", *options)
    assert code == 2
    assert "expected a folder with the CIFAR-10 files" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_list_with_a_name_tells_what_each_setting_may_be(capsys):
    code, out, _ = run(capsys, "frozen-layer", "--list", "--scale", "smoke")
    assert code == 0
    assert "  n=100\n      a whole number, 2 to 10000000\n" in out
    assert "  scale=[0.3,1.0]\n      a number, 0.001 to 5, or a list of them, all diff" in out


#: Values at the edge of what is stated, and beside it; of others each experiment has its own.
EDGES = {
    "learning_rate": [1e-6, 1.0], "n": [2, 3], "n_signs": [2], "channels": [1, 20],
    "hidden": [2, 30], "n_hidden": [1, 50], "width": [1, 100], "last_step": [1, 11, 100],
    "epochs": [[1], [2]], "n_sets": [2, 3], "n_test": [2], "steps": [[0], [7]], "n_runs": [2],
    "n_trials": [2], "n_population": [2], "trained": [[0], [50]], "n_curve": [2],
    "n_layers": [[1], [20]], "measured_steps": [[0], [9]], "scale": [[1e-3], [5]],
    "label_noise": [[0], [1], [0, 1]], "mixture": [[0], [1]], "cell": [["lstm"]],
    "activation": ["relu", "sigmoid", "softplus", "identity"], "task": [["digits"]],
    "initial": ["ours", "he", "small", "pytorch"], "n_fresh": [2], "n_formula": [2],
    "hidden_formula": [2], "formula_steps": [[0]], "spans": [[1], [5]], "n_sets_start": [2],
    "slower": [2], "n_slow": [[2]], "n_features": [1],
}  # fmt: skip
TINY = {
    "n": 12, "n_signs": 5, "channels": 1, "hidden": 2, "n_hidden": 2, "width": 2, "last_step": 12,
    "repetitions": 1, "epochs": 1, "n_sets": 2, "n_test": 5, "steps": 0, "n_runs": 3, "n_trials": 3,
    "n_population": 20, "trained": 0, "n_curve": 6, "n_layers": 1, "measured_steps": 0,
    "scale": 1, "label_noise": 0.5, "mixture": 0.5, "task": "order", "cell": "elman",
    "n_fresh": 5, "n_formula": 5, "hidden_formula": 2, "formula_steps": 0, "spans": 1,
    "n_sets_start": 2, "n_slow": 12, "n_features": 5,
}  # fmt: skip


@pytest.mark.experiments
@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda e: e.name)
def test_all_settings_within_what_is_stated_run(tmp_path, experiment):
    def change(key, value):
        n_values = experiment.expected[key].n_values
        value = [value] * n_values if n_values else value
        return f"{key}={json.dumps(value)}"

    scale = experiment.scales["smoke"]
    tiny = [change(key, value) for key, value in TINY.items() if key in scale]
    tried = 0
    for key in scale:
        for value in EDGES.get(key, []):
            if isinstance(value, list) and not isinstance(scale[key], list):
                value = value[0]
            if experiment.expected[key].n_values and isinstance(value, list):
                value = value[0]
            try:
                settings = experiment.settings("smoke", [*tiny, change(key, value)])
            except ValueError:  # the edge is elsewhere in this experiment
                continue
            folder = tmp_path / str(tried)
            cells = [cell | {"seed": 0} for cell in experiment.cells(settings)]
            rows = run_grid(experiment.name, experiment.run, cells, folder / "cells")
            run = {"scale": "smoke", "seed": 0, "seconds": 1.0, "command": ""}
            assert rows
            if tried % 3 == 0:  # drawing takes longer than all else
                assert write_output(experiment, rows, settings, folder, run)
            tried += 1
    assert tried >= 8


def columns(header):
    """Their names, without the value of a setting at the end: corr_w_dg_40 is over 40 steps."""
    return {re.sub(r"_\d+$", "", name) for name in header}


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
        if published.exists():  # by a version that may have written fewer columns
            assert columns(next(csv.reader(published.read_text().splitlines()))) <= columns(header)
        assert experiment.title in out
    for name in ("optimizers", "recurrent", "random-labels"):
        two = tmp_path / "two"
        assert run(capsys, name, "--scale", "smoke", "--out", two, "--jobs", 2)[0] == 0
        one, two = ((tmp_path / k / name / "results.csv").read_text() for k in ("one", "two"))
        assert one == two  # 1 process or 2: the same digits
