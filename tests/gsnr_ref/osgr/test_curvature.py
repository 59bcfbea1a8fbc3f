"""Products of Hessians with vectors against central differences, and sample against sample."""

import numpy as np
import pytest

from gsnr_ref import InputError, per_sample_gradients
from gsnr_ref.contract import flat_rows
from gsnr_ref.osgr.curvature import (
    as_named,
    gradients_apart,
    losses_apart,
    mean_gradient,
    own_hessians_times,
    times_each,
)
from toy_models import MLP, ConvNet, RecurrentNet

N = 4
RNG = np.random.default_rng(0)
NETWORKS = {
    "mlp": (MLP((3, 4, 3), loss="cross_entropy"), RNG.standard_normal((N, 3))),
    "frozen": (
        MLP((3, 4, 3), "softplus", "cross_entropy", frozen=("layer1",)),
        RNG.standard_normal((N, 3)),
    ),
    "no bias": (MLP((3, 4, 3), loss="cross_entropy", bias=False), RNG.standard_normal((N, 3))),
    "positions": (
        ConvNet((6, 6, 1), (2,), (3,), 3, kernel=3, activation="tanh"),
        RNG.standard_normal((N, 6, 6, 1)),
    ),
    "tied weights": (RecurrentNet(2, 3, 3, cell="lstm"), RNG.standard_normal((N, 4, 2))),
}


@pytest.fixture(params=NETWORKS)
def problem(request):
    model, x = NETWORKS[request.param]
    y, params = np.array([0, 2, 1, 0]), model.init(0)
    moving = {name: params[name] for name in model.trainable}
    rng = np.random.default_rng(1)
    moves = {name: 0.1 * rng.standard_normal((N, *v.shape)) for name, v in moving.items()}
    return model, params, x, y, moving, moves


def moved(params, moves, i, times=1.0):
    return params | {name: params[name] + times * move[i] for name, move in moves.items()}


def test_losses_and_gradients_apart_are_those_of_one_sample_at_a_time(problem):
    model, params, x, y, _, moves = problem
    losses = losses_apart(model, params, x, y, moves)
    gradients = flat_rows(gradients_apart(model, params, x, y, moves))
    for i in range(N):
        one = (model, moved(params, moves, i), x[i : i + 1], y[i : i + 1])
        assert losses[i] == pytest.approx(model.loss(*one[1:])[0], rel=1e-12)
        alone = flat_rows(per_sample_gradients(*one, method="loop"))[0]
        assert np.abs(gradients[i] - alone).max() <= 1e-12 * np.abs(alone).max()


def test_own_products_match_central_differences(problem):
    model, params, x, y, _, moves = problem
    products = flat_rows(own_hessians_times(model, params, x, y, moves))
    step = 1e-5
    for i in range(N):
        ahead, behind = (
            flat_rows(
                per_sample_gradients(
                    model, moved(params, moves, i, sign * step), x[i : i + 1], y[i : i + 1]
                )
            )[0]
            for sign in (1, -1)
        )
        # Truncation h² ≈ 1e-10, rounding u/h ≈ 1e-11.
        assert np.abs(products[i] - (ahead - behind) / (2 * step)).max() < 1e-9


def test_products_with_the_mean_hessian_match_central_differences_however_many(problem):
    model, params, x, y, moving, moves = problem
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    gradient, hessian_times = mean_gradient(model, params, x, y, weights)
    expected = weights @ flat_rows(per_sample_gradients(model, params, x, y))
    assert flat_rows({k: v[None] for k, v in gradient.items()})[0] == pytest.approx(expected)
    rows = flat_rows(moves)
    few = times_each(hessian_times, rows, moving)
    many = times_each(hessian_times, np.tile(rows, (rows.shape[1], 1)), moving)[:N]  # H is formed
    assert many == pytest.approx(few, rel=1e-9, abs=1e-14)
    step = 1e-5
    for i in range(N):
        ahead, behind = (
            weights
            @ flat_rows(per_sample_gradients(model, moved(params, moves, i, sign * step), x, y))
            for sign in (1, -1)
        )
        assert np.abs(few[i] - (ahead - behind) / (2 * step)).max() < 1e-9


def test_rows_and_names_are_inverse(problem):
    *_, moving, moves = problem
    back = as_named(flat_rows(moves), moving)
    assert all((back[name] == moves[name]).all() for name in moves)


def test_a_model_without_taps_is_told():
    class Location:
        trainable = ("mean",)

        def loss(self, params, x, y, tap=None):
            return (params["mean"] - y) ** 2 / 2

    with pytest.raises(InputError, match=r"no affine map through its tap for the"):
        losses_apart(Location(), {"mean": np.ones(1)}, np.ones(2), np.ones(2), {})
