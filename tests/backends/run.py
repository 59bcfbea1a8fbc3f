"""Run every backend on the golden cases: ``python -m tests.backends.run``.

Prints a line a backend; ``--page FILE`` also writes the outcome as a Markdown page. With names of
backends, only these.
"""

import importlib
import json
import math

import numpy as np

from gsnr_ref import golden
from gsnr_ref.golden.compare import QUANTITIES, leaves_of
from gsnr_ref.golden.layouts import LAYOUTS

BACKENDS = (
    "reference", "torch_func", "jax_vmap", "javascript", "opacus_", "backpack_",
    "backpack_mean", "cockpit_formula",
)  # fmt: skip


def load(name):
    """Import a backend."""
    return importlib.import_module(f"tests.backends.{name}")


def left_out(backend):
    """Flags, cases and quantities that a backend leaves out."""
    declared = {"flags": [], "cases": [], "quantities": []} | getattr(backend, "LEAVES_OUT", {})
    only = getattr(backend, "ONLY", QUANTITIES)
    quantities = [*declared["quantities"], *(q for q in QUANTITIES if q not in only)]
    return declared | {"quantities": quantities}


def wanted(backend, dtype):
    """Cases that a backend declares to run in a dtype."""
    declared = left_out(backend)
    return [
        case
        for case in golden.cases()
        if not set(declared["flags"]) & set(case.flags)
        and case.id not in declared["cases"]
        and case.tolerance[dtype] is not None
        and not set(case.expected) <= set(declared["quantities"])
    ]


def run(backend, dtype):
    """Return a report of every case that a backend declares."""
    assert backend.LAYOUT in LAYOUTS
    leave_out = left_out(backend)["quantities"]
    reports = []
    for case in wanted(backend, dtype):
        with np.errstate(all="ignore"):
            result = backend.results(case, dtype)
        reports.append(
            golden.compare(case, result, layout=backend.LAYOUT, leave_out=leave_out, dtype=dtype)
        )
    return reports


def as_document(backend, dtype):
    """The same run as a results file, for ``gsnr-ref golden check``."""

    def plain(value):
        array = np.asarray(value, dtype=float)
        if array.ndim:
            return [plain(v) for v in array]
        number = float(array)
        return number if math.isfinite(number) else str(number)

    def tree(value):
        return {k: tree(v) for k, v in value.items()} if isinstance(value, dict) else plain(value)

    results = {str(c): tree(backend.results(c, dtype)) for c in wanted(backend, dtype)}
    declared = left_out(backend)
    return json.dumps(
        {
            "format": "gsnr-ref-results/v1",
            "backend": {
                "name": backend.NAME,
                "version": backend.version(),
                "dtype": dtype,
                "layout": backend.LAYOUT,
            },
            "leaves_out": declared,
            "results": results,
        }
    )


def digits(reports):
    """Worst and median number of correct digits among the values that were decided."""
    from gsnr_ref.golden.compare import correct_digits

    every = [
        correct_digits(q.got[path].astype(float), np.asarray(want)).ravel()
        for r in reports
        for q in r.quantities
        for path, want in leaves_of(r.case.expected[q.quantity])
        if path in q.got and q.got[path].shape == np.shape(want)
    ]
    return float(np.median(np.concatenate(every)))
