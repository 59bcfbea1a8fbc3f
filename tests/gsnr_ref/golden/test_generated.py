"""Inputs that are stated by a formula, in whole numbers of Python."""

import pytest

from gsnr_ref.golden.generated import PRIME, generate


@pytest.mark.parametrize("n_classes", [None, 7])
def test_entries_are_those_of_the_formula_and_begin_again_after_a_prime(n_classes):
    shape, stated = (2, PRIME // 2 + 3), {"a": 17389, "b": 2711, "c": 101}
    stated |= {"offset": 0.5, "shift": 15} if n_classes is None else {"n_classes": n_classes}
    made = generate({"shape": shape, **stated})
    assert made.shape == shape
    for k in (0, 1, 2, PRIME - 1, PRIME, PRIME + 1):
        m = k % PRIME
        h = ((17389 * m + 2711) % PRIME * m + 101) % PRIME
        entry = h % n_classes if n_classes else 0.5 + (h - 32760) / 2**15
        assert made.ravel()[k] == entry
