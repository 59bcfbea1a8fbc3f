"""Run the races and write the page: ``python -m tests.benchmarks --page docs/benchmarks.md``."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import commands
from tests.benchmarks.bars import SAMPLES, ratio
from tests.benchmarks.contenders import OURS
from tests.benchmarks.page import machine, page, plain
from tests.benchmarks.race import THREADS, Field, Result
from tests.benchmarks.work import FUNCTIONS, QUICK, RACES, SCALING, Work


def ratios(result: Result) -> dict[str, float]:
    """Median ratio of every two contenders."""
    names = list(result.seconds)
    return {
        ratio(result.work, a, b): result.ratio(a, b).middle for a in names for b in names if a != b
    }


def scaling(field: Field, seconds: float, say: Any) -> tuple[dict[str, float], list[list[str]]]:
    """Exponent of the time in n, and what memory does, for arrays and for a stream."""
    figures, rows = {}, []
    for streamed, works in SCALING.items():
        how = "streamed" if streamed else "arrays"
        times = [field.race(say(work), seconds, [OURS]).time(OURS).middle for work in works]
        peaks = {work.n: field.peak(work) for work in works[-2:]}
        sizes = [work.n for work in works]
        figures[f"exponent, {how}"] = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
        figures[f"growth, {how}"] = peaks[10**6] / peaks[10**5]
        each = ", ".join(f"{t / n * 1e6:.3g}" for t, n in zip(times, sizes, strict=True))
        rows.append([f"{works[0].name}, to 10⁶: µs a sample at n = 10³, 10⁴, 10⁵, 10⁶", each])
        rows.append(
            [
                f"the same: peak memory beside the input at n = 10⁵, 10⁶ ({how})",
                ", ".join(map(plain, peaks.values())),
            ]
        )
    return figures, rows


def cluster(samples: int) -> tuple[dict[str, float], list[list[str]]]:
    """Figures of ``tests.benchmarks.cluster``; none where its extra is missing."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.cluster", "--samples", str(samples)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {f"{k}_NUM_THREADS": "1" for k in THREADS},
    )
    if found.returncode:
        return {}, [
            ["Dask", "failed, or is not installed: see `python -m tests.benchmarks.cluster`"]
        ]
    answer = json.loads(found.stdout.splitlines()[-1])
    many, grid = answer["samples"], answer["grid"]
    rows = [
        [
            f"{many['samples']:,} samples of 64-32-10, in pieces of 100,000, drawn and merged",
            f"one process {many['one process']:.1f} s, 4 Dask workers on {many['cores']} cores "
            f"{many['four workers']:.1f} s",
        ],
        [
            f"a grid of {grid['cells']} cells, each a perceptron trained on digits",
            f"one process {grid['one process']:.1f} s, two {grid['two processes']:.1f} s, "
            f"Dask {grid['Dask']:.1f} s",
        ],
    ]
    return {k: many[k] for k in ("efficiency", "units in the last place")}, rows


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--page", type=Path, help="file to write; left out: the terminal")
    parser.add_argument("--quick", action="store_true", help="few works: a minute")
    parser.add_argument(
        "--only", metavar="WORD", help="races whose name has this word, and no more"
    )
    parser.add_argument("--seconds", type=float, help="for a race (default: 6; quick: 3)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu on a machine that is shared"
    )
    arguments = parser.parse_args()
    seconds = arguments.seconds or (3.0 if arguments.quick else 6.0)
    works = QUICK if arguments.quick else RACES
    if arguments.only:
        works = [work for work in works if arguments.only in work.name]
    load = os.getloadavg()[0]

    def say(work: Work) -> Work:
        print(work.name, file=sys.stderr, flush=True)
        return work

    figures: dict[str, float] = {}
    results, alone = [], []
    whole = not (arguments.quick or arguments.only)
    with Field(arguments.threads, arguments.clock) as field:
        for work in works:
            results.append(field.race(say(work), seconds))
            figures |= ratios(results[-1])
        for work in SAMPLES:
            if work in works:
                size = work.n * work.sizes[0] * np.dtype(work.dtype).itemsize
                figures[f"{work.name}: memory"] = field.peak(work) / size
        if whole:
            for work in FUNCTIONS:
                middle = field.race(say(work), seconds / 4).time(OURS).middle
                alone.append([f"`{work.kind}`: {_what(work)}", f"{1e3 * middle:.3g} ms"])
            more, rows = scaling(field, seconds / 6, say)
            figures, alone = figures | more, alone + rows
        versions, left_out = field.versions, field.left_out
    if not arguments.only:
        for name, (time, times) in commands.imports(5 if arguments.quick else 11).items():
            figures[name] = times.middle
            alone.append(
                [f"`{name}`: processor time of a fresh interpreter", f"{1e3 * time.middle:.0f} ms"]
            )
    if whole:
        print("cluster, verify", file=sys.stderr, flush=True)
        more, rows = cluster(10_000_000)
        figures, alone = figures | more, alone + rows
        verify = commands.ran(commands.VERIFY)
        figures["verify"] = getattr(verify, arguments.clock)
        alone.append(
            ["`gsnr-ref verify`", f"{verify.wall:.1f} s, of the processor {verify.cpu:.1f} s"]
        )
    stated = machine(arguments.threads, versions, load, arguments.clock)
    text = page(figures, results, alone, left_out, stated)
    if arguments.page:
        arguments.page.write_text(text)
    else:
        print(text)
    return 0


def _what(work: Work) -> str:
    return {
        "merge": "two moments of 79,510 parameters",
        "enumerated_osgr": "linear regression, four points, n = 5 (56 datasets)",
        "measured_osgr": "64-32-10, n = 100, 20 trials, a population of 1,000",
        "osgr_interval": "1,000 samples of 1,000 parameters",
    }[work.kind]


if __name__ == "__main__":
    sys.exit(main())
