import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from gsnr_ref import cli
from gsnr_ref.claims import EQUATIONS, command, identity
from gsnr_ref.claims.tasks import CASE_CHECKS, CONTROLS, REPAIRS, SMALL_CHECKS


def run(capsys, *arguments):
    try:
        code = cli.main(["verify", *arguments])
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


FAST = ("--data", "gaussian", "--model", "linear", "--n", "5", "--trials", "20")


def test_it_prints_one_table_and_writes_json(capsys, tmp_path):
    path = tmp_path / "claims.json"
    code, out, err = run(capsys, *FAST, "--json", str(path))
    assert (code, err) == (0, "")  # no progress bar in a pipe
    assert out.splitlines()[0].split()[0] == "claim"
    assert "all as the theory says" in out
    claims = json.loads(path.read_text())["claims"]
    assert len(claims) == 5
    assert all(c["holds"] for c in claims)


KINDS = """
Tapped gradients equal the loop's
E g_D·g̃ = ‖g̃‖²
Equation 22 equals the collapsed
digits/mlp
digits/softmax
gaussian/linear
product/mlp
with order 1
exact: fractions
fitted
correlated draws
With the reuse factor κ
broken, as expected
"""


def test_the_default_run_has_every_kind_of_claim(capsys):
    code, out, _ = run(capsys, "--quick", "--trials", "30", "--n", "10")
    assert code == 0
    assert [kind for kind in KINDS.split("\n") if kind not in out] == []


def test_a_claim_that_fails_gives_exit_code_1(capsys, monkeypatch):
    monkeypatch.setattr(identity, "collapsed_osgr", lambda moments, n: 0.5)
    code, out, _ = run(capsys, *FAST)
    assert code == 1
    assert "FAILS" in out
    assert "1 NOT as the theory says" in out


def test_list_names_the_claims_and_stops(capsys):
    code, out, _ = run(capsys, "--list")
    assert code == 0
    small = [check for checks in SMALL_CHECKS.values() for check in checks]
    listed = [f"  {check.__doc__}" for check in (*CASE_CHECKS, *small, *CONTROLS, *REPAIRS)]
    listed += [f"  {e:<5} {c.__doc__}" for e, checks in EQUATIONS.items() for c, _ in checks]
    assert set(listed) <= set(out.splitlines())


def test_one_equation(capsys):
    code, out, _ = run(capsys, "--equation", "14", "3.10")
    assert code == 0
    assert "1091699/115200" in out
    assert "4 claims and 0 controls: all as the theory says" in out


def test_all_adds_every_equation(capsys, monkeypatch):
    ran = []
    monkeypatch.setattr(command, "plan", lambda *a: [])
    monkeypatch.setattr(command, "plan_equations", lambda e, s: ran.extend(e) or [])
    assert run(capsys, "--all")[0] == 0
    assert ran == list(EQUATIONS)


BAD = {
    "--n 0": "argument --n: is '0'; expected a whole number, 1 or more",
    "--n ten": "argument --n: is 'ten'",
    "--learning-rate -1": "argument --learning-rate: is '-1'; expected a positive number",
    "--learning-rate nan": "argument --learning-rate: is 'nan'",
    "--trials 1": "argument --trials",
    "--jobs 0": "argument --jobs: is '0'",
    "--jobs many": "argument --jobs: is 'many'; expected 1 or more",
    "--seed -1": "argument --seed",
    "--data imagenet": "argument --data: invalid choice: 'imagenet'",
    "--data digits --model linear": "model is 'linear' on digits",
    "--data mnist --data-dir no/such": "'no/such'; expected a folder with the MNIST",
    "--data-dir .": "--data-dir is given without --data mnist",
    "--json no/such/folder/f.json": "its folder is missing or cannot be written",
    f"--learning-rate 1e300 {' '.join(FAST)}": "expected a smaller learning_rate",
    "--equation 15": "invalid choice: '15'",
    "--equation 14 --all": "--equation is given with --all",
    "--all --data digits": "--all is given with --data",
}


@pytest.mark.parametrize("options", BAD)
def test_bad_usage_is_one_clear_line_and_exit_code_2(capsys, options):
    code, out, err = run(capsys, *options.split())
    assert (code, out) == (2, "")
    assert BAD[options] in err
    assert err.count("\n") == 1


def test_a_truncated_idx_file_is_one_clear_line(capsys, tmp_path):
    sizes = b"".join(n.to_bytes(4, "big") for n in (10, 28, 28))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\x00\x00\x08\x03" + sizes)
    code, _, err = run(capsys, "--data", "mnist", "--data-dir", str(tmp_path))
    assert code == 2
    assert "train-images-idx3-ubyte: truncated" in err
    assert err.count("\n") == 1


def test_a_missing_extra_is_one_clear_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    code, _, err = run(capsys, *FAST)
    assert code == 2
    assert err == 'gsnr-ref: error: verify needs tqdm: pip install "gsnr-ref[experiments]"\n'


def test_mnist(capsys, mnist_directory):
    mnist = ("--data", "mnist", "--data-dir", str(mnist_directory), "--model", "softmax")
    code, out, _ = run(capsys, *mnist, "--n", "50", "--trials", "10")
    assert code == 0
    assert "mnist/softmax" in out


def on_a_terminal(columns, environment):
    """What ``verify`` writes to a terminal of so many columns: exit code and text."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": "", "COLUMNS": ""} | environment
    process = subprocess.Popen(
        [sys.executable, "-m", "gsnr_ref", "verify", "--equation", "14", "22"],
        env=environment,
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    written = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # at the end, on Linux
            break
        if not piece:
            break
        written += piece
    code = process.wait()
    os.close(terminal)
    return code, written.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("columns", [40, 80, 120, 265])
def test_on_a_terminal_the_table_fits_and_verdicts_have_a_colour(columns):
    code, text = on_a_terminal(columns, {})
    assert code == 0
    shown = [line.rpartition("\r")[2] for line in text.split("\r\n")]  # after a progress bar
    plain = [COLOUR.sub("", line) for line in shown]
    assert max(sum(c != "\u0303" for c in line) for line in plain) <= columns
    assert text.count("\x1b[32mholds\x1b[0m") >= 4
    assert "claims and 0 controls" in "\n".join(plain)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_that_wants_no_colour_gets_none(environment):
    code, text = on_a_terminal(80, environment)
    assert code == 0
    assert "holds" in text
    assert not COLOUR.search(text)
