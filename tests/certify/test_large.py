"""The route for large cases gives what that for small ones gives; large files are certified."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.generated import generate
from tests.certify import large, rounded
from tests.certify.__main__ import FOLDER, finished
from tests.certify.cases.building import case
from tests.certify.cases.large import LargeCase, generated, large_cases
from tests.certify.document import shaped

LARGE = {str(stated): stated for stated in large_cases()}


def small(stated):
    """The case with five samples, and layers of at most four units."""
    layers = [la | {k: min(la[k], 4) for k in ("n_in", "n_out") if k in la} for la in stated.layers]
    few = {name: array | {"shape": [min(4, s) for s in array["shape"]]}
           for name, array in stated.arrays.items()}  # fmt: skip
    for name in ("x", "y"):
        few[name]["shape"] = [5, *few[name]["shape"][1:]]
    if "n_classes" in few["y"]:
        few["y"] |= {"n_classes": 4}
    entries = {name: [list(i) for i in np.ndindex(*few[name]["shape"])] for name in stated.entries}
    return replace(stated, layers=layers, arrays=few, samples=(0, 2, 4), entries=entries)


def explicit(stated):
    """A large case as one that states its numbers."""
    numbers = {k: shaped(generated(array), array["shape"]) for k, array in stated.arrays.items()}
    x, y = numbers.pop("x"), numbers.pop("y")
    return case(stated.id, "...", ["large"], stated.layers, numbers, x, y, stated.loss)


def compared(quantity, tree, samples, name=None):
    """Values of the small route in the structure of the large one."""
    if isinstance(tree, dict):
        return {k: compared(quantity, v, samples, k) for k, v in tree.items()}
    by_sample = quantity in ("losses", "per_sample_gradients")
    return [tree[i] for i in samples] if by_sample else tree


@pytest.mark.parametrize("stated", LARGE.values(), ids=str)
def test_both_routes_agree_to_the_last_bit_and_their_conditions_to_two_digits(stated):
    few = small(stated)
    values, expected = large.certified(few), rounded.certified(explicit(few))
    assert set(values) == set(expected)
    for quantity, tree in values.items():
        assert tree == compared(quantity, expected[quantity], few.samples), quantity
    ours, theirs = large.conditions(few), rounded.conditions(explicit(few))
    for quantity, tree in ours.items():
        other = compared(quantity, theirs[quantity], few.samples)
        for a, b in zip(numbers_of(tree), numbers_of(other), strict=True):
            # A derivative against a difference, each rounded to two digits.
            assert abs(a - b) <= 0.051 * abs(b), quantity


def numbers_of(tree):
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
    return [tree] if parts is None else [v for part in parts for v in numbers_of(part)]


@pytest.mark.parametrize("id", ["large-location", "large-linear"])
def test_the_committed_file_is_what_is_certified(id):
    assert finished(LARGE[id]) == (FOLDER / "cases" / f"{id}.json").read_text()


@pytest.mark.parametrize("stated", LARGE.values(), ids=str)
def test_two_programs_generate_the_same_numbers(stated):
    arrays = json.loads((FOLDER / "cases" / f"{stated}.json").read_text())["inputs"]["generated"]
    for name, array in arrays["arrays"].items():
        entries = generate(array)
        assert entries.ravel().tolist() == generated(stated.arrays[name])
        assert np.array_equal(entries, entries.astype(np.float32))


def test_a_backend_gives_all_values_or_the_selected_ones():
    stated = golden.load("large-softmax")
    assert golden.check(stated, stated.expected).passed
    everything = np.zeros(2000)
    everything[[0, 1000, 1999]] = stated.expected["losses"]
    assert golden.check(stated, stated.expected | {"losses": everything}).passed
    everything[1000] *= 1 + 1e-9
    report = golden.compare(stated, stated.expected | {"losses": everything})
    assert "losses: 1 of 3 values wrong" in str(report) and not report.diagnoses


def test_it_is_a_large_case():
    assert isinstance(LARGE["large-linear"], LargeCase)
    assert all(golden.load(id).level == "large" for id in LARGE)
