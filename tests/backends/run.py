"""Run every backend on the golden cases: ``python -m tests.backends.run [--page FILE] [NAME ...]``.

Prints the outcome as a Markdown page, or writes it. Needs the extras ``torch`` and ``jax``, Node
for the JavaScript backend, and BackPACK, which is installed without what it asks for (a torchvision
that torch's CPU build does not go with): ``pip install --no-deps backpack-for-pytorch==1.7.1``.
"""

import argparse
import importlib
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np

from gsnr_ref import golden
from gsnr_ref.contract import leaves_with_paths
from gsnr_ref.golden.layouts import LAYOUTS, param_from
from gsnr_ref.golden.quantity import QUANTITIES, correct_digits

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

    def stated(case, quantity, value, name=""):
        """Of a large case the selected values only."""
        if isinstance(value, dict):
            return {k: stated(case, quantity, v, k) for k, v in value.items()}
        if case.selected is None:
            return value
        return case.select(
            quantity, name, param_from(case.model, name, np.asarray(value), backend.LAYOUT)
        )

    results = {
        str(c): tree({q: stated(c, q, v) for q, v in backend.results(c, dtype).items()})
        for c in wanted(backend, dtype)
    }
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
    """Median number of correct digits of all values of a run, cut to a whole number."""
    every = [
        correct_digits(q.got[path].astype(float), np.asarray(want)).ravel()
        for r in reports
        for q in r.quantities
        for path, want in leaves_with_paths(r.case.expected[q.quantity])
        if path in q.got and q.got[path].shape == np.shape(want)
    ]
    return int(np.median(np.concatenate(every)))


def failures(reports):
    """The first diagnosis of each failed case, "unexplained" where there is none."""
    return {
        r.case.id: r.diagnoses[0].mistake.id if r.diagnoses else "unexplained"
        for r in reports
        if not r.passed
    }


HEADER = """# Backends on the golden values

What other implementations give on the {n} golden cases, as they are. Written by

```sh
pip install -e ".[test,torch,jax]" && pip install --no-deps backpack-for-pytorch==1.7.1
python -m tests.backends.run --page docs/backends.md
```

with Node on the path for the JavaScript backend. CI runs it again, and fails if an outcome differs
from this page. *Left out* is what a backend does not do, or what its reader does not read; *passed*
is out of the cases that remain and whose numbers fit into the dtype. *Digits* is the median number
of correct digits over all values. A failure is named by its first diagnosis, which
[Golden values](golden.md) explains; `unexplained` means that no known mistake makes these values.
"""

ABOUT = {
    "reference": "This package: streamed moments of its own taps.",
    "torch_func": "`torch.func.vmap(grad)`, moments by two passes in torch.",
    "jax_vmap": "`jax.vmap(value_and_grad)`, moments by two passes in JAX.",
    "javascript": "Plain JavaScript, derived by hand, from the exported JSON; no library.",
    "opacus_": "`GradSampleModule` on a summed loss, moments by two passes in torch.",
    "backpack_": "`BatchGrad` and `Variance` on a summed loss: gradients need no factor, and the "
    "mean is `grad / B`. `Variance` is E g² − (E g)².",
    "backpack_mean": "The same after the backward pass of a mean loss, read as it stands: "
    "`grad**2 / variance`. BackPACK's documentation warns that its variance is then that of gᵢ/B; "
    "this row shows what a reader who overlooks it gets. Right is `(grad / B)**2 / variance`.",
    "cockpit_formula": "The formula of `MeanGSNR`, with its epsilon of 1e-5, fed as Cockpit does.",
}


def page(outcomes):
    """The outcome of all backends as Markdown. `outcomes`: (name, backend, dtype, reports)."""
    lines = [HEADER.format(n=len(golden.cases()))]
    lines += [
        "| backend | version | dtype | passed | digits | failures, by first diagnosis |",
        "|---|---|---|---|---|---|",
    ]
    for _, backend, dtype, reports in outcomes:
        counts = Counter(failures(reports).values())
        named = ", ".join(f"{n} × `{id}`" for id, n in counts.most_common()) or "none"
        lines.append(
            f"| {backend.NAME} | {backend.version()} | {dtype} | "
            f"{sum(r.passed for r in reports)} of {len(reports)} | {digits(reports)} | {named} |"
        )
    lines += ["", "## What was run", ""]
    for name, backend in {name: backend for name, backend, *_ in outcomes}.items():
        declared = left_out(backend)
        parts = [*(f"`{flag}` cases" for flag in declared["flags"]), *declared["quantities"]]
        if hasattr(backend, "ONLY"):
            parts = [
                *(f"`{f}` cases" for f in declared["flags"]),
                f"all quantities but {', '.join(backend.ONLY)}",
            ]
        without = f" Left out: {', '.join(parts)}." if parts else ""
        lines.append(f"- **{backend.NAME}** (`tests/backends/{name}.py`): {ABOUT[name]}{without}")
    lines += ["", "## Cases that fail where most pass", ""]
    for _, backend, dtype, reports in outcomes:
        failed = failures(reports)
        if 0 < len(failed) <= 10:
            lines += [f"{backend.NAME}, {dtype}:", ""]
            for report in reports:
                if report.case.id in failed:
                    worst = next(q for q in report.quantities if not q.passed)
                    where = f"{worst.quantity}{worst.worst}" if worst.worst else worst.problem
                    lines.append(f"- `{report.case.id}`: `{failed[report.case.id]}`; {where}")
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main(arguments=None):
    """Run, and print or write the page."""
    parser = argparse.ArgumentParser("python -m tests.backends.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BACKENDS))
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page instead")
    chosen = parser.parse_args(arguments)
    text = page(run_all(chosen.names or BACKENDS))
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")
    else:
        print(text)


def run_all(names):
    """Run backends by name, in every dtype they have."""
    outcomes = []
    for name in names:
        backend = load(name)
        outcomes += [(name, backend, dtype, run(backend, dtype)) for dtype in backend.DTYPES]
    return outcomes


if __name__ == "__main__":
    main()
