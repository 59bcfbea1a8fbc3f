"""Ctrl-C in every phase: one line, exit code 130, and no press is lost."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from gsnr_ref.interrupts import PATIENCE, never_lost

ALONE = "gsnr-ref: interrupted\n"


def pressed(command, environment=()):
    """Press Ctrl-C once when the command says that it is ready: exit code, what it says."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | dict(environment),
        # A shell that runs the tests in the background has their children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    return process.returncode, err


@pytest.fixture
def slow_import(tmp_path):
    """An environment in which the import of autograd takes a minute."""
    (tmp_path / "autograd.py").write_text(
        "import time\nprint('ready', flush=True)\ntry:\n    time.sleep(60)\nexcept BaseException:\n"
        "    raise ImportError from None\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.fixture
def script(tmp_path):
    """The command as pip installs it."""
    path = tmp_path / "gsnr-ref"
    path.write_text("import sys\nfrom gsnr_ref.cli import main\nsys.exit(main())\n")
    return path


def test_while_the_script_imports(slow_import, script):
    assert pressed([sys.executable, script, "verify"], slow_import) == (130, ALONE)


def test_while_python_dash_m_imports(slow_import):
    assert pressed([sys.executable, "-m", "gsnr_ref", "verify"], slow_import) == (130, ALONE)


def test_another_program_that_imports_gsnr_ref_keeps_its_ctrl_c():
    code = (
        "import signal, gsnr_ref; from gsnr_ref.cli import main; main(['verify', '--list']); "
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    restored = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, **restored)


def test_where_ctrl_c_is_ignored_it_stays_ignored():
    """As in a command that a shell runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with never_lost():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def default_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def catches_everything():
    """As autograd's ``wrap_util`` does in each gradient; an interrupt inside is dropped."""
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_is_dropped_is_raised_again(default_ctrl_c):
    returned = False
    with pytest.raises(KeyboardInterrupt), never_lost():
        catches_everything()
        returned = True
        time.sleep(20)
    assert returned


def test_what_cleans_up_is_not_interrupted(default_ctrl_c):
    cleaned = False
    with pytest.raises(KeyboardInterrupt), never_lost():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            with contextlib.suppress(OSError):
                raise OSError
            time.sleep(3 * PATIENCE)
            cleaned = True
    assert cleaned


def test_nothing_is_raised_after_it(default_ctrl_c):
    with pytest.raises(KeyboardInterrupt), never_lost():
        signal.raise_signal(signal.SIGINT)
    time.sleep(2 * PATIENCE)


def test_autograd_drops_an_interrupt_and_the_command_does_not():
    """In the middle of autograd's ``except BaseException: pass``, in an endless run."""
    code = (
        "import sys, signal, autograd.wrap_util as w\n"
        "from gsnr_ref.cli import main\n"
        "class Name(str):\n"
        "    def format(self, **names):\n"
        "        if not told: told.append(print('ready', flush=True)); signal.pause()\n"
        "        return 'name'\n"
        "told = []\n"
        "plain = w.wraps\n"
        "w.wraps = lambda f, name='{fun}', *rest, **k: plain(f, Name(name), *rest, **k)\n"
        "sys.exit(main())\n"
    )
    words = ("verify", "--data", "gaussian", "--model", "linear", "--trials", "1000000")
    assert pressed([sys.executable, "-c", code, *words]) == (130, ALONE)
