import contextlib
import json
import signal
import subprocess
import sys
import time

import pytest

from gsnr_ref import cli
from gsnr_ref.claims import identity
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.claims.verify import CASE_CHECKS, CONTROLS


def run(capsys, *arguments):
    try:
        code = cli.main(arguments)
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


FAST = ("--data", "gaussian", "--model", "linear", "--n", "5", "--trials", "20")


def test_verify_prints_one_table_and_writes_json(capsys, tmp_path):
    path = tmp_path / "claims.json"
    code, out, err = run(capsys, "verify", *FAST, "--json", str(path))
    assert (code, err) == (0, "")  # no progress bar in a pipe
    assert out.splitlines()[0].split()[0] == "claim"
    assert "all as the theory says" in out
    claims = json.loads(path.read_text())["claims"]
    assert len(claims) == 5
    assert all(c["holds"] for c in claims)


def test_the_default_run_has_every_kind_of_claim(capsys):
    code, out, _ = run(capsys, "verify", "--quick", "--trials", "30", "--n", "10")
    assert code == 0
    for part in (
        "Tapped gradients equal the loop's", "E g_D·g̃ = ‖g̃‖²", "Equation 22 equals the collapsed",
        "digits/mlp", "digits/softmax", "gaussian/linear", "product/mlp", "with order 1",
        "exact: fractions", "fitted", "correlated draws", "broken, as expected",
    ):  # fmt: skip
        assert part in out


def test_a_claim_that_fails_gives_exit_code_1(capsys, monkeypatch):
    monkeypatch.setattr(identity, "collapsed_osgr", lambda moments, n: 0.5)
    code, out, _ = run(capsys, "verify", *FAST)
    assert code == 1
    assert "FAILS" in out
    assert "1 NOT as the theory says" in out


def test_list_names_the_claims_and_stops(capsys):
    code, out, _ = run(capsys, "verify", "--list")
    assert code == 0
    lines = out.splitlines()
    listed = [check.__doc__ for check in (*CASE_CHECKS, *CONTROLS)]
    listed += [f"{e:<5} {c.__doc__}" for e, checks in EQUATIONS.items() for c, _ in checks]
    assert {f"  {line}" for line in listed} <= set(lines)


def test_one_equation(capsys):
    code, out, _ = run(capsys, "verify", "--equation", "14", "3.10")
    assert code == 0
    assert "1091699/115200" in out
    assert "4 claims and 0 controls: all as the theory says" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--equation", "15"), "invalid choice: '15'"),
        (("--equation", "14", "--all"), "--equation is given with --all"),
        (("--all", "--data", "digits"), "--all is given with --data"),
        (("--jobs", "many"), "is 'many'; expected 1 or more"),
    ],
)
def test_options_that_do_not_go_together(capsys, options, message):
    code, out, err = run(capsys, "verify", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_all_adds_every_equation(capsys, monkeypatch):
    ran = []
    monkeypatch.setattr("gsnr_ref.cli.plan", lambda *a: [])
    monkeypatch.setattr("gsnr_ref.cli.plan_equations", lambda e, s: ran.extend(e) or [])
    assert run(capsys, "verify", "--all")[0] == 0
    assert ran == list(EQUATIONS)


def unreadable(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\x00\x00\x08\x03" + b"\xff" * 12)
    return ["--data", "mnist", "--data-dir", str(tmp_path)]


BAD = [
    (["--n", "0"], "argument --n: is '0'; expected a whole number, 1 or more"),
    (["--n", "ten"], "argument --n: is 'ten'"),
    (["--learning-rate", "-1"], "argument --learning-rate: is '-1'; expected a positive number"),
    (["--learning-rate", "nan"], "argument --learning-rate: is 'nan'"),
    (["--trials", "1"], "argument --trials"),
    (["--jobs", "0"], "argument --jobs: is '0'"),
    (["--jobs", "x"], "argument --jobs: is 'x'"),
    (["--seed", "-1"], "argument --seed"),
    (["--data", "imagenet"], "argument --data: invalid choice: 'imagenet'"),
    (["--data", "digits", "--model", "linear"], "model is 'linear' on digits"),
    (["--data", "mnist", "--data-dir", "no/such"], "'no/such'; expected a folder with the MNIST"),
    (["--data-dir", "."], "--data-dir is given without --data mnist"),
    (["--json", "no/such/folder/f.json"], "its folder is missing or cannot be written"),
    (["--learning-rate", "1e300", *FAST], "expected a smaller learning_rate"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_usage_is_one_clear_line_and_exit_code_2(capsys, arguments, message):
    code, out, err = run(capsys, "verify", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_truncated_idx_file_is_one_clear_line(capsys, tmp_path):
    code, _, err = run(capsys, "verify", *unreadable(tmp_path))
    assert code == 2
    assert "train-images-idx3-ubyte: truncated" in err
    assert err.count("\n") == 1


def test_no_command_is_one_clear_line(capsys):
    code, _, err = run(capsys)
    assert code == 2
    assert "COMMAND" in err
    assert err.count("\n") == 1


def test_a_missing_extra_is_one_clear_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    code, _, err = run(capsys, "verify", *FAST)
    assert code == 2
    assert err == 'gsnr-ref: error: verify needs tqdm: pip install "gsnr-ref[experiments]"\n'


def test_mnist_through_the_command(capsys, mnist_directory):
    code, out, _ = run(
        capsys, "verify", "--data", "mnist", "--data-dir", str(mnist_directory),
        "--model", "softmax", "--n", "50", "--trials", "10",
    )  # fmt: skip
    assert code == 0
    assert "mnist/softmax" in out


def test_ctrl_c_ends_it_cleanly():
    code = (
        "import sys; from gsnr_ref.cli import main; from gsnr_ref.claims.verify import Task; "
        "run = Task.run; Task.run = lambda task: print('ready', flush=True) or run(task); "
        "sys.exit(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "verify", "--trials", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(2):  # the second check draws a million training sets
            assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        try:
            for patience in (5, 5, 20):  # C code that calls back can swallow one: press again
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    _, err = process.communicate(timeout=patience)
                    break
        finally:
            process.kill()
    assert err == "gsnr-ref: interrupted\n"
    assert process.returncode == 130
