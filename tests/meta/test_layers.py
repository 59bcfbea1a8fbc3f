"""The layer rule: one table, every import of both packages read against it, and every sentence.

A module's docstring may say what it imports, in a sentence that begins with "Imports"; the first
sentence of a room's face (its ``__init__.py``) is such a sentence, and speaks for the whole room.
"""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = {
    "autodiff",
    "contract",
    "parallel",
    "two_samples",
    "loss_checks",
    "student",
    "gradients",
    "moments",
    "signal_to_noise",
    "osgr",
    "notebook",
    "closed_form",
    "inference",
    "related",
    "feature_learning",
}

#: What each module of gsnr_ref may import of gsnr_ref. The longest prefix of a name counts. A room
#: (the first word of a name) may only allow itself and rooms above it in this table.
LAYERS = {
    "contract": set(),
    "autodiff": set(),
    "parallel": set(),
    "notebook": set(),
    "two_samples": {"contract"},
    "loss_checks": {"contract", "two_samples"},
    "student": {"contract"},
    "gradients": {"autodiff", "contract", "gradients", "loss_checks", "two_samples"},
    "moments.sums": set(),
    "moments.products": {"moments.sums"},
    "moments.checks": {"contract", "moments.sums"},
    "moments.mergeable": {"contract", "moments.checks", "moments.sums"},
    "moments": {"contract", "gradients", "moments"},
    "signal_to_noise": {"contract", "moments", "notebook"},
    "osgr": {"osgr"},
    "osgr.ratio": set(),
    "osgr.predicted": {"contract", "moments", "signal_to_noise"},
    "osgr.step": {"autodiff", "contract", "loss_checks"},
    "osgr.support": {"contract"},
    "osgr.measured": {
        "contract",
        "loss_checks",
        "notebook",
        "parallel",
        "student",
        "osgr.ratio",
        "osgr.step",
        "osgr.support",
    },
    "osgr.enumerated": {"contract", "loss_checks", "notebook", "osgr.step", "osgr.support"},
    "osgr.curvature": {"autodiff", "contract"},
    "osgr.expansion": {"contract", "gradients", "osgr.curvature", "osgr.support"},
    "osgr.reused": {"contract", "moments", "student", "osgr.ratio"},
    "osgr.finite_step": {"contract", "osgr.curvature", "osgr.ratio"},
    "osgr.influence": {"contract", "gradients", "parallel"}
    | {"osgr.curvature", "osgr.ratio", "osgr.support"},
    "osgr.leave_one_out": {"contract", "gradients", "parallel", "osgr.curvature", "osgr.ratio"},
    "osgr.preconditioned": {"contract", "moments", "signal_to_noise"},
    "osgr.holdout": {"contract", "moments", "signal_to_noise"},
    "closed_form": {"closed_form", "notebook"},
    "feature_learning": {"autodiff", "contract", "gradients", "notebook"},
    "inference": {"contract", "inference", "moments", "signal_to_noise", "student"},
    "related": {"contract", "moments", "related", "signal_to_noise"},
    "interrupts": set(),
    "": CORE | {"interrupts"},
    "files": set(),
    "companion": set(),
    "options": set(),
    "terminal": set(),
    "claims": CORE | {"claims", "companion", "files", "options", "terminal", "toy_models"},
    "golden": {"companion", "golden"},
    "golden.generated": {"contract"},
    "golden.layouts": {"contract"},
    "golden.models": {"toy_models"},
    "golden.case": {"contract", "golden.generated", "golden.layouts", "golden.models"},
    "golden.quantity": {"contract", "golden.case", "golden.layouts"},
    "golden.diagnosis": {"autodiff", "contract", "gradients", "osgr"}
    | {"golden.case", "golden.quantity", "golden.diagnosis"},
    "golden.diagnosis.derived": {"contract", "golden.case"},
    "golden.conformance": {"contract", "golden.case", "golden.diagnosis", "golden.quantity"},
    "golden.reading": {"contract"},
    "golden.results": {"contract", "golden.case", "golden.quantity", "golden.reading"},
    "golden.suite": {"contract", "golden.case", "golden.conformance", "golden.diagnosis"}
    | {"golden.reading", "golden.results"},
    "golden.reports": {"contract", "golden.conformance", "golden.quantity", "golden.suite"},
    "golden.command": {"contract", "files", "golden"},
    # Of tests/: the writer of the golden values, held to the same rule.
    "certify": set(),
    "certify.__main__": {"contract", "golden"},
    "experiments": CORE | {"companion", "experiments", "files", "toy_models"},
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
    "experiments.harness.cost": {"experiments.harness.experiment", "experiments.harness.grid"},
    "experiments.shared": {"contract", "experiments.harness", "experiments.shared"}
    | {
        "inference",
        "moments",
        "osgr.curvature",
        "osgr.predicted",
        "osgr.ratio",
        "osgr.reused",
        "toy_models",
    },
    "experiments.shared.descent": {"contract"},
    "experiments.shared.rise": set(),
    "experiments.registry": {"experiments"},
    "experiments.command": {"experiments.harness", "experiments.registry", "options"},
    "cli": {"interrupts", "terminal", "claims.command", "experiments.command", "golden.command"},
    "__main__": {"cli"},
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
    "matplotlib",
    "distributed",
    "typing_extensions",  # of the type checker
}


def modules():
    """Path of every module of both packages and of tests/certify, by its dotted name."""
    found = {}
    for package in ("gsnr_ref", "toy_models", "tests/certify"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not parts[-1].startswith("test_"):
                found[".".join(p for p in parts if p != "__init__")] = path
    return found


MODULES = modules()
FACES = {name for name, path in MODULES.items() if path.name == "__init__.py"}
PACKAGED = [name for name in MODULES if not name.startswith("tests.")]


def inner(name):
    """A dotted name as the table and the docstrings write it: without ``gsnr_ref``, ``tests``."""
    return re.sub(r"^(gsnr_ref|tests)(\.|$)", "", name)


def is_within(name, rooms):
    return any(name == room or name.startswith(room + ".") for room in rooms)


def imports(module, tree):
    """Dotted names of the modules that `module` imports, each with its statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = [*module.split("."), *["__init__"] * (module in FACES)]
            base = [*parts[: -node.level], node.module or ""] if node.level else [node.module]
            for alias in node.names:
                names = [".".join(filter(None, [*base, *last])) for last in ([alias.name], [])]
                known = names[0] in MODULES or names[1] == "gsnr_ref"
                if names[0] != "gsnr_ref.__version__":  # a constant: nothing comes with it
                    yield names[0 if known else 1], node


# --- the table


def violations(module, source):
    """What `module`, a dotted name, imports against the rule."""
    package = module.partition(".")[0]
    tree = ast.parse(source)
    top_level = {id(node) for node in tree.body}
    entries = [e for e in LAYERS if package != "toy_models" and is_within(inner(module), {e})]
    rooms = LAYERS[max(entries, key=len)] if entries else set()
    found = set()
    for name, node in imports(module, tree):
        first = name.partition(".")[0]
        relative = getattr(node, "level", 0) > 0
        if first == "gsnr_ref":
            allowed = package != "toy_models" and is_within(inner(name), rooms)
        elif first == "tests":  # the writer of the golden values, held to the same rule
            allowed = package == "tests" and is_within(inner(name), {"certify"})
        elif first == "toy_models":  # found by its neighbours under any name, so relative inside
            allowed = relative if package == "toy_models" else "toy_models" in rooms
        elif first in INSIDE_FUNCTIONS:
            allowed = id(node) not in top_level
        else:
            allowed = first in EVERYWHERE or first in sys.stdlib_module_names
        if not allowed or (relative and package != "toy_models"):
            found.add(f"{module} imports {'.' * relative}{name}")
    return sorted(found)


def faults_of_the_table(layers, names):
    """Modules without an entry, words that name nothing, and permissions that run up."""
    for name in names:
        if not any(is_within(name, {entry}) for entry in layers):
            yield f"{name} has no entry"
    seen = set()
    for entry, rooms in layers.items():
        seen.add(entry.partition(".")[0])
        for word in sorted({entry, *rooms} - {"toy_models"}):
            if word not in names:
                yield f"{word} is no module"
            elif word.partition(".")[0] not in seen:
                yield f"{entry} allows {word}, which stands below"


def circle(graph):
    """A circle of imports, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_every_import_keeps_the_layer_rule():
    assert len(MODULES) > 25
    read = MODULES.items()
    assert [v for module, path in read for v in violations(module, path.read_text())] == []


def test_the_table_lists_every_module_and_no_import_runs_up():
    names = [inner(name) for name in MODULES if not is_within(name, {"toy_models"})]
    assert list(faults_of_the_table(LAYERS, names)) == []


def test_no_imports_go_round_in_a_circle():
    trees = {module: ast.parse(path.read_text()) for module, path in MODULES.items()}
    graph = {
        module: {name for name, _ in imports(module, tree) if name in MODULES}
        for module, tree in trees.items()
    }
    assert sum(map(len, graph.values())) > 100
    assert circle(graph) is None


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gsnr_ref.osgr.measured", "from gsnr_ref.moments import gradient_moments"),
        ("gsnr_ref.osgr.measured", "from gsnr_ref.osgr.predicted import predicted_osgr"),
        ("gsnr_ref.osgr.measured", "from gsnr_ref.osgr import predicted"),
        ("gsnr_ref.osgr.enumerated", "def f():\n    from gsnr_ref.signal_to_noise import gsnr"),
        ("gsnr_ref.moments.streamed", "import gsnr_ref.osgr.predicted"),
        ("gsnr_ref.signal_to_noise", "from toy_models import MLP"),
        ("gsnr_ref.signal_to_noise", "import joblib"),
        ("gsnr_ref.signal_to_noise", "from . import contract"),
        ("gsnr_ref.signal_to_noise", "from .contract import InputError"),
        ("gsnr_ref.signal_to_noise", "from gsnr_ref import gsnr"),
        ("gsnr_ref", "from gsnr_ref.claims import claim"),
        ("gsnr_ref.golden.results", "import jsonschema"),
        ("gsnr_ref.golden.quantity", "from gsnr_ref.golden.diagnosis import Mistake"),
        ("gsnr_ref.experiments.harness.rows", "from gsnr_ref.moments import GradientMoments"),
        ("tests.certify.rounded", "from gsnr_ref.signal_to_noise import gsnr"),
        ("tests.certify.cases.building", "import gsnr_ref.contract"),
        ("tests.certify.__main__", "from gsnr_ref import gsnr"),
        ("gsnr_ref.no_such_room", "from gsnr_ref.contract import InputError"),
        ("gsnr_ref.golden.case", "from tests.certify.cases import FLAGS"),
        ("tests.certify.quantities", "def f():\n    from gsnr_ref.golden import mistakes"),
        ("tests.certify.layers", "from toy_models import MLP"),
        ("tests.certify.layers", "from tests.backends import common"),
        ("toy_models.mlp", "from gsnr_ref.contract import Array"),
        ("toy_models.mlp", "from toy_models.losses import LOSSES"),
        ("toy_models.mlp", "from ..gsnr_ref.contract import Array"),
        ("toy_models.mlp", "import torch"),
    ],
)
def test_planted_imports_are_found(module, source):
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("layers", "faults"),
    [
        ({"contract": set(), "osgr": {"contract", "osgr.step"}}, []),
        ({"contract": set(), "osgr.step": {"contract"}}, ["osgr has no entry"]),
        ({"contract": {"osgr"}, "osgr": set()}, ["contract allows osgr, which stands below"]),
        ({"contract": set(), "osgr": {"moments"}}, ["moments is no module"]),
        ({"contract": set(), "osgr": set(), "osgr.gone": set()}, ["osgr.gone is no module"]),
    ],
)
def test_planted_faults_of_the_table_are_found(layers, faults):
    assert list(faults_of_the_table(layers, ["contract", "osgr", "osgr.step"])) == faults


def test_a_planted_circle_is_found():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


# --- the sentences


def claims_of(docstring):
    """For each sentence that begins with "Imports", the names that it gives."""
    text = " ".join(docstring.split())
    for clause in re.findall(r"(?:^|(?<=[.:;] ))Imports (.+?)(?=[:;]|\.(?: |$)|$)", text):
        names = re.findall(r"``([^`]+)``", clause)
        if clause.startswith("nothing") and " but " not in clause:
            names = []
        yield [n.replace("/", ".") for n in names] + ["the core"] * ("the core" in clause)


def meant(module, name):
    """The modules that a name in a docstring means, from ``gsnr_ref`` or from a room around it."""
    if name == "the core":
        return CORE
    around = inner(module).split(".")
    for depth in range(len(around) + 1):
        pattern = ".".join([*around[:depth], name])
        found = {m for m in map(inner, MODULES) if fnmatchcase(m, pattern)}
        if found:
            return found
    return {name}


def false_sentences(module, docstring, imported):
    """What the docstring says that is not imported, and what is imported that it does not say.

    `imported` holds dotted names as `imports` gives them. Other packages may be named too.
    """
    imported = {inner(name) for name in imported}
    ours = {name for name in imported if is_within(name, {*map(inner, MODULES)} - {""})}
    if module in FACES:
        imported, ours = (
            {name for name in names if not is_within(name, {inner(module)})}
            for names in (imported, ours)
        )
    found = []
    for names in claims_of(docstring):
        rooms = {name: meant(module, name) for name in names}
        found += [
            f"{module} does not import {name}, as it says"
            for name, room in rooms.items()
            if not any(is_within(i, room) for i in imported)
        ] + [
            f"{module} imports {name}, and does not say so"
            for name in sorted(ours)
            if not is_within(name, set().union(*rooms.values()))
        ]
    if module in FACES - {"gsnr_ref"} and not docstring.startswith("Imports "):
        found.append(f"the face of {module} does not begin with what its room imports")
    return found


def sentences_read(module):
    """The docstring of a module, and what the module, or all of a face's room, imports."""
    room = [m for m in MODULES if m == module or (module in FACES and is_within(m, {module}))]
    trees = {m: ast.parse(MODULES[m].read_text()) for m in room}
    imported = {name for m, tree in trees.items() for name, _ in imports(m, tree)}
    return ast.get_docstring(trees[module]) or "", imported


@pytest.mark.parametrize("module", PACKAGED)
def test_what_a_docstring_says_of_its_imports_is_true(module):
    assert false_sentences(module, *sentences_read(module)) == []


def test_sentences_are_found():
    said = [c for module in PACKAGED for c in claims_of(sentences_read(module)[0])]
    assert len(said) > 25


@pytest.mark.parametrize(
    ("module", "docstring", "imported", "n_faults"),
    [
        ("gsnr_ref.parallel", "Work. Imports nothing of the package.", {"joblib"}, 0),
        ("gsnr_ref.parallel", "Work. Imports NumPy only.", {"gsnr_ref.contract"}, 1),
        ("gsnr_ref.parallel", "Work. Imports nothing.", {"gsnr_ref.contract"}, 1),
        ("gsnr_ref.parallel", "Work. Imports nothing.", {"toy_models.mlp"}, 1),
        ("gsnr_ref.parallel", "Imports ``contract``.", set(), 1),
        ("gsnr_ref.parallel", "Imports ``contract`` and ``files``.", {"gsnr_ref.files"}, 1),
        ("gsnr_ref.parallel", "Imports ``osgr/step``.", {"gsnr_ref.osgr.step"}, 0),
        ("gsnr_ref.parallel", "Imports ``osgr.step``.", {"gsnr_ref.osgr.ratio"}, 2),
        ("gsnr_ref.parallel", "Imports ``osgr``.", {"gsnr_ref.osgr.ratio"}, 0),
        ("gsnr_ref.parallel", "Imports ``no_such_room``.", set(), 1),
        ("gsnr_ref.osgr.measured", "Imports ``step``.", {"gsnr_ref.osgr.step"}, 0),
        ("gsnr_ref.osgr.measured", "Imports ``step``.", {"gsnr_ref.osgr.ratio"}, 2),
        ("gsnr_ref.osgr.measured", "Imports ``ste*``.", {"gsnr_ref.osgr.step"}, 0),
        ("gsnr_ref.parallel", "Imports the core.", {"gsnr_ref.osgr.ratio"}, 0),
        ("gsnr_ref.parallel", "Imports the core.", {"gsnr_ref.files"}, 2),
        ("gsnr_ref.parallel", "Imports ``files``; more. Imports nothing.", {"gsnr_ref.files"}, 1),
        ("gsnr_ref.osgr", "Imports ``contract``: a.", {"gsnr_ref.contract", "gsnr_ref.osgr.b"}, 0),
        ("gsnr_ref.osgr", "Imports ``osgr``: a.", {"gsnr_ref.osgr.step"}, 1),
        ("gsnr_ref.osgr", "A ratio. Imports ``contract``.", {"gsnr_ref.contract"}, 1),
        ("gsnr_ref.osgr", "A ratio.", set(), 1),
    ],
)
def test_planted_false_sentences_are_found(module, docstring, imported, n_faults):
    assert len(false_sentences(module, docstring, imported)) == n_faults


# --- what an interpreter loads


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
