import contextlib
import os
import resource
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsnr_ref import files
from gsnr_ref.files import (
    check_folder_writable,
    check_writable,
    write_atomically,
    write_bytes_atomically,
)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@contextlib.contextmanager
def umask(value):
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@given(
    st.binary(max_size=300),
    st.one_of(st.none(), st.integers(0o200, 0o777).filter(lambda m: m & 0o200)),
    st.integers(0, 3),
    st.integers(0, 0o777),
    st.sampled_from([None, "chmod", "replace"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_written_whole_or_not_at_all(
    tmp_path_factory, content, old_mode, links, mask, fails
):
    """Content, mode, links and the other names of a folder, whatever was there, and on failure."""
    folder = tmp_path_factory.mktemp("out")
    target = folder / "file"
    if old_mode is not None:
        target.write_bytes(b"old")
        target.chmod(old_mode)
    path = target
    for i in range(links):
        link = folder / f"link{i}"
        link.symlink_to(path.name)
        path = link
    before = names(folder)

    def fail(*_):
        raise OSError(5, "Input/output error")

    with pytest.MonkeyPatch.context() as patch, umask(mask):
        if fails:
            patch.setattr(os, fails, fail)
        failed = fails == "replace" or (fails and old_mode is not None)
        with pytest.raises(OSError, match=path.name) if failed else contextlib.nullcontext():
            write_bytes_atomically(path, content)
    assert all((folder / f"link{i}").is_symlink() for i in range(links))
    if failed:
        assert names(folder) == before
        assert old_mode is None or target.read_bytes() == b"old"
        return
    assert names(folder) == sorted({*before, "file"})
    assert mode(target) == (0o666 & ~mask if old_mode is None else old_mode)
    target.chmod(0o600)
    assert path.read_bytes() == content


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    write_atomically(path, "old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match=r"out\.json: disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_the_files_name_and_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.json"
    write_atomically(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*out\.json'"):
            write_atomically(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_atomically(Path("/dev/full"), "x")


def test_a_private_file_is_never_readable_by_others(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.touch(0o600)
    seen = []
    monkeypatch.setattr(os, "chmod", lambda name, _: seen.append(mode(name)))
    write_atomically(path, "new")
    assert seen == [0o600]


def test_devices_stay_devices():
    before = os.stat("/dev/null")
    check_writable("--json", Path("/dev/null"))
    write_atomically(Path("/dev/null"), "{}")
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_a_pipe_gets_all_of_it(tmp_path):
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    check_writable("--json", path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_bytes_atomically(path, b"x" * 1_000_000)
    reader.join(10)
    assert read == [b"x" * 1_000_000]
    assert stat.S_ISFIFO(os.stat(path).st_mode)


def test_a_pipe_that_nobody_reads_does_not_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_WAIT_FOR_A_READER", 0.05)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"No such device or address: '.*pipe'"):
        write_atomically(path, "{}")


WRITE = """
import sys
from pathlib import Path
from files import check_writable, write_atomically
path = Path(sys.argv[1])
check_writable("--json", path)
print("table")
write_atomically(path, "{}\\n")
print("end")
"""


@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "out.txt"])
def test_standard_output_is_written_to_in_order(tmp_path, to_file, name):
    if name == "out.txt" and not to_file:
        return
    out = tmp_path / "out.txt"
    command = [sys.executable, "-c", WRITE, name]
    with out.open("w") as file:
        result = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(files.__file__).parent)},
            stdout=file if to_file else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.stderr == ""
    assert (out.read_text() if to_file else result.stdout) == "table\n{}\nend\n"
    assert list(tmp_path.iterdir()) == [out]


def read_only_folder(tmp_path):
    """One in which nobody makes a file: for root, to whom modes say nothing, the system's own."""
    if os.geteuid() == 0:
        return Path("/proc")
    tmp_path.chmod(0o555)
    return tmp_path


def test_a_folder_that_cannot_be_written_is_told_before_and_after_the_work(tmp_path):
    path = read_only_folder(tmp_path) / "out.json"
    with pytest.raises(OSError, match=r"--json .*out\.json: its folder is missing or cannot"):
        check_writable("--json", path)
    with pytest.raises(OSError, match=r"out\.json'"):
        write_atomically(path, "{}")
    assert not path.exists()


def test_a_write_protected_file_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write what is protected
    with pytest.raises(OSError, match=r"--json .*out\.json: it cannot be written"):
        check_writable("--json", path)
    with pytest.raises(PermissionError, match=r"write-protected: '.*out\.json'"):
        write_atomically(path, "new")
    assert path.read_text() == "old"


def test_what_is_no_place_for_a_file_is_named_before_the_work(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(tmp_path):
        listener.bind("socket")
        for name, says in {
            ".": "it is a folder; expected a file",
            "": "it is a folder; expected a file",
            "loop": "Too many levels of symbolic links",
            "x" * 300: "File name too long",
            "socket": "it is a socket",
            "no/file": "its folder is missing or cannot be written",
            "loop/file": "Too many levels of symbolic links",
        }.items():
            with pytest.raises(OSError, match=f"^--json {Path(name)}: .*{says}"):
                check_writable("--json", Path(name))
            with pytest.raises(OSError, match=f"{Path(name)}'$"):
                write_atomically(Path(name), "{}")


def test_a_check_leaves_nothing_behind(tmp_path):
    check_writable("--out", tmp_path / "file")
    check_folder_writable("DIR", tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match=r"--out .*: its folder is missing or cannot be written"):
        check_writable("--out", tmp_path / "no" / "file")


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    path = tmp_path / ("x" * 255)
    write_atomically(path, "{}")
    assert path.read_text() == "{}"


def test_a_link_that_points_at_nothing_yet_is_written_through(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("file")
    check_writable("--json", link)
    write_atomically(link, "{}")
    assert link.is_symlink() and (tmp_path / "file").read_text() == "{}"
