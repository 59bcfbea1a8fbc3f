"""Preconditioned steps against every dataset, as fractions; and the limits of preconditioning."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    InputError,
    collapsed_osgr,
    enumerated_osgr,
    gradient_moments,
    gsnr,
    preconditioned_osgr,
)
from toy_models import make_case

CASE = make_case("rational", "linear")
POINTS = CASE.population
MOMENTS = gradient_moments(
    CASE.model, CASE.params, POINTS.x, POINTS.y, weights=POINTS.probabilities
)


@given(st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any), st.integers(1, 4))
def test_it_equals_every_dataset_as_fractions(factors, n):
    a, b, c = map(Fraction, factors)
    p = {"linear.weight": np.array([[a], [b]]), "linear.bias": np.array([c])}
    whole, half = (
        enumerated_osgr(
            CASE.model, CASE.params, CASE.population, n, Fraction(1, k), preconditioner=p
        )
        for k in (10, 20)
    )
    # A quadratic loss: 4ΔL(λ/2) − ΔL(λ) is the slope without a limit.
    slope_test = 4 * half.test_decrease - whole.test_decrease
    slope_training = 4 * half.training_decrease - whole.training_decrease
    assert slope_test / slope_training == preconditioned_osgr(MOMENTS, n, p)


def test_no_preconditioner_is_the_collapsed_form():
    ones = {name: np.ones_like(mean) for name, mean in MOMENTS.mean.items()}
    assert preconditioned_osgr(MOMENTS, 7, ones) == collapsed_osgr(MOMENTS, 7)


def test_the_supremum_is_all_mass_on_the_best_parameter():
    rng = np.random.default_rng(0)
    moments = GradientMoments.from_samples(rng.normal(0.5, 1, (50, 6)))
    best = int(np.argmax(gsnr(moments)))
    top = gsnr(moments)[best]
    supremum = 5 * top / (5 * top + 1)
    assert preconditioned_osgr(moments, 5, np.eye(6)[best]) == pytest.approx(supremum, rel=1e-12)
    for _ in range(200):
        assert preconditioned_osgr(moments, 5, rng.random(6)) <= supremum


def test_dividing_by_the_root_of_the_second_moment_can_hurt():
    """RMSProp's p, even computed from the population: the steady parameter loses its weight."""
    moments = GradientMoments.from_samples(np.array([[10.0, 1.0], [10.1, -0.8]]))
    p = 1 / np.sqrt(moments.mean**2 + moments.variance())
    assert preconditioned_osgr(moments, 1, p) < collapsed_osgr(moments, 1)


def test_bad_input_is_named():
    moments = GradientMoments.from_samples(np.ones((3, 2)))
    with pytest.raises(InputError, match=r"preconditioner has shape \(3,\); expected \(2,\)"):
        preconditioned_osgr(moments, 1, np.ones(3))
    with pytest.raises(InputError, match=r"minimum -1\.0"):
        preconditioned_osgr(moments, 1, -np.ones(2))
    with pytest.raises(InputError, match="preconditioner has"):
        enumerated_osgr(CASE.model, CASE.params, CASE.population, 1, 0.1, preconditioner={})
    assert np.isnan(preconditioned_osgr(moments, 1, np.zeros(2)))


def test_the_variance_takes_its_ddof():
    """With p = 1 and samples 1 and 3: 4/(4 + s²) with s² = 1 over n and 2 over n − 1."""
    moments = GradientMoments.from_samples([[1.0], [3.0]])
    values = [preconditioned_osgr(moments, 1, np.ones(1), ddof) for ddof in (0, 1)]
    assert values == [4 / 5, 4 / 6]
