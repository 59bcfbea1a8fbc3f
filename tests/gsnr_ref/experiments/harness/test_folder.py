"""One run a folder: the second is told so, and a killed one blocks nobody."""

import os
import subprocess
import sys
import threading

import pytest

from gsnr_ref.experiments.harness import GridError, held


def test_a_second_run_is_one_clear_error(tmp_path):
    folder = tmp_path / "new" / "run"
    with held(folder):
        with pytest.raises(GridError, match=f"{folder}: another run is at work"), held(folder):
            raise AssertionError
        with held(tmp_path / "other"):
            pass
    with held(folder):  # the end of a run frees it
        assert list(folder.iterdir()) == []  # and there is no file of a lock


def test_so_it_is_between_threads(tmp_path):
    seen = []

    def second():
        try:
            with held(tmp_path):
                seen.append("held twice")
        except GridError as error:
            seen.append(str(error))

    with held(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(seen) == 1
    assert "another run is at work" in seen[0]


@pytest.mark.experiments
def test_a_killed_run_blocks_nobody(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; "
        "from gsnr_ref.experiments.harness import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            with pytest.raises(GridError, match="another run"), held(tmp_path):
                raise AssertionError
        finally:
            process.kill()
    with held(tmp_path):
        assert os.listdir(tmp_path) == []


def test_where_there_are_no_locks_it_goes_on(tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    with held(tmp_path):
        pass
    monkeypatch.setitem(sys.modules, "fcntl", None)  # Windows
    with held(tmp_path):
        pass
