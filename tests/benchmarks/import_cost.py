"""Time `import gsnr_ref` and `gsnr-ref --help` against the imports they cannot do without.

    python tests/benchmarks/import_cost.py

That is NumPy, `scipy.linalg` and `autograd.numpy`. Each run is a fresh interpreter; user and system
time are added, and the runs alternate. Reports medians: of the times, and of the ratios of a round.
"""

import os
import statistics
import subprocess
import sys

DEPENDENCIES = ("-c", "import numpy, scipy.linalg, autograd.numpy")
PACKAGE = ("-c", "import gsnr_ref")
HELP = ("-m", "gsnr_ref", "--help")


def cpu_seconds(arguments):
    """User and system time of a fresh interpreter."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_utime + usage.ru_stime


def main(rounds=21):
    """Print the medians and both ratios."""
    runs = (DEPENDENCIES, PACKAGE, HELP)
    for arguments in runs:  # compiles, and fills the disk's cache
        cpu_seconds(arguments)
    times = [tuple(map(cpu_seconds, runs)) for _ in range(rounds)]
    dependencies, package, help_ = (statistics.median(t) for t in zip(*times, strict=True))
    print(f"dependencies       {1e3 * dependencies:.0f} ms")
    for name, middle, bar, i in (
        ("import gsnr_ref", package, 1.3, 1),
        ("gsnr-ref --help", help_, 1.5, 2),
    ):
        ratio = statistics.median(round_[i] / round_[0] for round_ in times)
        print(f"{name:<18} {1e3 * middle:.0f} ms, ratio {ratio:.2f} (at most {bar})")


if __name__ == "__main__":
    main()
