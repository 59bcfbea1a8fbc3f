"""Many samples over four Dask workers, and a grid of cells: ``python -m tests.benchmarks.cluster``.

Prints its figures as JSON. The suite starts it with BLAS on one thread, so that what is compared is
one core and as many as there are. Needs the extra ``cluster``.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from gsnr_ref import GradientMoments, gradient_moments
from toy_models import MLP

PIECE, WORKERS = 100_000, 4


def piece(seed: int) -> Any:
    """Moments of 100,000 samples of 64-32-10, drawn where they are needed."""
    model, rng = MLP((64, 32, 10), loss="cross_entropy"), np.random.default_rng(seed)
    x = rng.random((PIECE, 64), dtype=np.float32)
    return gradient_moments(model, model.init(0), x, rng.integers(0, 10, PIECE))


def largest_difference(one: Any, other: Any) -> float:
    """Relative, of means and of variances, in units of the last place."""
    units = []
    for ours, theirs in ((one.mean, other.mean), (one.variance(), other.variance())):
        for k in ours:
            units.append(np.abs(ours[k] - theirs[k]) / np.spacing(np.abs(ours[k])))
    return float(max(u.max() for u in units))


def samples(client: Any, n_samples: int) -> dict[str, Any]:
    """Moments of many samples: in one process, and over the workers."""
    seeds = range(n_samples // PIECE)
    warm = [client.submit(piece, 10**6 + k, workers=[w]) for k, w in enumerate(client.nthreads())]
    client.gather(warm)
    piece(0)
    start = time.perf_counter()
    alone = reduce(GradientMoments.merge, map(piece, seeds))
    one = time.perf_counter() - start
    start = time.perf_counter()
    spread = reduce(GradientMoments.merge, client.gather(client.map(piece, seeds)))
    many = time.perf_counter() - start
    cores = min(WORKERS, len(os.sched_getaffinity(0)))
    return {
        "samples": n_samples,
        "one process": one,
        "four workers": many,
        "cores": cores,
        "efficiency": one / many / cores,
        "units in the last place": largest_difference(alone, spread),
    }


def grid(client: Any, repetitions: int) -> dict[str, Any]:
    """Seconds of a grid of cells with one process, with two, and on the workers."""
    from gsnr_ref.experiments.harness import run_grid
    from gsnr_ref.experiments.shallow_and_deep import EXPERIMENT

    settings = EXPERIMENT.settings(
        "default", ["n_layers=[3]", f"repetitions={repetitions}", "last_step=600", "n=500"]
    )
    cells = [cell | {"seed": 0} for cell in EXPERIMENT.cells(settings)]

    def seconds(**how: Any) -> tuple[float, Any]:
        with tempfile.TemporaryDirectory() as folder:
            run_grid("warm", EXPERIMENT.run, cells[:4], Path(folder), **how)
            start = time.perf_counter()
            rows = run_grid("grid", EXPERIMENT.run, cells, Path(folder), **how)
            return time.perf_counter() - start, rows

    one, expected = seconds()
    two, rows = seconds(n_jobs=2)
    assert rows == expected
    dask, rows = seconds(dask=client.scheduler.address)
    assert rows == expected
    return {"cells": len(cells), "one process": one, "two processes": two, "Dask": dask}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.cluster", description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--cells", type=int, default=8)
    arguments = parser.parse_args()
    import dask
    from distributed import Client, LocalCluster

    # What Dask sets besides, MALLOC_TRIM_THRESHOLD_, maps every large array anew: twice the time.
    plain = {
        "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1},
        "distributed.worker.profile.enabled": False,
    }
    with (
        dask.config.set(plain),
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        found = {"samples": samples(client, arguments.samples)}
        if arguments.cells:
            found["grid"] = grid(client, arguments.cells)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
