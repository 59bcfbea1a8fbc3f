"""What is printed is lost on no terminal, in no encoding and in no pipe."""

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import cli
from gsnr_ref.claims import EQUATIONS
from gsnr_ref.claims.claim import title
from gsnr_ref.terminal import GREEK, SIGNS, one_line, spelled

ENCODINGS = ("ascii", "cp1252", "cp437", "koi8-r", "latin-1", "shift_jis", "utf-8", "utf-16")
EQUATION = ("verify", "--equation", "14", "3.1")


def gsnr_ref(*arguments, environment=(), options=(), **streams):
    """Run the command in a process of its own; its outputs are bytes."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    command = [sys.executable, *options, "-m", "gsnr_ref", *arguments]
    return subprocess.run(command, env=os.environ | dict(environment), **streams)


@given(st.text(), st.sampled_from(ENCODINGS))
def test_every_text_can_be_printed_in_every_encoding(text, encoding):
    printed = spelled(text, encoding)
    printed.encode(encoding)
    assert printed.isascii() or encoding != "ascii"


@given(st.text(), st.sampled_from(ENCODINGS))
def test_what_the_encoding_has_stays_as_it_is(text, encoding):
    there = text.encode(encoding, "ignore").decode(encoding)
    assert spelled(there, encoding) == there


def test_signs_have_names_that_tell_them_apart():
    letters = [*GREEK, *(letter.upper() for letter in GREEK if letter != "ς")]
    names = [spelled(letter) for letter in letters]
    assert len(set(names)) == len(set(letters)) - 1  # two forms of sigma
    signs = [spelled(sign) for sign in SIGNS]
    assert all(name.isascii() and "\\" not in name for name in names + signs)


def test_each_sign_of_the_claims_has_a_name():
    titles = [title(check) for checks in EQUATIONS.values() for check, _ in checks]
    assert sum(not text.isascii() for text in titles) > 10
    assert [text for text in titles if "\\" in spelled(text)] == []


@given(st.text())
def test_one_line_shows_what_a_terminal_would_obey(text):
    assert one_line(text).isprintable()
    assert text.isprintable() == (one_line(text) == text)


ENVIRONMENTS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_encoding_without_greek_letters_loses_no_result(tmp_path, name):
    plain, other = tmp_path / "plain.json", tmp_path / "other.json"
    expected = gsnr_ref(*EQUATION, "--json", plain, environment={"PYTHONIOENCODING": "utf-8"})
    printed = gsnr_ref(*EQUATION, "--json", other, environment=ENVIRONMENTS[name])
    assert (printed.returncode, printed.stderr) == (0, b"")
    encoding = "ascii" if name == "C" else name
    greek, spelt = expected.stdout.decode(), printed.stdout.decode(encoding)
    assert "λ" in greek
    assert "lambda" in spelt
    assert len(greek.splitlines()) == len(spelt.splitlines())
    rows = spelt.splitlines()[2:-2]
    assert len({row.rindex("  holds") for row in rows}) == 1  # columns stand below each other
    assert other.read_bytes() == plain.read_bytes()
    assert "λ" in json.loads(other.read_text(encoding="utf-8"))["claims"][0]["name"]


def closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_away_costs_no_word_and_no_file(tmp_path, unbuffered):
    path = tmp_path / "claims.json"
    write = closed_pipe()
    environment = {"PYTHONUNBUFFERED": unbuffered}
    ended = gsnr_ref(*EQUATION, "--json", path, stdout=write, environment=environment)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")
    assert json.loads(path.read_text(encoding="utf-8"))["claims"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told_by_name(unbuffered):
    with open("/dev/full", "wb") as full:
        environment = {"PYTHONUNBUFFERED": unbuffered}
        ended = gsnr_ref("verify", "--list", stdout=full, environment=environment)
    assert ended.returncode == 2
    assert ended.stderr == b"gsnr-ref: error: standard output: No space left on device\n"


COMMANDS = (
    EQUATION,
    ("verify", "--list"),
    ("golden", "list"),
    ("reproduce", "--list"),
    ("--help",),
    ("verify", "--data", "gaussian", "--model", "linear", "--n", "5", "--trials", "20"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_warnings_as_errors_change_nothing(command):
    ended = gsnr_ref(*command, options=("-W", "error"))
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_locale_with_decimal_commas_changes_nothing(tmp_path):
    if shutil.which("localedef") is None:
        pytest.skip("no localedef here")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], capture_output=True
    )
    environment = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    comma = "import locale; locale.setlocale(locale.LC_ALL, ''); assert f'{1.5:n}' == '1,5'; "
    command = "import sys; from gsnr_ref.cli import main; sys.exit(main())"
    words = (*EQUATION, "--learning-rate", "1.5e-4")
    if made.returncode:
        pytest.skip("localedef cannot make de_DE here")
    german = subprocess.run(
        [sys.executable, "-c", comma + command, *words],
        env=os.environ | environment,
        capture_output=True,
    )
    assert (german.returncode, german.stderr) == (0, b"")
    assert german.stdout == gsnr_ref(*words).stdout


def test_the_command_runs_in_a_thread(capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(cli.main(["verify", "--list"])))
    thread.start()
    thread.join()
    assert codes == [0]
    assert "By equation" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("verify", "\x1b[2J"), ("golden", "show", "a\n\x9b2J")])
def test_control_characters_of_an_argument_are_shown_not_obeyed(capsys, words):
    try:
        code = cli.main(words)
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err[:-1].isprintable()
    assert "2J" in err


def test_too_little_memory_is_one_clear_line(capsys, monkeypatch):
    def full(words):
        raise MemoryError("Unable to allocate 7 PiB")

    monkeypatch.setattr(cli, "_parser", full)
    assert cli.main([]) == 2
    assert capsys.readouterr().err == (
        "gsnr-ref: error: not enough memory: Unable to allocate 7 PiB\n"
    )
