"""This package's own float64 results, graded like any other backend's."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import leaves_with_paths
from gsnr_ref.golden.quantity import correct_digits
from tests.backends import reference


def shortfalls(case, result):
    """Values with fewer digits than 14 (condition below 10), or 15 − log10 of the condition."""
    found = []
    for quantity, tree in case.expected.items():
        got = {
            path: case.select(quantity, path[-1] if path else "", np.asarray(value))
            for path, value in leaves_with_paths(result[quantity])
        }
        condition = dict(leaves_with_paths(case.condition[quantity]))
        for path, want in leaves_with_paths(tree):
            want, have = np.asarray(want), np.asarray(got[path], dtype=float)
            k = np.asarray(condition[path])
            bar = np.where(k < 10, 14.0, 15 - np.log10(np.maximum(k, 1)))
            # A value of 0 has no correct digits: its absolute error is checked by golden.check.
            short = (correct_digits(have, want) < bar) & (want != 0)
            found += [(quantity, path, tuple(i)) for i in np.argwhere(short)]
    return found


@pytest.mark.parametrize("from_samples", [False, True], ids=["streamed", "from_samples"])
@pytest.mark.parametrize("case", golden.cases(), ids=str)
def test_the_package_is_right(case, from_samples):
    result = reference.results(case, from_samples=from_samples)
    assert golden.check(case, result).passed
    assert shortfalls(case, result) == []


def test_a_lost_digit_is_noticed():
    case = golden.load("linear")
    assert shortfalls(case, case.expected) == []
    off = case.expected | {"losses": case.expected["losses"] * (1 + 3e-14)}
    assert len(shortfalls(case, off)) == np.sum(case.condition["losses"] < 30)
