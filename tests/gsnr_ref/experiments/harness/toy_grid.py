"""A grid of small cells, for other processes to import; run as a script, it can be killed."""

import sys
import time
from pathlib import Path

import numpy as np

CELLS = [{"size": size, "seed": 3} for size in range(20)]


def run(cell):
    """A few numbers that depend on BLAS, after a moment."""
    time.sleep(0.05)
    a = np.random.default_rng([cell["seed"], cell["size"]]).standard_normal((60, 60))
    return [{"size": cell["size"], "trace": float(np.trace(a @ a @ a)), "sum": float(a.sum())}]


def fails(cell):
    """A cell that has a bug."""
    raise ZeroDivisionError(f"cell {cell['size']}")


def dies(cell):
    """A cell whose process is killed, as for want of memory."""
    import os
    import signal

    if cell["size"] == 7:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return run(cell)


def needs_memory(cell):
    """A cell that asks for more memory than any machine has."""
    return np.empty(1 << 58)


if __name__ == "__main__":
    from gsnr_ref.experiments.harness import run_grid

    run_grid("toy", run, CELLS, Path(sys.argv[1]), n_jobs=int(sys.argv[2]))
