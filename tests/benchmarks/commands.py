"""What is timed as a fresh interpreter: the import, the help, and ``gsnr-ref verify``."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.benchmarks.race import Quartiles

DEPENDENCIES = ("-c", "import numpy, scipy.linalg, autograd.numpy")
PACKAGE = ("-c", "import gsnr_ref")
HELP = ("-m", "gsnr_ref", "--help")
VERIFY = ("-m", "gsnr_ref", "verify")


@dataclass(frozen=True)
class Ran:
    """Seconds of one run: by the wall clock, and of the processor."""

    wall: float
    cpu: float


def ran(arguments: tuple[str, ...]) -> Ran:
    """Run a fresh interpreter, which must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return Ran(time.perf_counter() - start, usage.ru_utime + usage.ru_stime)


def imports(rounds: int) -> dict[str, tuple[Quartiles, Quartiles]]:
    """Processor seconds of the import and the help, and their ratio to the dependencies'.

    NumPy, `scipy.linalg` and `autograd.numpy` are what the package cannot do without.
    """
    runs = {"import gsnr_ref": PACKAGE, "gsnr-ref --help": HELP}
    for arguments in (DEPENDENCIES, *runs.values()):  # compiles, and fills the disk's cache
        ran(arguments)
    base: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        base.append(ran(DEPENDENCIES).cpu)
        for name, arguments in runs.items():
            times[name].append(ran(arguments).cpu)
    return {
        name: (Quartiles.of(t), Quartiles.of(a / b for a, b in zip(t, base, strict=True)))
        for name, t in times.items()
    }
