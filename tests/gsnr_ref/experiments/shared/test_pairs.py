"""Training sets beside their population, against the model whose every expectation is known."""

from itertools import product

import numpy as np
import pytest

from gsnr_ref.closed_form import trained_location_model
from gsnr_ref.experiments.shared import pairs
from gsnr_ref.osgr import finite_step_osgr
from toy_models import MLP, FinitePopulation, LinearRegression

RNG = np.random.default_rng(0)
RATE = 0.3


@pytest.mark.parametrize("n", [2, 3])
def test_over_all_training_sets_it_is_the_closed_form(n):
    """Two points with equal chances; loss ½(θ − y)², θ₀ = 0: all 2ⁿ training sets, as if drawn."""
    model, start = LinearRegression(1, bias=False), {"linear.weight": np.array([[0.0]])}
    population = np.ones((2, 1)), np.array([1.0, 3.0])
    seen = {step: [] for step in (0, 1, 4)}
    for ys in product(population[1], repeat=n):
        own = np.ones((n, 1)), np.array(ys)
        for step, pair in pairs.pairs_along(model, start, own, population, RATE, list(seen)):
            seen[step].append(pair)
    for step, found in seen.items():
        row = pairs.pairs_row(found, RATE)
        closed = trained_location_model([0.0], [2.0], [1.0], [1.0], n, RATE, step)
        expected = {
            "held_out": closed.osgr(), "measured": closed.osgr(RATE), "finite": closed.osgr(RATE),
            "reuse_factor": closed.reuse_factor, "gap": closed.gap,
        }  # fmt: skip
        for name, value in expected.items():
            assert np.isclose(row[name], value, rtol=1e-12, atol=1e-12), (name, step)
        assert np.isclose(row["apart"], row["measured"] - row["held_out"], rtol=1e-12)
        assert np.isclose(row["held_out"], 1 - row["reuse_factor"] * (1 - row["debiased"]))
        assert np.isclose(row["largest_lambda_c"], RATE)
        assert row["sets_past_edge"] == 0


def test_the_curvature_is_that_of_finite_step_osgr_in_chunks_of_any_size(monkeypatch):
    model = MLP((3, 4, 2), "tanh", frozen=("layer1",))
    params, x, y = model.init(0), RNG.normal(size=(23, 3)), RNG.normal(size=(23, 2))
    gradient = pairs.mean_gradient(model, params, x, y)
    squares = sum(float((g * g).sum()) for g in gradient.values())
    population = FinitePopulation(x, y)
    known = finite_step_osgr(model, params, population, population, RATE)
    for size in (5, 23, 100):
        monkeypatch.setattr(pairs, "_CHUNK", size)
        found = pairs.curvature_along(model, params, (x, y), gradient)
        assert np.isclose(found / squares, known.training_quotient, rtol=1e-12)


def test_a_step_past_the_edge_is_counted():
    model, start = LinearRegression(1, bias=False), {"linear.weight": np.array([[0.0]])}
    population = np.array([[1.0], [9.0]]), np.array([1.0, 3.0])
    sets = [(np.array([[v], [v]]), np.array([1.0, 2.0])) for v in (1.0, 9.0)]
    found = [next(pairs.pairs_along(model, start, s, population, RATE, [0]))[1] for s in sets]
    row = pairs.pairs_row(found, RATE)
    assert row["sets_past_edge"] == 1  # of curvature 81
    assert np.isclose(row["largest_lambda_c"], 81 * RATE)


def test_the_error_of_a_difference_of_ratios_is_of_the_size_of_its_spread():
    """The two share most of their noise: as if independent, the error would be 5 times too wide."""
    draws = []
    for k in range(400):
        rng = np.random.default_rng(k)
        shared, own = rng.normal(size=20), rng.normal(size=(2, 20))
        b = 3 + rng.normal(size=20) / 2
        one, other = (1 + shared + 0.2 * o for o in own)
        draws.append(pairs.difference_of_ratios((one, b), (other, b)))
    values, errors = np.array(draws).T
    # The spread of 400 values has a relative standard error of 3.5 %; errors of 20 draws are low
    # by some 2 %.
    assert 0.85 < errors.mean() / values.std(ddof=1) < 1.1
