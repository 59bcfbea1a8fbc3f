"""The experiments: their parts against laws, and all of them at the smallest scale."""

import csv
import json
import re
import time

import numpy as np
import pytest

from gsnr_ref import cli
from gsnr_ref.experiments import data, optimizers, over_training, random_labels, training
from gsnr_ref.experiments.experiment import SCALES, column, mean_curve, select
from gsnr_ref.experiments.output import as_csv
from gsnr_ref.experiments.registry import EXPERIMENTS
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import GradientMoments, gradient_moments
from toy_models import MLP


def run(capsys, *arguments):
    try:
        code = cli.main(["reproduce", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


RNG = np.random.default_rng(0)
MODEL = MLP((3, 4, 2), "tanh", frozen=("layer1",))
PARAMS, X, Y = MODEL.init(0), RNG.normal(size=(230, 3)), RNG.normal(size=(230, 2))


def test_the_mean_gradient_in_chunks_is_the_mean_of_the_per_sample_gradients():
    mean = training.mean_gradient(MODEL, PARAMS, X, Y)
    looped = per_sample_gradients(MODEL, PARAMS, X, Y, method="loop")
    assert set(mean) == set(MODEL.trainable)
    for name, gradient in mean.items():
        assert np.allclose(gradient, looped[name].mean(axis=0), rtol=1e-13, atol=1e-15)
    assert np.array_equal(training.losses(MODEL, PARAMS, X, Y), MODEL.loss(PARAMS, X, Y))


def test_descent_is_plain_gradient_descent():
    params = PARAMS
    for _ in range(3):
        gradient = gradient_moments(MODEL, params, X, Y).mean
        params = params | {k: params[k] - 0.1 * g for k, g in gradient.items()}
    (zero, start), (three, end) = training.descent(MODEL, PARAMS, X, Y, 0.1, [0, 3])
    assert (zero, three) == (0, 3)
    assert start is PARAMS
    assert all(np.allclose(end[k], params[k], rtol=1e-12, atol=1e-15) for k in params)
    assert np.array_equal(end["layer1.weight"], PARAMS["layer1.weight"])  # frozen


def test_drawn_labels_are_replaced_uniformly():
    labels = np.zeros(10, int)
    labels[-1] = 4
    x, y = data.draw(np.arange(10), labels, 20_000, 1.0, 3)
    assert np.array_equal(np.unique(x), np.arange(10))
    shares = np.bincount(y) / len(y)
    assert np.abs(shares - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 20_000)
    assert np.array_equal(data.draw(np.arange(10), labels, 50, 0.0, 3)[1], labels[data.draw(
        np.arange(10), labels, 50, 0.0, 3)[0]])  # fmt: skip


def test_the_ks_distance_is_scipys():
    from scipy.stats import ks_2samp

    own, fresh = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5)) + 0.5
    own[:4, 0] = fresh[:3, 0] = 0.0  # ties, as a dead unit makes them
    expected = np.mean([ks_2samp(own[:, j], fresh[:, j]).statistic for j in range(5)])
    assert np.isclose(over_training.ks_distance(own, fresh), expected, rtol=1e-12)


def test_the_jackknife_of_equation_25_is_of_the_size_of_its_spread():
    def estimate(k):
        g = np.random.default_rng(k).normal(0.1, 1.0, size=(8, 50, 40))
        return [GradientMoments.from_samples(sample) for sample in g]

    values = [over_training.plug_in_osgr(estimate(k)) for k in range(40)]
    errors = [over_training._jackknife(estimate(k)) for k in range(40)]
    # The spread of 40 values has a relative standard error of 1/√78 = 11 %.
    assert 0.6 < np.mean(errors) / np.std(values, ddof=1) < 1.6


def test_adam_is_kingma_and_bas():
    gradients, state = [{"w": np.array([0.1])}, {"w": np.array([-0.3])}], {}
    m = v = 0.0
    for t, gradient in enumerate(gradients, start=1):
        direction, state = optimizers.adam(gradient, state)
        g = gradient["w"][0]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert np.isclose(direction["w"][0], expected, rtol=1e-13)
    scale = optimizers.earlier_scale(state)["w"][0]
    assert np.isclose(scale, 1 / (np.sqrt(v / (1 - 0.999**2)) + 1e-8), rtol=1e-13)
    velocity, _ = optimizers.momentum(gradients[1], {"v": gradients[0]})
    assert np.isclose(velocity["w"][0], 0.9 * 0.1 - 0.3)


def test_the_mixture_law_sees_a_wrong_law(monkeypatch):
    cell = {"data": "digits", "n": 60, "channels": 2, "mixture": [0.5], "seed": 0}
    cell |= {"kind": "mixture"}
    (row,) = random_labels.run(cell)
    assert abs(row["law"] - row["drawn"]) < 4 * row["drawn_error"]
    relabel = random_labels._relabel
    monkeypatch.setattr(random_labels, "_relabel", lambda y, p, c, s: relabel(y, p / 3, c, s))
    (row,) = random_labels.run(cell)
    assert abs(row["law"] - row["drawn"]) > 6 * row["drawn_error"]


def test_tables_keep_every_digit():
    rows = [{"a": 0.1 + 0.2, "b": "x"}, {"a": 1.0, "c": 3}]
    read = list(csv.DictReader(as_csv(rows).splitlines()))
    assert float(read[0]["a"]) == 0.1 + 0.2
    assert (read[0]["c"], read[1]["b"], read[1]["c"]) == ("", "", "3")


def test_rows_are_selected_and_averaged():
    rows = [{"t": 1, "g": 2.0}, {"t": 0, "g": 1.0}, {"t": 0, "g": 3.0}]
    assert select(rows, t=0) == rows[1:]
    assert np.array_equal(column(rows, "g"), [2, 1, 3])
    at, mean, error = mean_curve(rows, "t", "g")
    assert np.array_equal(at, [0, 1])
    assert np.array_equal(mean, [2, 2])
    assert error[0] == 1
    assert np.isnan(error[1])


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda e: e.name)
def test_every_scale_has_the_same_settings_and_cells(experiment):
    keys = {frozenset(experiment.scales[scale]) for scale in SCALES}
    assert len(keys) == 1
    for scale in SCALES:
        cells = experiment.cells(experiment.settings(scale))
        assert cells == json.loads(json.dumps(cells))
        assert len({json.dumps(cell, sort_keys=True) for cell in cells}) == len(cells)


def test_list(capsys):
    code, out, _ = run(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(EXPERIMENTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "NAME is missing; expected all, or a name from --list"),
        (["identity"], "NAME is 'identity'; expected all or one of ['identity-over-training'"),
        (["frozen-layer", "--set", "n"], "--set n: expected one of ["),
        (["frozen-layer", "--set", "m=3"], "--set m=3: expected one of ["),
        (["frozen-layer", "--set", "n=ten"], "--set n=ten: is 'ten'; expected int"),
        (["frozen-layer", "--set", "n=1.5"], "--set n=1.5: is 1.5; expected int"),
        (["frozen-layer", "--set", "n=true"], "--set n=true: is True; expected int"),
        (["frozen-layer", "--set", "scale=[]"], "is empty; expected at least one value"),
        (["frozen-layer", "--set", "activation=3"], "is 3; expected str"),
        (["all", "--set", "n=3"], "--set is given with all; expected a single experiment"),
        (["frozen-layer", "--scale", "huge"], "argument --scale: invalid choice: 'huge'"),
        (["frozen-layer", "--jobs", "0"], "argument --jobs: is '0'"),
        (["random-labels", "--set", "data=imagenet", "--scale", "smoke"], "data is 'imagenet'"),
        (["frozen-layer", "--scale", "smoke", "--set", "activation=swish"], "activation is"),
    ],
)
def test_bad_usage_is_one_clear_line(capsys, tmp_path, arguments, message):
    code, out, err = run(capsys, *arguments, "--out", tmp_path)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


FAST = ("frozen-layer", "--scale", "smoke", "--set", "last_step=10", "--set", "repetitions=1")


def test_a_run_leaves_everything_and_resumes(capsys, tmp_path):
    code, out, err = run(capsys, *FAST, "--out", tmp_path)
    assert (code, err) == (0, "")
    folder = tmp_path / "frozen-layer"
    names = {p.name for p in folder.iterdir()}
    assert names == {"cells", "config.json", "results.csv", "findings.json", "report.html",
                     "second-layer-gsnr.png", "second-layer-gsnr.svg"}  # fmt: skip
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


@pytest.mark.experiments
def test_everything_at_the_smallest_scale(capsys, tmp_path):
    start = time.perf_counter()
    code, out, err = run(capsys, "all", "--scale", "smoke", "--out", tmp_path / "one")
    assert (code, err) == (0, "")
    assert time.perf_counter() - start < 180
    for name, experiment in EXPERIMENTS.items():
        folder = tmp_path / "one" / name
        assert (folder / "report.html").stat().st_size > 10_000
        rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
        assert rows
        assert experiment.title in out
    for name in ("optimizers", "recurrent", "random-labels"):
        two = tmp_path / "two"
        assert run(capsys, name, "--scale", "smoke", "--out", two, "--jobs", 2)[0] == 0
        one, two = ((tmp_path / k / name / "results.csv").read_text() for k in ("one", "two"))
        assert one == two  # 1 process or 2: the same digits
