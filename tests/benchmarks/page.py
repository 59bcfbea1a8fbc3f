"""The page of the benchmarks, from figures. Nothing on it names the machine's host or folders."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks.bars import BARS
from tests.benchmarks.contenders import OURS
from tests.benchmarks.race import Quartiles, Result

INTRODUCTION = """\
# Speed and memory

Written by `python -m tests.benchmarks --page docs/benchmarks.md`. Every contender has one process
of its own, on the same cores with as many threads for its matrix products; in every round each runs
once, in turn; a ratio is that of two times of one round, and of the ratios the median and the
quartiles stand here. The first call of each is not counted. What forms every per-sample gradient
holds 1,000 of them at a time, merges their moments, runs at n ≤ 10,000 only, in two rounds where
it is slow. All must come to the same mean gradient and the same variance, or the race is void.
"""

LIMITS = """\
## What the arithmetic allows

Profiles of one thread, from when this was written; where a bar is not met, here is why.

- *Dense.* A plain gradient is two matrix products over the largest layer, mean and variance are
  three: 1.5 times the time. Sums are taken in float64 whatever the data: of float32 one product
  of three is in float32, and the other two cost twice as much: 2.5 times. So BackPACK's
  `Variance`, `vmap(grad)` in torch and in JAX gain on this package in float32; what they lose in
  digits is on [the page of digits](digits.md).
- *ConvNet.* No step stands out: products 30 % of the time, sums over positions and their two
  passes 20, max-pooling 14, patches and their adjoint 14, autograd's own calls 10. torch fuses
  the steps.
- *`from_samples`.* Two passes in float32 move half the bytes and keep half the digits. Here
  float32 is copied into float64, two megabytes at a time, and passed over five times.
- *Dask.* Four workers on two cores take turns, and a piece then takes a tenth more of the
  processor's time. Of four plain processes without Dask the efficiency was 0.85, of two 0.92.
"""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(threads: int, versions: Mapping[str, str], load: float, clock: str) -> str:
    """What it was measured on: processor, cores, threads, versions, and what else it did."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.machine()
    known = ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))
    counted = "wall-clock time" if clock == "wall" else "processor time, since it was shared"
    return (
        f"Measured on {date.today()}: {processor}, {len(os.sched_getaffinity(0))} cores, {threads} "
        f"threads, load {load:.1f} at the start; {counted}. "
        f"{platform.system()}, Python {sys.version.split()[0]}, {known}."
    )


def _seconds(quartiles: Quartiles) -> str:
    seconds = quartiles.middle
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _three(q: Quartiles) -> str:
    return f"{q.middle:.3g} ({q.low:.3g} to {q.high:.3g})"


def race(result: Result) -> str:
    """One work: time of each contender, and its ratio to this package."""
    rows = []
    base = OURS if OURS in result.seconds else next(iter(result.seconds), "")
    for name, taken in result.seconds.items():
        base = name if name.endswith(", plain") else base  # of a recipe: its framework's
        same = "1" if name == base else _three(result.ratio(name, base))
        rows.append([name, _seconds(result.time(name)), same, str(len(taken))])
    over = "plain gradient of its framework" if result.work.kind == "recipes" else OURS
    head = ["contender", "median", f"time over {over} (quartiles)", "rounds"]
    return f"### {result.work.name}\n\n{table(head, rows)}\n"


def page(
    figures: Mapping[str, float],
    results: list[Result],
    alone: list[list[str]],
    left_out: Mapping[str, str],
    stated: str,
) -> str:
    """All of it."""
    parts = [INTRODUCTION, stated + "\n"]
    if left_out:
        parts.append("Left out: " + "; ".join(f"{k} ({v})" for k, v in left_out.items()) + ".\n")
    bars = [bar.row(figures) for bar in BARS]
    parts += ["## Bars\n", table(["", "bar", "measured", ""], bars) + "\n"]
    parts.append(LIMITS)
    if alone:
        parts += ["## Alone\n", table(["", "measured"], alone) + "\n"]
    parts += ["## Side by side\n", *(race(result) for result in results)]
    return "\n".join(parts)


def plain(text: Any) -> str:
    """A number of bytes."""
    return f"{text / 2**20:.3g} MiB"
