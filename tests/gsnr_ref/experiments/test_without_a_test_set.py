"""Truth and estimates of one training set, by other routes; and until when an estimate is right."""

import numpy as np

from gsnr_ref.experiments import without_a_test_set
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr import gap_ledger, reuse_factor
from toy_models import MLP

CELL = {
    "data": "digits", "n": 6, "label_noise": 0.3, "repetition": 1, "learning_rate": 0.2,
    "width": 3, "last_step": 4, "n_population": 40, "seed": 0,
}  # fmt: skip


def test_the_truth_is_of_the_population_that_the_set_was_drawn_from():
    rows = without_a_test_set.run(CELL)
    x, y = without_a_test_set.population_of(CELL)
    chosen = np.random.default_rng([0, 32, 6, 300, 1]).integers(0, 40, 6)
    own = x[chosen], y[chosen]
    model = MLP((64, 3, 10), "tanh", "cross_entropy")
    params = model.init(0)
    training, population, first = [], [], 0.0
    for step in range(5):
        if step in {row["step"] for row in rows}:
            row = next(row for row in rows if row["step"] == step)
            gap = model.loss(params, x, y).mean() - model.loss(params, *own).mean()
            first = gap if step == 0 else first
            assert np.isclose(row["gap"], gap - first, rtol=1e-10, atol=1e-14)
            g, fresh = (
                np.concatenate(
                    [
                        a.mean(axis=0).ravel()
                        for a in per_sample_gradients(model, params, *s, method="loop").values()
                    ]
                )
                for s in (own, (x, y))
            )
            assert np.isclose(row["osgr"], g @ fresh / (g @ g), rtol=1e-12)
            # Equation 14 is the ledger with a κ of 1: λ tr S/n = entry/κ, step by step.
            expected = sum(
                entry / factor
                for entry, factor in zip(
                    gap_ledger(training, population, 0.2) if training else [],
                    map(_kappa, training, population),
                    strict=True,
                )
            )
            assert np.isclose(row["gap_14"], expected, rtol=1e-10, atol=1e-14)
        training.append(gradient_moments(model, params, *own))
        population.append(gradient_moments(model, params, x, y))
        params = params | {k: params[k] - 0.2 * v for k, v in training[-1].mean.items()}
    at_start = rows[0]
    squares, noise = training[0].signal_and_noise(ddof=1)
    assert np.isclose(at_start["debiased"], 1 - noise / 6 / squares)
    assert at_start["gap_alone"] == 0


def _kappa(training, population):
    return reuse_factor(training, population).value


def test_until_when_an_estimate_is_right():
    rows = [
        {"lambda_t": t, "osgr": 0.5 + 0.01 * k, "good": 0.5 + 0.011 * k, "bad": 0.5 - t + 0.011 * k}
        for t in (0.0, 0.1, 1.0)
        for k in range(4)
    ]
    assert without_a_test_set._holds_until(rows, "osgr", "good") == "1 (all of the run)"
    assert without_a_test_set._holds_until(rows, "osgr", "bad") == "0.1"
    off = [row | {"bad": 9 + row["osgr"]} for row in rows]
    assert without_a_test_set._holds_until(off, "osgr", "bad") == "not at the start"
