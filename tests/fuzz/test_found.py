"""Inputs that broke a promise once, and valid ones, are replayed; every target meets any bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.guarding import guarded
from tests.fuzz.targets import FOUND, seeds, targets

TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_found_inputs_keep_the_promises(name):
    for data in seeds(TARGETS[name]):
        with guarded():
            TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_keep_the_promises(name):
    @settings(max_examples=20)
    @given(st.binary(max_size=300))
    def keep(data):
        with guarded():
            TARGETS[name](data)

    keep()


def test_every_folder_of_found_inputs_belongs_to_a_target():
    assert {path.name for path in FOUND.glob("*") if path.is_dir()} <= set(TARGETS)
