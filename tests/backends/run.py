"""Run every backend on the golden cases: ``python -m tests.backends.run [--page FILE] [NAME ...]``.

Prints the outcome as a Markdown page, or writes it. What computes GSNR is the recipe that a backend
names; the docs show it. Needs the extras ``torch``, ``jax`` and ``tensorflow``, Node, g++, and
BackPACK, which is installed without what it asks for (a torchvision that torch's CPU build does not
go with): ``pip install --no-deps backpack-for-pytorch==1.7.1``.
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
from tests.backends.common import features

LEVELS = ("core", "tails", "deep", "sequence", "attention", "large")
BACKENDS = (
    "reference", "torch_func", "torch_hooks", "jax_vmap", "flax_", "tensorflow_", "opacus_",
    "backpack_", "backpack_scaled", "backpack_variance", "backpack_mean", "cockpit_formula",
    "batch_means_", "sklearn_", "javascript", "cplusplus",
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
        and features(case) <= getattr(backend, "LAYERS", features(case))
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

What implementations give on the {n} golden cases, as they are. Written by

```sh
pip install -e ".[test,torch,jax,tensorflow]"
pip install --no-deps backpack-for-pytorch==1.7.1
python -m tests.backends.run --page docs/backends.md
```

with Node and g++ on the path. CI runs it again, and fails if an outcome differs from this page.
The code that computes GSNR is that of the [recipes](recipes/index.md). A level in **bold** is one
that the recipe claims: every case of it passes for which the backend has the layers. *+ n* are
cases that are left out: layers that the backend does not have here, or what is said below.
*Digits* is the median number of correct digits over all values. A failed case is told with the
first known mistake that it is consistent with, which [Golden values](golden.md) explains;
`unexplained` means that no known mistake makes these values.
"""

GPU = """## On a GPU

The PyTorch recipes take `device="cuda"`, and JAX and TensorFlow use a GPU by themselves. Where this
page was written and in CI there was none: nothing on it was computed on a GPU. To try:

```sh
python -m tests.backends.run torch_func torch_hooks --device cuda
```

Where torch sees no GPU, the command says so and stops, and a test holds it to that; where there is
one, the test runs both recipes on it, and each claim has to hold. Before a comparison in float32,
forbid what is less precise: `torch.backends.cuda.matmul.allow_tf32 = False` and
`torch.backends.cudnn.allow_tf32 = False`, as the command does, or in JAX
`jax_default_matmul_precision="highest"`.
"""

ABOUT = {
    "reference": "This package: streamed moments of its own taps.",
    "torch_func": "`torch.func.vmap(grad)`, batches merged.",
    "torch_hooks": "Inputs, deltas and their squares: no per-sample gradient of a dense layer.",
    "jax_vmap": "`jax.vmap(value_and_grad)`, batches merged.",
    "flax_": "linen modules through the JAX recipe.",
    "tensorflow_": "Keras layers, `tape.jacobian` of the losses.",
    "opacus_": "`grad_sample` on a summed loss, batches merged.",
    "backpack_": "`BatchGrad` on a summed loss, batches merged.",
    "backpack_scaled": "The recipe's second way: `(grad / B)**2 / variance` after a mean loss.",
    "backpack_variance": "`Variance` on a summed loss, which is E g² − (E g)².",
    "backpack_mean": "BackPACK after the backward pass of a mean loss, read as it stands: "
    "`grad**2 / variance`. Its documentation warns that its variance is then that of gᵢ/B; "
    "this row shows what a reader who overlooks it gets.",
    "cockpit_formula": "The formula of `MeanGSNR`, with its epsilon of 1e-5, fed as Cockpit does.",
    "batch_means_": "Variance between batch means, over every cut of the samples in two.",
    "sklearn_": "`LogisticRegression` with the case's coefficients: linear softmax cases.",
    "javascript": "Plain JavaScript, derived by hand, from the exported JSON; no library.",
    "cplusplus": "One file in C++17, compiled with g++.",
}


def level_cells(backend, reports):
    """By level: how many passed, of how many, and how many more the level has."""
    cells = []
    for level in LEVELS:
        mine = [r for r in reports if r.case.level == level]
        others = sum(case.level == level for case in golden.cases()) - len(mine)
        cell = f"{sum(r.passed for r in mine)} of {len(mine)}"
        cell = f"**{cell}**" if level in backend.CLAIMS else cell
        cells.append((cell if mine else "–") + (f" + {others}" if mine and others else ""))
    return cells


def row(backend, dtype, reports):
    """One row of the table."""
    counts = Counter(failures(reports).values())
    named = ", ".join(f"{n} × `{id}`" for id, n in counts.most_common()) or "none"
    cells = level_cells(backend, reports)
    return " | ".join(
        [f"| {backend.NAME}", backend.version(), dtype, *cells, str(digits(reports)), f"{named} |"]
    )


def about(name, backend):
    """What was run, and what was left out."""
    declared = left_out(backend)
    parts = [*(f"`{flag}` cases" for flag in declared["flags"]), *declared["quantities"]]
    if hasattr(backend, "ONLY"):
        parts = [
            *(f"`{f}` cases" for f in declared["flags"]),
            f"all quantities but {', '.join(backend.ONLY)}",
        ]
    without = f" Left out: {', '.join(parts)}." if parts else ""
    recipe = getattr(backend, "RECIPE", None)
    recipe = f", recipe `{recipe}`" if recipe else ""
    return f"- **{backend.NAME}** (`tests/backends/{name}.py`{recipe}): {ABOUT[name]}{without}"


def few_failures(backend, dtype, reports):
    """What fails in a backend that passes nearly everything, a line a case."""
    failed = failures(reports)
    if not 0 < len(failed) <= 10:
        return []
    lines = [f"{backend.NAME}, {dtype}:", ""]
    for report in reports:
        if report.case.id in failed:
            worst = next(q for q in report.quantities if not q.passed)
            where = f"{worst.quantity}{worst.worst}" if worst.worst else worst.problem
            lines.append(f"- `{report.case.id}`: `{failed[report.case.id]}`; {where}")
    return [*lines, ""]


def page(outcomes):
    """The outcome of all backends as Markdown. `outcomes`: (name, backend, dtype, reports)."""
    head = "| ".join(["backend ", "version ", "dtype ", *(f"{v} " for v in LEVELS), "digits "])
    lines = [
        HEADER.format(n=len(golden.cases())),
        f"| {head}| failures, by first diagnosis |",
        "|---" * (len(LEVELS) + 5) + "|",
        *(row(*outcome[1:]) for outcome in outcomes),
        "",
        GPU,
        "## What was run",
        "",
        *(about(name, b) for name, b in {name: b for name, b, *_ in outcomes}.items()),
        "",
        "## Cases that fail where most pass",
        "",
        *(line for outcome in outcomes for line in few_failures(*outcome[1:])),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments=None):
    """Run, and print or write the page."""
    parser = argparse.ArgumentParser("python -m tests.backends.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BACKENDS))
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page instead")
    parser.add_argument("--device", default="cpu", help="of torch_func and torch_hooks: cuda")
    chosen = parser.parse_args(arguments)
    if chosen.device != "cpu":
        on_device(chosen.device)
    text = page(run_all(chosen.names or BACKENDS))
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")
    else:
        print(text)


def on_device(device):
    """Let the torch backends compute on a device, in full float32 precision."""
    import torch

    from tests.backends import torch_modules

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise SystemExit(f"device is {device!r}; expected cpu: torch sees no GPU here")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch_modules.DEVICE = device


def run_all(names):
    """Run backends by name, in every dtype they have."""
    outcomes = []
    for name in names:
        backend = load(name)
        outcomes += [(name, backend, dtype, run(backend, dtype)) for dtype in backend.DTYPES]
    return outcomes


if __name__ == "__main__":
    main()
