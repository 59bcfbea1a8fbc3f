"""The layer rule: one table, and every import of both packages read against it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = {"contract", "gradients", "moments", "signal_to_noise", "osgr", "parallel"} | {
    "closed_form",
    "inference",
    "related",
    "feature_learning",
}

#: What each module of gsnr_ref may import of gsnr_ref. The longest prefix of a name counts.
LAYERS = {
    "contract": set(),
    "parallel": set(),
    "gradients": {"contract", "gradients"},
    "moments.sums": set(),
    "moments.mergeable": {"contract", "moments.sums"},
    "moments": {"contract", "gradients", "moments"},
    "signal_to_noise": {"contract", "moments"},
    "osgr": set(),
    "osgr.predicted": {"contract", "moments", "signal_to_noise"},
    "osgr.step": {"contract"},
    "osgr.measured": {"contract", "parallel", "osgr.ratio", "osgr.step"},
    "osgr.enumerated": {"contract", "osgr.step"},
    "osgr.expansion": {"contract", "gradients"},
    "osgr.preconditioned": {"contract", "moments"},
    "osgr.holdout": {"contract", "moments"},
    "closed_form": {"closed_form"},
    "feature_learning": {"contract", "gradients"},
    "inference": {"contract", "moments", "inference"},
    "related": {"contract", "moments", "related"},
    "files": set(),
    "claims": CORE | {"claims", "toy_models"},
    "golden": CORE | {"golden", "files", "toy_models"},
    "golden.layouts": {"contract"},
    "golden.generator": {"golden.generator"},
    "golden.generator.__main__": {"golden"},
    "experiments": CORE | {"experiments", "files", "toy_models"},
    "experiments.harness": {"experiments.harness"},
    "experiments.harness.settings": set(),
    "experiments.harness.extras": set(),
    "experiments.harness.experiment": {"experiments.harness.settings"},
    "experiments.harness.cells": {"experiments.harness.experiment", "files"},
    "experiments.harness.dask_cluster": {"experiments.harness.cells"},
    "experiments.harness.folder": {"experiments.harness.cells"},
    "experiments.harness.drawing": set(),
    "experiments.harness.rows": {"experiments.harness.experiment"},
    "experiments.harness.output": {
        "experiments.harness.cells",
        "experiments.harness.drawing",
        "experiments.harness.experiment",
        "experiments.harness.settings",
        "files",
    },
    "experiments.harness.grid": {
        "contract",
        "experiments.harness.cells",
        "experiments.harness.dask_cluster",
        "experiments.harness.experiment",
        "parallel",
    },
    "experiments.shared": {"contract", "experiments.harness", "experiments.shared"}
    | {"inference", "moments", "osgr.ratio", "toy_models"},
    "experiments.shared.descent": {"contract"},
    "experiments.shared.rise": set(),
    "experiments.registry": {"experiments"},
    "experiments.command": {"experiments.harness", "experiments.registry"},
    "cli": CORE | {"claims", "experiments", "golden", "files", "toy_models"},
    "": CORE,
}
EVERYWHERE = {"numpy", "scipy", "autograd"}
INSIDE_FUNCTIONS = {
    "joblib",
    "threadpoolctl",
    "tqdm",
    "sklearn",
    "pooch",
    "jsonschema",
    "flint",
} | {
    "matplotlib",
    "distributed",
}


def is_within(module, allowed):
    return any(module == a or module.startswith(a + ".") for a in allowed)


def violations(module, source):
    """What `module`, a dotted name, imports against the rule."""
    package, _, inner = module.partition(".")
    layer = max((name for name in LAYERS if is_within(inner, {name}) or not name), key=len)
    found = []
    tree = ast.parse(source)
    top_level = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module if node.level == 0 else "a relative import"]
            if names == ["gsnr_ref"]:  # its rooms
                names = [f"gsnr_ref.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first in sys.stdlib_module_names:
                continue
            if first == "gsnr_ref":
                allowed = package == "gsnr_ref" and is_within(rest, LAYERS[layer])
            elif first == "toy_models":
                allowed = package == "toy_models" or "toy_models" in LAYERS[layer]
            else:
                allowed = first in EVERYWHERE or (
                    first in INSIDE_FUNCTIONS and id(node) not in top_level
                )
            if not allowed:
                found.append(f"{module} imports {name}")
    return found


def modules():
    for package in ("gsnr_ref", "toy_models"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(p for p in parts if p != "__init__"), path


def test_every_import_keeps_the_layer_rule():
    read = list(modules())
    assert len(read) > 25
    assert [v for module, path in read for v in violations(module, path.read_text())] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gsnr_ref.osgr.measured", "from gsnr_ref.moments import gradient_moments"),
        ("gsnr_ref.osgr.measured", "from gsnr_ref.osgr.predicted import predicted_osgr"),
        ("gsnr_ref.osgr.enumerated", "def f():\n    from gsnr_ref.signal_to_noise import gsnr"),
        ("gsnr_ref.moments.streamed", "import gsnr_ref.osgr.predicted"),
        ("gsnr_ref.signal_to_noise", "from toy_models import MLP"),
        ("gsnr_ref.signal_to_noise", "import joblib"),
        ("gsnr_ref.signal_to_noise", "from . import contract"),
        ("gsnr_ref", "from gsnr_ref.claims import verify"),
        ("gsnr_ref.golden.generator.certify", "from gsnr_ref.signal_to_noise import gsnr"),
        ("gsnr_ref.golden.generator.quantities", "from gsnr_ref.golden.mistakes import mistakes"),
        ("gsnr_ref.golden.results", "import jsonschema"),
        ("toy_models.mlp", "from gsnr_ref.contract import Array"),
        ("toy_models.mlp", "import torch"),
    ],
)
def test_planted_violations_are_found(module, source):
    assert len(violations(module, source)) == 1


def loaded_by(statement):
    """Installed packages that a fresh interpreter has loaded after a statement."""
    code = (
        f"import sys; {statement}; print(*{{m.partition('.')[0] for m, v in "
        "list(sys.modules.items()) if 'site-packages' in (getattr(v, '__file__', None) or '')})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return {name for name in result.stdout.split() if name not in ("gsnr_ref", "toy_models")}


def test_importing_gsnr_ref_loads_its_three_dependencies_only():
    theirs = loaded_by("import numpy, scipy.stats, autograd.numpy, autograd.extend")
    assert theirs >= EVERYWHERE
    assert loaded_by("import gsnr_ref, toy_models") <= theirs
