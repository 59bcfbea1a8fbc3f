"""Time a grid of 20 cells with 1 process, with 2, and on a Dask cluster of 2, in one run.

    python tests/benchmarks/grid_speed.py

Each cell trains a perceptron on digits. Processes are started, and have imported the package,
before the clock starts. Needs two free cores and the extra ``cluster``.
"""

import sys
import tempfile
import time
from pathlib import Path

from gsnr_ref.experiments.harness import run_grid
from gsnr_ref.experiments.shallow_and_deep import EXPERIMENT


def seconds(cells, **how):
    """Time of a grid, after one of four cells has warmed up the processes; and its rows."""
    with tempfile.TemporaryDirectory() as folder:
        run_grid("warm", EXPERIMENT.run, cells[:4], Path(folder), **how)
        start = time.perf_counter()
        rows = run_grid("grid", EXPERIMENT.run, cells, Path(folder), **how)
        return time.perf_counter() - start, rows


def main():
    """Print the times and the speed-ups."""
    from distributed import LocalCluster

    settings = EXPERIMENT.settings(
        "default", ["n_layers=[3]", "repetitions=20", "last_step=600", "n=500"]
    )
    cells = [cell | {"seed": 0} for cell in EXPERIMENT.cells(settings)]
    one, expected = seconds(cells)
    two, rows = seconds(cells, n_jobs=2)
    assert rows == expected
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        dask, rows = seconds(cells, dask=cluster.scheduler_address)
    assert rows == expected
    print(f"1 process {one:.1f} s; 2 processes {two:.1f} s, {one / two:.2f} times as fast; "
          f"Dask, 2 workers {dask:.1f} s, {one / dask:.2f} times as fast")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
