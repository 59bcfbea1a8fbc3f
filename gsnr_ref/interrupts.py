"""Ctrl-C: one line, and never lost. Imports nothing of the package.

``import gsnr_ref`` imports this first, so that Ctrl-C ends the command in one line while the rest
is imported. In any other program the import changes nothing.

Later Ctrl-C raises KeyboardInterrupt, as in all Python. That exception can get lost: in each
gradient autograd's ``wrap_util`` names functions inside ``except BaseException: pass``, and 1 in
100 presses falls there. So one is raised again until the command has seen it.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import parent_process
from types import FrameType

INTERRUPTED = 130
MESSAGE = "gsnr-ref: interrupted"
#: Seconds after which an interrupt that was raised, and that nobody handles, is held for lost.
PATIENCE = 0.25


def is_the_command() -> bool:
    """Whether this process is ``gsnr-ref`` or ``python -m gsnr_ref``; none of its workers is.

    Examples
    --------
    >>> is_the_command()
    False
    """
    if parent_process() is not None:  # a worker bears the command line of its parent
        return False
    script = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    module = ("-m", "gsnr_ref") in pairwise(sys.orig_argv)
    return script.removesuffix(".exe") == "gsnr-ref" or (module and script in ("-m", "__main__.py"))


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """While modules are imported nothing is there to be saved, and much that catches errors."""
    os.write(2, f"{MESSAGE}\n".encode())
    os._exit(INTERRUPTED)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()  # signals are set there alone


def _is_being_handled() -> bool:
    """Whether the code that runs is an ``except`` or ``finally`` of an interrupt."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


@contextmanager
def never_lost() -> Iterator[None]:
    """Raise KeyboardInterrupt inside on Ctrl-C, and again if the first was dropped on its way.

    Examples
    --------
    >>> import contextlib, time
    >>> try:
    ...     with never_lost():
    ...         for _ in range(2):
    ...             with contextlib.suppress(KeyboardInterrupt):
    ...                 signal.raise_signal(signal.SIGINT)  # lost
    ...         time.sleep(60)
    ... except KeyboardInterrupt:
    ...     print("seen")
    seen
    """
    before = signal.getsignal(signal.SIGINT)
    if not _in_main_thread() or before not in (signal.default_int_handler, _stop_at_once):
        yield
        return
    alarm_before = None
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal alarm_before, pressed
        if hasattr(signal, "setitimer"):  # not on Windows
            if not pressed:
                alarm_before = signal.signal(signal.SIGALRM, look_again)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        pressed = True
        raise KeyboardInterrupt

    def look_again(number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        if not _is_being_handled():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        if pressed and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarm_before)
        # Pressed once more while the interpreter ends, it would print a traceback.
        ends = pressed and is_the_command()
        signal.signal(signal.SIGINT, signal.SIG_IGN if ends else signal.default_int_handler)


# Where Ctrl-C is ignored (a command that a shell runs in the background) it stays ignored.
if (
    is_the_command()
    and _in_main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, _stop_at_once)
