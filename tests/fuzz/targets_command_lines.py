"""Fuzz target of the command line: a function of bytes that raises only on a broken promise."""

import contextlib
import io
import os
from unittest import mock

from gsnr_ref import cli
from gsnr_ref.claims import command as verify
from gsnr_ref.experiments import command as reproduce
from gsnr_ref.golden import command as golden

WORDS = tuple(
    word
    for line in (
        "verify golden reproduce list show export check all --help -h --version --data digits",
        "mnist product gaussian --data-dir . --model mlp softmax linear --n 10 1 --trials 100",
        "--learning-rate 1e-4 --seed 0 --jobs -1 --quick --json out.json --equation 14 3.10 --all",
        "--list --flag --flags --mistakes --report r.md --xfail x.txt --tolerance 1e-6 --scale",
        "smoke --out --dask tcp://a:1 --set n=3 --resume -- - --n=5 --json= --jobs=2 1e999 nan",
    )
    for word in line.split()
)
LINES = (
    "verify --data gaussian --model linear --n 5 10 --trials 20 --json out.json",
    "verify --equation 14 3.10 --seed 7 --jobs -1",
    "verify --all --quick --learning-rate 1e-3",
    "verify --list",
    "golden list --flag dense",
    "golden check results.json --report r.md --xfail x.txt --tolerance 1e-6",
    "golden show no-such-case",
    "golden export folder",
    "reproduce osgr --scale smoke --out folder --set n=3 --set k=[1] --resume --seed 1",
    "--version",
)


def seeds_command_line() -> list[bytes]:
    """Valid command lines, word by word."""
    return ["\0".join(line.split()).encode() for line in LINES]


def _no_work(*arguments: object) -> int:
    return 0


def fuzz_command_line(data: bytes) -> None:
    """Any words end in an exit code that is documented and, where refused, in one printable line.

    Words are parted by NUL, which no argument can hold. What is asked for is planned, not run.
    """
    words = os.fsdecode(data).split("\0")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        for module, name, instead in (
            (verify, "plan", lambda *arguments: []),
            (verify, "plan_equations", lambda *arguments: []),
            (verify, "check_writable", _no_work),
            (verify, "write_atomically", _no_work),
            (golden, "_check", _no_work),
            (golden, "_export", _no_work),
            (reproduce, "_run", _no_work),
        ):
            stack.enter_context(mock.patch.object(module, name, instead))
        stack.enter_context(mock.patch.dict(os.environ))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            code = cli.main(words)
        except SystemExit as stop:  # argparse
            code = stop.code
    assert code in (0, 1, 2, 130), code
    said = err.getvalue()
    assert said == "" if code == 0 else said.count("\n") == 1, said
    assert code != 2 or out.getvalue() == "", out.getvalue()
    for line in (out.getvalue() + said).split("\n"):
        assert line.isprintable(), line
