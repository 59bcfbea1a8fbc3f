"""Random mutants of the core and of the golden kit, held against the default tests. By hand:

    python -m tests.meta.mutants --seed 0 --count 60

Each mutant is one small change of one expression or statement, in a copy of the checkout. The tests
beside its module run first, then those of its room, then all default tests; the first failure kills
it. Survivors are printed with their diff, to be judged by hand: a test is missing, or nothing that
is promised changes. The latter are listed with the reason in ``equivalent_mutants.json``.
Docstrings, messages, annotations and imports are never mutated.
"""

import argparse
import ast
import copy
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).parent / "equivalent_mutants.json"
ROOMS = (
    "autodiff.py",
    "contract.py",
    "gradients",
    "moments",
    "student.py",
    "signal_to_noise.py",
    "osgr",
    "inference",
    "related",
    "closed_form",
    "feature_learning.py",
    "golden",
    "loss_checks.py",
    "two_samples.py",
)
BAR = 0.95  # share of the mutants that change behaviour, to be killed
EVERYTHING = [  # all default tests but those of the tests, slow ones that cannot see a mutant
    "--ignore=tests/meta/test_planted_mistakes.py",
    "--ignore=tests/meta/test_mutants.py",
]

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
NOTHING = ("return", "return None", "return False")  # None for False is no other answer
WORDS = {"min": "max", "any": "all", "minimum": "maximum", "floor": "ceil"}
WORDS |= {new: old for old, new in WORDS.items()}


@dataclass(frozen=True)
class Mutant:
    """One change: a file, its text before and after, and the lines that hold the change."""

    path: str
    original: str
    text: str
    first: int
    last: int

    @property
    def before(self):
        return " ".join(" ".join(self.original.splitlines()[self.first : self.last]).split())

    @property
    def after(self):
        end = self.last + self.text.count("\n") - self.original.count("\n")
        return " ".join(" ".join(self.text.splitlines()[self.first : end]).split())

    @property
    def key(self):
        return self.path, self.before, self.after

    def changes(self):
        """Whether it is another program at all, and one."""
        try:
            return ast.dump(ast.parse(self.text)) != ast.dump(ast.parse(self.original))
        except SyntaxError:
            return False

    def diff(self):
        lines = (self.original.splitlines(), self.text.splitlines())
        return "\n".join(difflib.unified_diff(*lines, self.path, self.path, n=2, lineterm=""))


def with_field(node, **fields):
    """A copy of a node with some fields changed."""
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def has_fraction(node):
    """Whether a fraction such as 1e-9 is in it: then < and <= differ at one float, if at any."""
    values = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return any(isinstance(value, float) and not value.is_integer() for value in values)


def replacements(node):
    """What stands in the place of a node in its mutants."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for new in OPERATORS.get(type(node.op), ()):
            yield with_field(node, op=new())
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            news = OPERATORS[type(op)]
            for new in news[-1:] if has_fraction(node) else news:
                yield with_field(node, ops=[*node.ops[:i], new(), *node.ops[i + 1 :]])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield node.operand
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield with_field(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    if isinstance(node, ast.Name) and node.id == "ddof":
        yield ast.Constant(0)
    if isinstance(node, ast.Name) and node.id in WORDS:
        yield with_field(node, id=WORDS[node.id])
    if isinstance(node, ast.Attribute) and node.attr in WORDS:
        yield with_field(node, attr=WORDS[node.attr])
    if isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            yield with_field(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])
    if isinstance(node, ast.Return) and ast.unparse(node) not in NOTHING:
        yield with_field(node, value=ast.Constant(None))
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    stored = isinstance(node, ast.Assign) and isinstance(
        node.targets[0], (ast.Attribute, ast.Subscript)
    )
    if called or stored or isinstance(node, (ast.AugAssign, ast.Raise, ast.Delete)):
        yield ast.Pass()


def sites(node):
    """The nodes that are mutated."""
    if isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return  # positions inside an f-string are those of the whole, before Python 3.12
    yield node
    if isinstance(node, ast.Raise):
        return
    overload = any("overload" in ast.unparse(d) for d in getattr(node, "decorator_list", ()))
    checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    if overload or checking:
        return
    left_out = {"annotation", "returns", "decorator_list", "bases"}
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in left_out:
                yield from sites(child)


def mutants_of(path, source):
    """Every mutant of one module."""
    lines = source.splitlines(keepends=True)
    for node in sites(ast.parse(source)):
        for new in replacements(node):
            old = node
            if isinstance(node, (ast.If, ast.While)):  # the condition alone: the body stays
                old, new = node.test, new.test
            text = ast.unparse(new)
            atom = isinstance(new, (ast.stmt, ast.Name, ast.Call, ast.Attribute)) or text.isalnum()
            first, last = old.lineno - 1, old.end_lineno
            head = lines[first].encode()[: old.col_offset].decode()
            tail = lines[last - 1].encode()[old.end_col_offset :].decode()
            changed = head + (text if atom else f"({text})") + tail
            after = "".join([*lines[:first], changed, *lines[last:]])
            yield Mutant(path, source, after, first, last)


def mutated_modules():
    """Their paths, from the root of the checkout."""
    package = ROOT / "gsnr_ref"
    paths = (p for room in ROOMS for p in (package / room, *(package / room).rglob("*.py")))
    return sorted(p.relative_to(ROOT).as_posix() for p in paths if p.suffix == ".py")


def all_mutants():
    for path in mutated_modules():
        yield from mutants_of(path, (ROOT / path).read_text())


def stages(path):
    """What to run, the most concerned first: arguments for pytest."""
    module = Path(path)
    beside = ROOT / "tests" / module.parent
    name = module.parent.name if module.stem == "__init__" else module.stem
    own = [str(p.relative_to(ROOT)) for p in sorted(beside.glob(f"test_{name}*.py"))]
    yield [path, *own]
    if module.parent.name != "gsnr_ref":
        yield [str(beside.relative_to(ROOT)), str(module.parent)]
    yield EVERYTHING


def run_tests(folder, arguments, timeout=None, short=True):
    """Whether the tests pass in a copy of the checkout, and what killed the mutant if not."""
    command = [sys.executable, "-m", "pytest", "-xq", "-n0"]
    command += arguments
    variables = {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"}
    variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return False, f"no end in {timeout:.0f} s"
    if result.returncode in (0, 5):  # 5: no test there
        return True, ""
    said = [x for x in result.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))]
    what = said[0].partition(" - ")[0] if said else f"exit code {result.returncode}"
    return False, what if short else f"{what}\n{result.stdout[-5000:]}"


def copied():
    """A copy of the checkout: what git tracks, and what is new and not ignored."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def judge(mutant, folders, extra, timeout):
    """What killed a mutant, or None."""
    folder = folders.get()
    file = folder / mutant.path
    try:
        file.write_text(mutant.text)
        for arguments in stages(mutant.path):
            passed, killer = run_tests(folder, [*arguments, *extra], timeout)
            if not passed:
                return killer
        return None
    finally:
        file.write_text(mutant.original)
        folders.put(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="part of the path of the modules to mutate")
    parser.add_argument("--list", action="store_true", help="print the sample and stop")
    options, extra = parser.parse_known_args()  # the rest goes to pytest

    candidates = [mutant for mutant in all_mutants() if options.only in mutant.path]
    shuffled = random.Random(options.seed).sample(candidates, len(candidates))
    sample = list(islice((m for m in shuffled if m.changes()), options.count))
    print(f"seed {options.seed}: {len(sample)} of {len(candidates)} mutants")
    if options.list:
        print(*(f"{m.path}:{m.first + 1}\n  - {m.before}\n  + {m.after}" for m in sample), sep="\n")
        return 0
    equivalent = {(e["path"], e["before"], e["after"]) for e in json.loads(EQUIVALENT.read_text())}
    folders = Queue()
    for _ in range(options.processes):
        folders.put(copied())
    survivors, harmless = [], 0
    try:
        start = time.monotonic()
        passed, failure = run_tests(folders.queue[0], [*EVERYTHING, *extra], short=False)
        if not passed:
            raise SystemExit(f"the tests fail without a mutant: {failure}")
        timeout = 60 + 4 * (time.monotonic() - start)  # a loop without an end is a failure
        with ThreadPoolExecutor(options.processes) as pool:
            judged = pool.map(lambda m: judge(m, folders, extra, timeout), sample)
            for number, (mutant, killer) in enumerate(zip(sample, judged, strict=True), start=1):
                listed = mutant.key in equivalent
                fate = f"killed by {killer}" if killer else "equivalent" if listed else "SURVIVED"
                print(f"{number:3d} {mutant.path}:{mutant.first + 1}: {fate}")
                print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
                harmless += listed and not killer
                survivors += [] if killer or listed else [mutant]
    finally:
        while not folders.empty():
            shutil.rmtree(folders.get())
    for mutant in survivors:
        print(f"\n{mutant.diff()}")
    count = len(sample) - harmless
    share = 1 - len(survivors) / max(1, count)
    print(f"\nkilled {count - len(survivors)} of {count} that may change behaviour: {share:.1%}")
    return 0 if share >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
