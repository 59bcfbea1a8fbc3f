"""Quantities without units do not change with the scale of the gradients, from end to end."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import RangeError
from gsnr_ref.related import gradient_confusion, gradient_diversity, m_coherence, stiffness

ENTRIES = st.integers(-9, 9)
ROWS = st.lists(st.lists(ENTRIES, min_size=2, max_size=2), min_size=2, max_size=5)
EXPONENTS = st.integers(-1000, 1000)


@given(ROWS, EXPONENTS)
def test_the_scale_of_all_gradients_does_not_matter(rows, exponent):
    samples = np.array(rows, float)
    scaled = np.ldexp(samples, exponent)
    for quantity in (m_coherence, gradient_diversity, stiffness):
        assert np.array_equal(quantity(scaled), quantity(samples), equal_nan=True)
    assert stiffness(scaled, "sign") == stiffness(samples, "sign")


@given(ROWS, st.lists(EXPONENTS, min_size=5, max_size=5))
def test_the_scale_of_each_gradient_does_not_matter_to_a_cosine(rows, exponents):
    samples = np.array(rows, float)
    scaled = np.ldexp(samples, np.array(exponents[: len(rows)])[:, None])
    assert stiffness(scaled) == stiffness(samples)


@given(ROWS, EXPONENTS)
def test_confusion_is_exact_or_refused(rows, exponent):
    scale = Fraction(2) ** exponent
    exact = (
        max(
            0,
            *(
                -sum(a * b for a, b in zip(g, h, strict=True))
                for i, g in enumerate(rows)
                for h in rows[:i]
            ),
        )
        * scale**2
    )
    samples = np.ldexp(np.array(rows, float), exponent)
    if exact and not Fraction(2) ** -1070 < exact < Fraction(2) ** 1024:
        with pytest.raises(RangeError, match="leave the range of float64"):
            assert gradient_confusion(samples) == exact  # a few subnormal ones are exact
            raise RangeError("leave the range of float64")
    else:
        assert Fraction(gradient_confusion(samples)) == exact
