"""The sampler of mutants, on a source of a few lines. It runs by hand: see its docstring."""

import json

import pytest

from tests.meta.mutants import (
    EQUIVALENT,
    ROOT,
    all_mutants,
    mutants_of,
    mutated_modules,
    stages,
)

KEPT = '''
"""A docstring with 1 + 1."""
from typing import Literal
Option = "one"
def f(a: Literal[1, 2], b: "a < b") -> Literal[3]:
    """Another, with 2 < 3."""
'''


@pytest.mark.parametrize(
    ("statement", "mutants"),
    [
        ("a < b", {"(a <= b)", "(a >= b)"}),
        ("a + b", {"(a - b)"}),
        ("a * b", {"(a / b)"}),
        ("a = 2", {"a = 3", "a = 1"}),
        ("a = True", {"a = False"}),
        ("a and b", {"(a or b)"}),
        ("not a", {"a"}),
        ("-a", {"a"}),
        ("if a:\n    b", {"if (not a):"}),
        ("f(a, ddof=b)", {"f(a)", "pass"}),
        ("m - ddof", {"(m + ddof)", "m - 0"}),
        ("a[1]", {"a[2]", "a[0]"}),
        ("def f():\n    return a", {"return None"}),
        ("def f():\n    return False", {"return True"}),
        ("a < 1e-9", {"(a >= 1e-09)", "a < (1.000000001)", "a < (-0.999999999)"}),
        ("a += b", {"a -= b", "pass"}),
        ("a.b = c", {"pass"}),
        ("c = np.min(a)", {"c = np.max(a)"}),
        ('raise ValueError(f"{1 + 1} < 2")', {"pass"}),
        ("σ = μ; ρ = μ * σ", {"σ = μ; ρ = (μ / σ)"}),  # columns are counted in bytes
        (KEPT, set()),
    ],
)
def test_mutants_of_a_statement(statement, mutants):
    assert {m.after for m in mutants_of("a.py", statement)} == mutants


def test_every_mutant_is_python_and_differs_from_the_core():
    mutants = list(all_mutants())
    assert len(mutants) > 1000
    some = mutants[::50]
    assert sum(m.changes() for m in some) > 0.95 * len(some)
    for mutant in some:
        assert mutant.before != mutant.after
        assert mutant.diff().count("\n@@") == 1


def test_what_runs_first_is_there():
    modules = mutated_modules()
    assert {"gsnr_ref/contract.py", "gsnr_ref/osgr/predicted.py"} <= set(modules)
    for path in modules:
        *first, last = stages(path)
        assert path in first[0]
        assert all((ROOT / name).exists() for names in first for name in names)
        assert all((ROOT / name.removeprefix("--ignore=")).exists() for name in last)


def test_mutants_that_are_listed_as_equivalent_still_exist():
    listed = json.loads(EQUIVALENT.read_text())
    keys = {m.key for m in all_mutants()} if listed else set()
    for entry in listed:
        assert entry["reason"]
        assert (entry["path"], entry["before"], entry["after"]) in keys
