"""Other frameworks on the golden cases: run with ``pytest -m backends tests``.

Their outcome is the page docs/backends.md, failures and diagnoses included.
"""

import re
from pathlib import Path

import pytest

from tests.backends.run import BACKENDS, failures, load, page, run

pytestmark = pytest.mark.backends
PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
RIGHT = ("reference", "javascript")
MODULES = {
    "torch_func": "torch", "jax_vmap": "jax", "opacus_": "opacus", "backpack_": "backpack",
    "backpack_mean": "backpack", "cockpit_formula": "backpack",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    for module in set(MODULES.values()):
        pytest.importorskip(module)
    return [
        (name, load(name), dtype, run(load(name), dtype))
        for name in BACKENDS
        for dtype in load(name).DTYPES
    ]


def without_versions(text):
    """The page but for the versions, which a machine may have otherwise, and the worst values."""
    rows = re.sub(r"^(\| [^|]+) \| [^|]+ \|", r"\1 | |", text, flags=re.MULTILINE)
    return re.sub(r"; [a-z_0-9]+(\[|:).*$", "", rows, flags=re.MULTILINE)


def test_the_page_is_what_a_run_gives(outcomes, capsys):
    assert without_versions(page(outcomes)) == without_versions(PAGE.read_text())


def test_what_is_right_passes_everything(outcomes):
    for name, _, _, reports in outcomes:
        if name in RIGHT:
            assert failures(reports) == {}


def test_careful_backends_fail_only_where_their_formulas_cancel(outcomes):
    for name, _, _, reports in outcomes:
        if name in ("torch_func", "jax_vmap", "opacus_", "backpack_"):
            assert set(failures(reports).values()) <= {"tails-lost", "one-pass-variance"}


def test_the_factor_of_b_squared_is_found_and_named(outcomes):
    for name, _, _, reports in outcomes:
        if name == "backpack_mean":
            named = list(failures(reports).values())
            assert named.count("mean-loss-variance") > 70
        if name == "cockpit_formula":
            assert list(failures(reports).values()).count("epsilon-in-denominator") > 30
