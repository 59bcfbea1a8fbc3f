"""The grid: the same digits anywhere, nothing lost, nothing stale."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gsnr_ref import parallel
from gsnr_ref.experiments.harness import GridError, cell_key, run_grid
from tests.gsnr_ref.experiments.harness import toy_grid

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module", autouse=True)
def importable():
    """Let new processes import ``tests``, as they do what is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.syspath_prepend(ROOT)
        patch.setattr(parallel, "_cores", lambda: 2)  # on one core, nothing would run in parallel
        yield


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path_factory.mktemp("toy"))


def test_rows_are_in_the_order_of_the_cells(expected):
    assert [row["size"] for row in expected] == list(range(20))


def test_several_processes_give_the_same_digits(tmp_path, expected):
    assert run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, n_jobs=2) == expected


def test_a_dask_cluster_gives_the_same_digits(tmp_path, expected):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        rows = run_grid(
            "toy", toy_grid.run, toy_grid.CELLS, tmp_path, dask=cluster.scheduler_address
        )
    assert rows == expected
    assert len(list(tmp_path.glob("*.json"))) == 20


def test_a_dask_address_where_nobody_answers_is_one_clear_error(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(*_, **__):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(GridError, match="--dask tcp://x: no scheduler answers there"):
        run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, dask="tcp://x")


def test_a_dask_cluster_without_the_package_is_one_clear_error(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    class Cluster:
        def __init__(self, *_, **__):
            pass

        def run(self, *_):
            return {"tcp://worker": "0.0.1"}

        def close(self):
            pass

    monkeypatch.setattr(distributed, "Client", Cluster)
    with pytest.raises(GridError, match=r"workers have gsnr-ref \['0.0.1'\]; expected"):
        run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, dask="tcp://x")


def test_done_cells_are_kept_and_not_run_again(tmp_path, expected):
    run_grid("toy", toy_grid.run, toy_grid.CELLS[:5], tmp_path)
    said = []
    assert run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, say=said.append) == expected
    assert said == ["toy: 5 of 20 cells are there already"]
    assert run_grid("toy", toy_grid.fails, toy_grid.CELLS, tmp_path, say=said.append) == expected


def test_a_changed_cell_is_not_taken_from_an_old_one(tmp_path):
    run_grid("toy", toy_grid.run, toy_grid.CELLS[:1], tmp_path)
    changed = [toy_grid.CELLS[0] | {"seed": 4}]
    rows = run_grid("toy", toy_grid.run, changed, tmp_path)
    assert rows == toy_grid.run(changed[0])
    assert cell_key("toy", changed[0]) != cell_key("toy", toy_grid.CELLS[0])
    assert cell_key("other", changed[0]) != cell_key("toy", changed[0])


@pytest.mark.parametrize("content", ["", "{", '{"cell": {}, "rows": []}', '{"rows": 1}', "[]", "7"])
def test_a_corrupt_file_is_said_and_computed_again(tmp_path, content, expected):
    run_grid("toy", toy_grid.run, toy_grid.CELLS[:3], tmp_path)
    path = tmp_path / f"{cell_key('toy', toy_grid.CELLS[1])}.json"
    path.write_text(content)
    said = []
    rows = run_grid("toy", toy_grid.run, toy_grid.CELLS[:3], tmp_path, say=said.append)
    assert rows == expected[:3]
    assert "is corrupt" in said[0]
    assert str(path) in said[0]
    assert json.loads(path.read_text())["rows"] == expected[1:2]


def test_a_lost_worker_is_said_and_the_rest_is_kept(tmp_path):
    with pytest.raises(GridError, match=r"a worker was lost .*cells are kept; go on with --resume"):
        run_grid("toy", toy_grid.dies, toy_grid.CELLS, tmp_path, n_jobs=2)
    kept = len(list(tmp_path.glob("*.json")))
    assert 3 <= kept < 20
    said = []
    run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, say=said.append)
    assert said == [f"toy: {kept} of 20 cells are there already"]


def test_a_full_disk_is_said_and_the_rest_is_kept(tmp_path, monkeypatch):
    from gsnr_ref import files

    replace, calls = os.replace, []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        return replace(*arguments)

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(GridError, match=r"\.json: .*No space left .*3 of 20 cells are kept"):
        run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # no half-written file


def test_a_bug_in_a_cell_is_its_own_error(tmp_path):
    with pytest.raises(ZeroDivisionError, match="cell 0"):
        run_grid("toy", toy_grid.fails, toy_grid.CELLS, tmp_path)


@pytest.mark.experiments
def test_killed_twenty_times_and_finished_it_is_the_same(tmp_path, expected):
    # kill -9 of the whole process group at a random moment, then on again with what is there
    rng = random.Random(0)
    folder = tmp_path / "cells"
    command = [sys.executable, "-m", "tests.gsnr_ref.experiments.harness.toy_grid", str(folder)]
    kills = 0
    while kills < 20:
        jobs = "2" if kills % 5 == 0 else "1"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([*command, jobs], cwd=ROOT, start_new_session=True, **quiet)
        time.sleep(rng.uniform(0.6, 1.2))
        if process.poll() is not None:  # it was through: start over
            for path in folder.glob("*.json"):
                path.unlink()
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert run_grid("toy", toy_grid.run, toy_grid.CELLS, folder) == expected
