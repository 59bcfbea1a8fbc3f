"""The files of cells: what is not, digit for digit, what was written is told, and by its name."""

import json
import os
from pathlib import Path

import pytest

from gsnr_ref.experiments.harness import CellFileError, GridError, cell_key, read_cell, run_grid
from gsnr_ref.experiments.harness.cells import as_text, rows_in, write_cell
from tests.gsnr_ref.experiments.harness import toy_grid

CELL = {"n": 10}
TEXT = as_text(CELL, [{"r": 0.5, "k": 1}], 1.0)


def test_rows_changed_by_hand_are_told_and_computed_again(tmp_path):
    expected = run_grid("toy", toy_grid.run, toy_grid.CELLS[:2], tmp_path)
    path = tmp_path / f"{cell_key('toy', toy_grid.CELLS[0])}.json"
    kept = json.loads(path.read_text())
    kept["rows"][0]["trace"] += 1
    path.write_text(json.dumps(kept))
    said = []
    rows = run_grid("toy", toy_grid.run, toy_grid.CELLS[:2], tmp_path, say=said.append)
    assert rows == expected
    assert said == [
        f"{path} is corrupt (it was changed since it was written); its cell is computed again",
        "toy: 1 of 2 cells are there already",
    ]


def test_every_change_of_a_value_is_seen():
    kept = json.loads(TEXT)
    for changed in (
        {"rows": [{"r": 0.5, "k": 1.0}]},
        {"rows": [{"r": 0.5000000000000001, "k": 1}]},
        {"rows": []},
        {"seconds": 2.0},
        {"sha256": "0" * 64},
        {"more": 1},
    ):
        with pytest.raises(CellFileError, match="it was changed since it was written"):
            rows_in(json.dumps(kept | changed).encode(), CELL)
    assert rows_in(json.dumps(kept, indent=3).encode(), CELL) == rows_in(TEXT.encode(), CELL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT[:-20], "it is truncated, or no JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        (
            "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
            "it is truncated, or no JSON",
        ),
        (as_text({"n": 11}, [], 1.0), "it holds another cell"),
        (as_text(CELL, [7], 1.0), "it holds no rows"),
        ('{"rows": []}', "it has no digest"),
    ],
)
def test_a_file_that_holds_no_cell_says_why(tmp_path, content, message):
    path = tmp_path / "cell.json"
    path.write_text(content)
    with pytest.raises(CellFileError, match=message):
        read_cell(path, CELL)


def loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(Path.mkdir, "no regular file"), (os.mkfifo, "no regular file"), (loop, "symbolic links")],
)
def test_what_cannot_be_read_is_one_error_that_names_it_and_is_left_alone(tmp_path, make, reason):
    path = tmp_path / f"{cell_key('toy', toy_grid.CELLS[0])}.json"
    make(path)
    with pytest.raises(GridError, match=f"{path}: cannot be read .*{reason}.*remove it"):
        run_grid("toy", toy_grid.run, toy_grid.CELLS[:1], tmp_path)
    assert os.path.lexists(path)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_a_file_too_large_for_the_memory_is_computed_again(tmp_path, monkeypatch, error):
    def read(path):
        raise error

    run_grid("toy", toy_grid.run, toy_grid.CELLS[:1], tmp_path)
    monkeypatch.setattr(
        "gsnr_ref.experiments.harness.cells.json.loads" if isinstance(error, RecursionError)
        else "gsnr_ref.experiments.harness.cells.Path.read_bytes", read)  # fmt: skip
    path = tmp_path / f"{cell_key('toy', toy_grid.CELLS[0])}.json"
    with pytest.raises(CellFileError, match="too large for the memory"):
        read_cell(path, toy_grid.CELLS[0])


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "cell.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no space
    with pytest.raises(CellFileError, match="it has 1099511627776 bytes; expected at most"):
        read_cell(path, CELL)


def test_a_file_that_does_not_fit_is_told_by_name_and_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "cell.json"
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(GridError, match=f"{path}: cannot be written \\(File too large\\)"):
            write_cell(path, CELL, [], 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_nothing_depends_on_the_times_of_files_or_the_clock(tmp_path, monkeypatch):
    expected = run_grid("toy", toy_grid.run, toy_grid.CELLS[:3], tmp_path)
    for k, path in enumerate(tmp_path.iterdir()):
        os.utime(path, (4e9 * (k % 2), 4e9 * (k % 2)))  # 1970, and 2096
    monkeypatch.setattr("time.time", lambda: -1e9)
    rows = run_grid("toy", toy_grid.run, toy_grid.CELLS[:4], tmp_path)
    assert rows[:3] == expected
    last = json.loads((tmp_path / f"{cell_key('toy', toy_grid.CELLS[3])}.json").read_text())
    assert 0 < last["seconds"] < 60


def test_a_cell_that_needs_more_memory_is_one_error(tmp_path):
    with pytest.raises(GridError, match=r"more memory than there is; set smaller sizes.*0 of 20"):
        run_grid("toy", toy_grid.needs_memory, toy_grid.CELLS, tmp_path)
