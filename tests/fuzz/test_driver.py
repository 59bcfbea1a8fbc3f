"""The driver counts, and finds what is planted; the guard sees what a target must not do."""

import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.fuzz import __main__ as driver
from tests.fuzz.guarding import BrokenPromise, guarded
from tests.fuzz.mutation import inputs
from tests.fuzz.targets import targets


@pytest.fixture(autouse=True)
def folder_for_temporary_files(monkeypatch, tmp_path):
    """What a target may write to: not the checkout, even where that lies in /tmp."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_mutation_loop_counts_its_executions(capfd, tmp_path):
    arguments = ["--plain", "--seconds", "0.3", "--target", "idx", "--seed", "0"]
    assert driver.main([*arguments, "--findings", str(tmp_path / "findings")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("seeded mutation, seed 0")
    executions = int(lines[1].split()[1].replace(",", ""))
    assert executions > 10
    assert lines[2] == f"{'total':<24} {executions:>12,} executions, 0 findings"
    assert list((tmp_path / "findings").iterdir()) == []


def test_an_unknown_target_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        driver.main(["--target", "no-such"])
    assert stop.value.code == 2
    assert "no target ['no-such']" in capsys.readouterr().err


@pytest.mark.parametrize(
    "fault",
    [
        "raise IndexError",
        "import sys; sys.exit()",
        "open('x', 'w')",
        "import time; time.sleep(30)",
        "bytes([1]) * (300 << 20)",
    ],
)
def test_a_planted_fault_is_found_and_written_down(monkeypatch, tmp_path, fault):
    def planted(data):
        if b"\xff" in data:
            exec(fault)

    planted.__module__ = "tests.fuzz.targets_data"
    monkeypatch.setattr("tests.fuzz.targets.targets", lambda: {"planted": planted})
    if "sleep" in fault:  # the others are not to be stopped for being slow on a busy machine
        monkeypatch.setattr(driver, "MAX_SECONDS_AN_INPUT", 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    monkeypatch.setattr(driver, "MAX_MIB", peak + 100)
    monkeypatch.chdir(Path(__file__).parent)
    child = ["--plain", "--seconds", "20", "--target", "planted", "--child", str(tmp_path / "n")]
    assert driver.main([*child, "--findings", str(tmp_path), "--seed", "1"]) == 1
    [found] = tmp_path.glob("planted-crash-*")
    assert b"\xff" in found.read_bytes()
    assert not Path("x").exists()


def test_the_stream_of_inputs_depends_on_its_seed_only():
    def first(seed):
        stream = inputs([b"abc", b"{}"], random.Random(seed), 10)
        return [next(stream) for _ in range(200)]

    assert first(1) == first(1) != first(2)
    assert first(1)[:2] == [b"abc", b"{}"]
    assert len(set(first(1))) > 100
    assert max(map(len, first(1))) <= 10


def test_executions_are_read_from_the_log():
    assert driver.executed("#12\tINITED\n#4096\tpulse\n") == 4096
    assert driver.executed("#12\tx\nstat::number_of_executed_units: 99\n") == 99
    assert driver.executed("") == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda: (Path(__file__).parent / "no-such-file").write_text(""),
        lambda: os.open(Path(__file__).parent / "no-such-file", os.O_RDWR | os.O_CREAT),
        lambda: (Path(__file__).parent / "no-such-folder").mkdir(),
        lambda: (Path(__file__).parent / "no-such-file").unlink(missing_ok=True),
        lambda: os.rename(__file__, "elsewhere"),
        lambda: subprocess.run([sys.executable, "-c", ""]),
        lambda: socket.socket().connect(("127.0.0.1", 9)),
    ],
    ids=["open", "os.open", "mkdir", "unlink", "rename", "process", "connection"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("swallow", [False, True])
def test_the_guard_sees_what_a_target_must_not_do(act, swallow):
    with pytest.raises(BrokenPromise), guarded():
        try:
            act()
        except BrokenPromise:
            if not swallow:
                raise


def test_the_guard_lets_temporary_files_and_reading_be(tmp_path):
    with guarded():
        (tmp_path / "file").write_text(Path(__file__).read_text())
        (tmp_path / "file").unlink()


def test_every_target_has_seeds_of_its_own():
    from tests.fuzz.targets import seeds

    assert [name for name, target in targets().items() if seeds(target) == [b""]] == []
