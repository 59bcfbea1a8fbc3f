"""Contenders against each other, interleaved, each in one process of its own.

Every round runs each contender once, in turn; a ratio is that of one round, and of the ratios the
median and the quartiles are told. Idle contenders wait for a line: their threads do nothing.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tests.benchmarks.contenders import OURS, taking_part
from tests.benchmarks.work import Work

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
LEAST_ROUNDS, MOST_ROUNDS, SLOW_ROUNDS = 9, 25, 2


class Left(Exception):
    """A contender is left out, and why."""


class Process:
    """A contender's process, on as many cores as all others."""

    def __init__(self, name: str, threads: int) -> None:
        cores = sorted(os.sched_getaffinity(0))[:threads]
        environment = os.environ | {f"{k}_NUM_THREADS": str(threads) for k in THREADS}
        environment["OMP_WAIT_POLICY"] = "passive"  # idle threads do not spin
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.process", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),  # some libraries heed nothing else
        )

    def ask(self, request: str, **more: Any) -> dict[str, Any]:
        """Send a request, and wait for the answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"do": request} | more) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its process ended"}
        if "missing" in answer:
            raise Left(f"{answer['missing']} is not installed")
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class Quartiles:
    """Median and quartiles of some numbers."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Any) -> "Quartiles":
        """Of a sequence."""
        return cls(*map(float, np.quantile(list(values), (0.25, 0.5, 0.75))))


@dataclass
class Result:
    """Seconds of a work's contenders, one for each round that they took part in."""

    work: Work
    seconds: dict[str, list[float]]

    def time(self, name: str) -> Quartiles:
        """Of one contender."""
        return Quartiles.of(self.seconds[name])

    def ratio(self, over: str, under: str) -> Quartiles:
        """Of the seconds of two contenders, round by round."""
        pairs = zip(self.seconds[over], self.seconds[under], strict=False)  # slow: fewer rounds
        return Quartiles.of(a / b for a, b in pairs)


class Field:
    """All contenders that have been called so far, and why some were left out."""

    def __init__(self, threads: int, clock: str = "wall") -> None:
        self.threads, self.clock = threads, clock
        self.processes: dict[str, Process] = {}
        self.left_out: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def __enter__(self) -> "Field":
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self.processes.values():
            process.close()

    def ready(self, name: str, work: Work) -> Process | None:
        """The contender's process, warmed up for a work; nothing if it is left out."""
        if name in self.left_out:
            return None
        process = self.processes.get(name) or Process(name, self.threads)
        self.processes[name] = process
        try:
            process.ask("prepare", **asdict(work))
        except Left as reason:
            self.left_out[name] = str(reason)
            return None
        self.versions |= process.ask("version")
        return process

    def race(self, work: Work, seconds: float, names: Sequence[str] = ()) -> Result:
        """Interleaved rounds for about so many seconds: of all that can take part, or of some."""
        found = {name: self.ready(name, work) for name in names or taking_part(work)}
        field = {name: process for name, process in found.items() if process}
        result = Result(work, {name: [] for name in field})
        start, rounds = time.monotonic(), 0
        while rounds < LEAST_ROUNDS or (
            rounds < MOST_ROUNDS and time.monotonic() - start < seconds
        ):
            for name, process in field.items():
                taken = result.seconds[name]
                if len(taken) >= SLOW_ROUNDS and max(taken) > seconds / 4:
                    continue
                taken.append(process.ask("run")[self.clock])
            rounds += 1
        _same_results(work, {name: process.ask("check") for name, process in field.items()})
        return result

    def peak(self, work: Work) -> int:
        """Bytes that this package holds at most in a work."""
        process = self.ready(OURS, work)
        assert process
        return int(process.ask("peak")["bytes"])


def _same_results(work: Work, checks: dict[str, Any]) -> None:
    """Refuse a race in which a contender computed something else. A few digits are enough."""
    ours = checks.get(OURS)
    if not ours:
        return
    for name, theirs in checks.items():
        for what in ("signal", "noise"):
            if theirs.get(what) is not None:
                one, other = theirs[what], ours[what]
                if not abs(one - other) <= 1e-3 * abs(other):
                    raise RuntimeError(f"{work.name}: {name} has {what} {one}, not {other}")
