"""Faults from outside: signals, full disks, no home, another locale, a cluster that is lost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gsnr_ref import cli
from gsnr_ref.experiments.harness import GridError, cluster, grid, run_grid
from tests.gsnr_ref.experiments.harness import toy_grid

ROOT = Path(__file__).parents[3]
SMALL = ("reproduce", "frozen-layer", "--scale", "smoke", "--set", "last_step=20")
NUMBERS = ("results.csv", "findings.json")


@pytest.fixture(scope="module", autouse=True)
def importable():
    """Let new processes import ``tests``, as they do what is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.syspath_prepend(ROOT)
        yield


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a run without any fault leaves."""
    out = tmp_path_factory.mktemp("expected")
    assert cli.main([*SMALL, "--out", str(out)]) == 0
    return numbers(out)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path_factory.mktemp("toy"))


def numbers(out):
    return [(out / "frozen-layer" / name).read_bytes() for name in NUMBERS]


def start(*arguments, phase="none", **how):
    """``gsnr-ref`` in a process, and a process group, of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.gsnr_ref.experiments.faulty", phase, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **how,
    )  # fmt: skip


def ended(process):
    """Exit code and standard error, in less than a minute."""
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, err


def half_written(out):
    return [path for path in out.rglob("*") if path.name.startswith(".")]


def test_ctrl_c_while_it_imports_is_one_line(tmp_path):
    process = start(*SMALL, "--out", tmp_path / "out", phase="import")
    assert process.stdout.readline() == "reached\n"
    os.killpg(process.pid, signal.SIGINT)
    assert ended(process) == (130, "gsnr-ref: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.experiments
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("phase", ["computing", "drawing", "writing"])
def test_ctrl_c_at_any_phase_is_one_line_and_the_run_goes_on(tmp_path, expected, phase, jobs):
    process = start(*SMALL, "--out", tmp_path, "--jobs", jobs, phase=phase)
    assert process.stdout.readline() == "reached\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    assert ended(process) == (130, "gsnr-ref: interrupted\n")
    assert half_written(tmp_path) == []
    assert len(list((tmp_path / "frozen-layer" / "cells").iterdir())) >= 1
    assert cli.main([*SMALL, "--out", str(tmp_path), "--resume"]) == 0
    assert numbers(tmp_path) == expected


@pytest.mark.experiments
def test_the_parent_alone_is_killed_and_the_run_goes_on_at_once(tmp_path, expected):
    process = start(*SMALL, "--out", tmp_path, "--jobs", 2, phase="computing")
    assert process.stdout.readline() == "reached\n"
    process.kill()
    process.wait()
    assert cli.main([*SMALL, "--out", str(tmp_path), "--resume"]) == 0
    assert numbers(tmp_path) == expected
    os.killpg(process.pid, signal.SIGKILL)  # workers without a parent wait minutes for more
    process.communicate()


@pytest.mark.experiments
def test_two_runs_in_one_folder(tmp_path):
    first = start(*SMALL, "--out", tmp_path, phase="computing")
    assert first.stdout.readline() == "reached\n"
    for more in ([], ["--resume"]):
        code, err = ended(start(*SMALL, "--out", tmp_path, *more))
        assert code == 2
        assert "another run is at work in this folder" in err
        assert err.count("\n") == 1
    os.killpg(first.pid, signal.SIGINT)
    assert ended(first)[0] == 130


def without_privileges(script, folder):
    """A shell script with a file system of its own, which nobody else sees."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc", script, "sh"]
    return subprocess.run([*command, str(folder)], capture_output=True, text=True, cwd=ROOT)


RUN = f"{sys.executable} -m tests.gsnr_ref.experiments.faulty none {' '.join(SMALL)}"


@pytest.mark.experiments
@pytest.mark.parametrize("kilobytes", [4, 20, 60])
def test_a_full_disk_is_told_with_the_files_name_and_the_run_goes_on(tmp_path, expected, kilobytes):
    script = f"""
    disk=$1/disk; mkdir $disk; mount -t tmpfs -o size={kilobytes}k none $disk
    code=0; {RUN} --out $disk || code=$?
    test $code = 2
    test -z "$(find $disk -name '.*')"
    mount -o remount,size=50m $disk
    {RUN} --out $disk --resume
    cp -r $disk/frozen-layer $1
    """
    result = without_privileges(script, tmp_path)
    assert result.returncode == 0, result
    assert result.stderr.count("\n") == 1
    assert "No space left on device" in result.stderr
    assert str(tmp_path / "disk") in result.stderr
    assert kilobytes == 4 or "go on with --resume" in result.stderr
    assert numbers(tmp_path) == expected


@pytest.mark.experiments
def test_a_read_only_folder_is_told_by_name(tmp_path):
    script = f"mount -t tmpfs none $1; mount -o remount,ro $1; {RUN} --out $1"
    result = without_privileges(script, tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"Read-only file system: '{tmp_path}/frozen-layer'" in result.stderr


@pytest.mark.experiments
@pytest.mark.parametrize("home", [None, "/no/such/folder", "/proc"])
def test_no_home_changes_nothing(tmp_path, expected, home):
    ours = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "JOBLIB_TEMP_FOLDER")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {} if home is None else {"HOME": home}
    work = tmp_path / "work"
    work.mkdir()
    process = start(*SMALL, "--jobs", 2, "--out", tmp_path / "o", env=environment, cwd=work)
    code, err = ended(process)
    assert code == 0, err
    assert "Traceback" not in err
    assert numbers(tmp_path / "o") == expected
    assert list(work.iterdir()) == []  # no folder named ~


@pytest.mark.experiments
def test_decimal_commas_change_nothing(tmp_path, expected):
    made = tmp_path / "de_DE.UTF-8"
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", made], check=False)
    environment = os.environ | {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    code = (
        "import locale, sys; locale.setlocale(locale.LC_ALL, '')\n"
        "assert locale.localeconv()['decimal_point'] == ','; assert f'{0.5:n}' == '0,5'\n"
        "from gsnr_ref.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, *SMALL, "--out", str(tmp_path / "out")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert numbers(tmp_path / "out") == expected


@pytest.mark.experiments
def test_warnings_as_errors_change_nothing(tmp_path, expected):
    process = start(
        *SMALL, "--out", tmp_path, "--jobs", 2, env=os.environ | {"PYTHONWARNINGS": "error"}
    )
    code, err = ended(process)
    assert (code, err) == (0, "")
    assert numbers(tmp_path) == expected


@pytest.mark.experiments
def test_the_same_bytes_on_any_number_of_blas_threads_and_processes(tmp_path, expected):
    for threads, jobs in (("1", 1), ("4", 1), ("4", 2)):
        out = tmp_path / f"{threads}-{jobs}"
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        code, err = ended(start(*SMALL, "--out", out, "--jobs", jobs, env=environment))
        assert code == 0, err
        assert numbers(out) == expected  # each cell runs on one thread: no tolerance


# --- Dask


@contextlib.contextmanager
def processes_of_a_cluster(n_workers, nanny):
    """Address, scheduler and workers, each a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}

    def begin(what, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments]
        return subprocess.Popen([*command, "--no-dashboard"], start_new_session=True, **quiet)

    port = address.rpartition(":")[2]
    scheduler = begin("scheduler", "--host", "127.0.0.1", "--port", port)
    kind = "--nanny" if nanny else "--no-nanny"
    workers = [begin("worker", address, kind, "--nthreads", "1") for _ in range(n_workers)]
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(GridError), cluster(address) as client:
                if len(client.nthreads()) == n_workers:
                    break
        yield address, scheduler, workers
    finally:
        for process in (scheduler, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def at_the_third_cell(monkeypatch, act):
    """Do something when a third cell is done."""
    write, done = grid.write_cell, []

    def third(*arguments):
        done.append(arguments)
        if len(done) == 3:
            act()
        return write(*arguments)

    monkeypatch.setattr(grid, "write_cell", third)


@pytest.mark.experiments
@pytest.mark.parametrize("nanny", [True, False], ids=["nanny", "no nanny"])
def test_a_killed_dask_worker_changes_nothing(tmp_path, monkeypatch, toy, nanny):
    with processes_of_a_cluster(2, nanny) as (address, _, workers):
        at_the_third_cell(monkeypatch, lambda: os.killpg(workers[0].pid, signal.SIGKILL))
        assert run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, dask=address) == toy


@pytest.mark.experiments
@pytest.mark.parametrize("lost", ["scheduler", "workers"])
def test_a_lost_cluster_is_one_error_in_seconds_and_the_run_goes_on(
    tmp_path, monkeypatch, toy, lost
):
    monkeypatch.setattr("gsnr_ref.experiments.harness.dask_cluster._WITHOUT_WORKERS", 3.0)
    with processes_of_a_cluster(2, nanny=False) as (address, scheduler, workers):
        processes = [scheduler] if lost == "scheduler" else workers
        at_the_third_cell(
            monkeypatch, lambda: [os.killpg(p.pid, signal.SIGKILL) for p in processes]
        )
        begin = time.monotonic()
        with pytest.raises(GridError, match=rf"--dask {address}: .*{lost} .*lost.*--resume"):
            run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path, dask=address)
        assert time.monotonic() - begin < 30
    assert 3 <= len(list(tmp_path.iterdir())) < 20
    assert run_grid("toy", toy_grid.run, toy_grid.CELLS, tmp_path) == toy


@pytest.mark.experiments
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no.such.host:8786", "http://x", ""])
def test_a_dead_scheduler_is_one_line_in_seconds(tmp_path, address):
    begin = time.monotonic()
    code, err = ended(start(*SMALL, "--out", tmp_path / "out", "--dask", address))
    assert time.monotonic() - begin < 30  # of which it waits for 10, and imports
    assert code == 2
    assert err.startswith(f"gsnr-ref: error: --dask {address}: no scheduler answers there (")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.experiments
def test_dask_gives_the_same_bytes(tmp_path, expected):
    with processes_of_a_cluster(2, nanny=False) as (address, *_):
        code, err = ended(start(*SMALL, "--out", tmp_path, "--dask", address))
    assert (code, err) == (0, "")
    assert numbers(tmp_path) == expected
