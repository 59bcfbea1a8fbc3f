"""With a single batch a pass is a full-batch step, and the first pass obeys theory."""

import numpy as np
import pytest

from gsnr_ref.experiments import mini_batches
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr import held_out_osgr, reuse_factor
from toy_models import MLP

CELL = {
    "batch": 6, "data": "digits", "label_noise": 0.2, "n": 12, "n_population": 30, "n_runs": 4,
    "width": 3, "learning_rate": 0.1, "epochs": [1, 2], "seed": 0,
}  # fmt: skip


def test_a_batch_as_large_as_the_set_is_gradient_descent(monkeypatch):
    drawn = []
    draw = mini_batches.draw
    monkeypatch.setattr(mini_batches, "draw", lambda *a: drawn.append(draw(*a)) or drawn[-1])
    rows = mini_batches.run(CELL | {"batch": 12})
    x, y = drawn[0][0].reshape(30, -1).astype(float), drawn[0][1]
    model = MLP((64, 3, 10), "tanh", "cross_entropy")
    own, whole = ({1: [], 2: []} for _ in range(2))
    for r in range(4):
        chosen = np.random.default_rng([0, 52, 12, 12, r]).integers(0, 30, 12)
        params = model.init(0)
        for epoch in (1, 2):
            own[epoch].append(gradient_moments(model, params, x[chosen], y[chosen]))
            whole[epoch].append(gradient_moments(model, params, x, y))
            params = params | {k: params[k] - 0.1 * g for k, g in own[epoch][-1].mean.items()}
    for row in rows:
        epoch = row["epoch"]
        for name, route in (("held_out", held_out_osgr), ("reuse_factor", reuse_factor)):
            value = route(own[epoch], whole[epoch]).value
            assert np.isclose(row[name], value, rtol=1e-9)
        assert np.isnan(row["reuse_factor_rest"])


@pytest.mark.simulation
def test_the_first_pass_obeys_the_batchs_prediction_and_later_ones_do_not():
    (first, *_, last) = mini_batches.run(CELL | {"n_runs": 400, "epochs": [1, 20]})
    assert abs(first["apart"]) < 3.5 * first["apart_error"]
    assert abs(first["reuse_factor"] - 1) < 3.5 * first["reuse_factor_error"]
    assert last["reuse_factor"] < 1 - 10 * last["reuse_factor_error"]
