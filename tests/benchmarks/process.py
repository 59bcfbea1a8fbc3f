"""A contender's own process: ``python -m tests.benchmarks.process NAME``.

It reads a request a line and answers with a line, both JSON; the race is led by ``race``. What
libraries print goes to standard error.
"""

import json
import os
import sys
import time
import traceback
import tracemalloc
import warnings
from typing import Any

import numpy as np

from tests.benchmarks.contenders import build
from tests.benchmarks.work import Work


class Contender:
    """Answers the requests: get ready for a work, run it once, measure its memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.call: Any = None
        self.result: Any = None

    def prepare(self, **work: Any) -> dict[str, Any]:
        """Build, and warm up."""
        self.call = self.result = None
        warm_up, self.call = build(self.name, Work(**{**work, "sizes": tuple(work["sizes"])}))
        warm_up()
        return {}

    def run(self) -> dict[str, Any]:
        """Seconds of one call: by the wall clock, and of the processor over all threads."""
        self.result = None
        wall, processor = time.perf_counter(), time.process_time()
        self.result = self.call()
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}

    def check(self) -> dict[str, Any]:
        """Squared length of the mean gradient, and the variances' sum: alike in all layouts."""
        if self.result is None:
            return {}
        mean, variance = self.result
        signal = sum(float(np.square(np.asarray(m, float)).sum()) for m in mean)
        noise = variance and sum(float(np.asarray(v, float).sum()) for v in variance)
        return {"signal": signal, "noise": noise}

    def peak(self) -> dict[str, Any]:
        """Bytes that NumPy held at most in one call, beyond what was there before."""
        tracemalloc.start()
        self.result = None
        self.call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return {"bytes": peak}

    def version(self) -> dict[str, Any]:
        """Versions of the frameworks that are loaded."""
        known = ("numpy", "scipy", "autograd", "torch", "jax", "backpack", "opacus", "tensorflow")
        loaded = {k: sys.modules[k] for k in known if k in sys.modules}
        return {k: v.__version__ for k, v in loaded.items() if hasattr(v, "__version__")}


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contender = Contender(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(contender, request.pop("do"))(**request)
        except ImportError as error:
            answer = {"missing": error.name or str(error)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
