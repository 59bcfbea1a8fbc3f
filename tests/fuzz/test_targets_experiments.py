"""The fuzz targets of the experiments, on what was found before and on a few mutations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets_experiments import fuzz_cell, fuzz_set, seeds_cell, seeds_set

CELLS_FOUND = [
    b"",
    b"\0",
    b"\0" + b"[" * 100_000,  # nested deeper than Python follows
    b'\0{"sha256": ' + b"[" * 900 + b"]" * 900 + b"}",
    b"\0\xff\xfe{\x00}\x00",  # UTF-16
    b"\0" + b"9" * 5000,  # more digits than Python reads
    b'\0{"sha256": 1}',
    b'\0{"sha256": "\\ud800"}',
    b'\1{"rows": "\\ud800"}',
    b"\1[]",
]
SETS_FOUND = [
    b"",
    b"\0\0=",
    b"\0\0n",
    b"\0\0n=" + b"[" * 100_000,
    b"\0\0n=" + b"9" * 5000,
    b"\0\0n=1e999",
    b"\0\0n=[50, 50.0]",
    b"\0\0n=[50, [51]]",
    b'\0\0n={"a": 1}',
    b"\0\0" + b"\xff" * 60,  # six characters each where they are shown
    b"\0\0data=\xff\n\x1b[31m",
    b"\0\0learning_rate=-0.0",
    b"\0\0label_noise=[0, -0.0]",
    b"\2\0scale=1",
    b"\2\0n=1e2",
]


def mutated(seeds):
    """A seed with some of its bytes cut out and others put in their place."""
    place = st.integers(0, 200)
    return st.builds(
        lambda seed, at, gone, new: seed[:at] + new + seed[at + gone :],
        st.sampled_from(seeds), place, place, st.binary(max_size=8),
    )  # fmt: skip


@pytest.mark.parametrize("data", [*CELLS_FOUND, *seeds_cell()], ids=lambda data: str(data[:20]))
def test_cell_files(data):
    fuzz_cell(data)


@pytest.mark.parametrize("data", [*SETS_FOUND, *seeds_set()], ids=lambda data: str(data[:20]))
def test_settings(data):
    fuzz_set(data)


@given(mutated(seeds_cell()))
def test_changed_cell_files(data):
    fuzz_cell(data)


@given(mutated(seeds_set()))
def test_changed_settings(data):
    fuzz_set(data)
