"""Other frameworks on the golden cases: run with ``pytest -m backends tests``.

Their outcome is the page docs/backends.md, failures and diagnoses included.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from gsnr_ref import golden
from tests.backends.run import ABOUT, BACKENDS, about, failures, load, main, row, run

pytestmark = pytest.mark.backends
PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
LEVELS_THERE = {case.level for case in golden.cases()}


@cache
def outcome(name):
    """The backend, and its reports by dtype."""
    backend = load(name)
    return backend, {dtype: run(backend, dtype) for dtype in backend.DTYPES}


def without_version(text):
    """A row of the table but for the version, which a machine may have otherwise."""
    return re.sub(r"^(\| [^|]+) \| [^|]+ \|", r"\1 | |", text)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_gives_what_the_page_says_and_passes_what_its_recipe_claims(name):
    backend, reports = outcome(name)
    on_page = {without_version(line) for line in PAGE.read_text().splitlines()}
    for dtype, of_dtype in reports.items():
        claimed = [r for r in of_dtype if r.case.level in backend.CLAIMS]
        assert [r.case.id for r in claimed if not r.passed] == []
        assert {r.case.level for r in claimed} == set(backend.CLAIMS) & LEVELS_THERE
        assert without_version(row(backend, dtype, of_dtype)) in on_page
    assert about(name, backend) in on_page
    if name == "backpack_mean":
        assert list(failures(reports["float64"]).values()).count("mean-loss-variance") > 70
    if name == "cockpit_formula":
        named = list(failures(reports["float64"]).values())
        assert named.count("epsilon-in-denominator") > 30


def test_the_page_has_a_row_for_each_backend_and_no_other():
    names = re.findall(r"\(`tests/backends/(\w+)\.py`", PAGE.read_text())
    assert names == list(BACKENDS) == list(ABOUT)


def test_on_a_gpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(SystemExit, match="torch sees no GPU here"):
            main(["torch_func", "--device", "cuda"])
        return
    from tests.backends import torch_modules
    from tests.backends.run import on_device

    on_device("cuda")
    try:
        for name in ("torch_func", "torch_hooks"):
            backend = load(name)
            claimed = [r for r in run(backend, "float64") if r.case.level in backend.CLAIMS]
            assert [r.case.id for r in claimed if not r.passed] == []
    finally:
        torch_modules.DEVICE = "cpu"
