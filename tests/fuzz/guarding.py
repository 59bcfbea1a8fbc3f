"""What a target must not do, whatever it is fed: noticed by Python's audit events."""

import contextlib
import os
import sys
import tempfile

WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Events, and which of their arguments are paths that change.
CHANGES = {
    "os.mkdir": (0,), "os.rmdir": (0,), "os.remove": (0,), "os.rename": (0, 1), "os.link": (1,),
    "os.symlink": (1,), "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,),
}  # fmt: skip
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "socket.connect")
_watching = False
_seen = []


class BrokenPromise(Exception):
    """A target has done what it must not."""


def _inside(path):
    if isinstance(path, int):  # an open file: it was judged when it was opened
        return True
    folder = os.path.realpath(tempfile.gettempdir())
    return os.path.realpath(os.fsdecode(path)).startswith(folder + os.sep) or path == os.devnull


def _hook(event, arguments):
    if not _watching:
        return
    if event == "open":
        path, _, flags = arguments
        outside = bool(flags & WRITE) and not _inside(path)
    elif event in CHANGES:
        outside = not all(_inside(arguments[i]) for i in CHANGES[event])
    else:
        outside = event in NEVER
    if outside:
        _seen.append(f"{event} {arguments!r}"[:300])
        raise BrokenPromise(_seen[-1])


sys.addaudithook(_hook)


@contextlib.contextmanager
def guarded():
    """Watch what is done within; raise afterwards as well, lest the target has swallowed it."""
    global _watching
    _seen.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    if _seen:
        raise BrokenPromise(_seen[0])
