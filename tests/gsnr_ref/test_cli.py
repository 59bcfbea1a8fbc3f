import argparse
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

import gsnr_ref
from gsnr_ref import cli

ROOT = Path(__file__).parents[2]
VERSION = f"gsnr-ref {gsnr_ref.__version__}\n"


def run(capsys, *arguments):
    try:
        code = cli.main(arguments)
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def test_the_version_is_one():
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert gsnr_ref.__version__ == version("gsnr-ref") == cited[1]


def test_the_version_is_printed(capsys):
    assert run(capsys, "--version") == (0, VERSION, "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_says_what_it_takes(capsys, name):
    code, out, err = run(capsys, name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: gsnr-ref {name} [-h] ")
    assert len(out.splitlines()) > 5
    _, listed, _ = run(capsys, "--help")
    assert re.search(rf"^    {name}\b", listed, re.MULTILINE)


def subparsers(parser):
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                assert any(c.dest == name and c.help for c in action._choices_actions), name
                yield from subparsers(command)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_argument_says_what_it_is(name):
    for parser in subparsers(cli._parser([name])):
        for action in parser._actions:
            says = action.help or isinstance(action, argparse._SubParsersAction)
            assert says, (parser.prog, action.dest)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("prove",), "argument COMMAND: invalid choice: 'prove'"),
        (("golden",), "the following arguments are required: ACTION"),
        (("--fast",), "COMMAND"),
    ],
)
def test_bad_usage_is_one_clear_line_and_exit_code_2(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def python(*arguments):
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_python_dash_m_is_the_command():
    assert python("-m", "gsnr_ref", "--version") == VERSION
    assert python("-m", "gsnr_ref", "--help").startswith("usage: gsnr-ref [-h]")


def loaded_by(statement):
    """Modules that a fresh interpreter has loaded after a statement."""
    return set(python("-c", f"{statement}\nimport sys; print(*sys.modules)").split())


HELP = (
    "import contextlib, io; from gsnr_ref.cli import main\n"
    "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
    "main(['--help'])"
)


@pytest.mark.parametrize("statement", ["import gsnr_ref", HELP])
def test_scipy_stats_is_not_loaded(statement):
    loaded = loaded_by(statement)
    assert "gsnr_ref.inference" in loaded
    assert "scipy.stats" not in loaded


def test_help_loads_no_application():
    loaded = loaded_by(HELP)
    assert "gsnr_ref.cli" in loaded
    applications = ("gsnr_ref.claims", "gsnr_ref.golden", "gsnr_ref.experiments", "toy_models")
    assert loaded.isdisjoint(applications)


def test_ctrl_c_ends_it_cleanly():
    code = (
        "import sys; "
        "from gsnr_ref.cli import main; from gsnr_ref.claims.tasks import Task; "
        "run = Task.run; Task.run = lambda task: print('ready', flush=True) or run(task); "
        "sys.exit(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "verify", "--trials", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has their children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for _ in range(2):  # the second check draws a million training sets
            assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        try:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert err == "gsnr-ref: interrupted\n"
    assert process.returncode == 130
