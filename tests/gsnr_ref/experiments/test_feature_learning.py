"""Weights against the change of their gradients, by another route."""

import numpy as np

from gsnr_ref.experiments import feature_learning
from gsnr_ref.experiments.shared import as_float32, convnet, descend, draw, initial, pool
from gsnr_ref.gradients import per_sample_gradients

CELL = {"kind": "weights", "repetition": 3, "data": "digits", "label_noise": 0.0, "channels": 2}
CELL |= {"initial": "pytorch", "learning_rate": 0.1, "n": 20, "n_signs": 10, "hidden": 3}
CELL |= {"measured_steps": [0, 2], "spans": [1, 3], "seed": 0}


def test_correlations_signs_and_shares_are_those_of_the_gradients_at_the_two_steps():
    rows = feature_learning.run(CELL)
    images = pool("digits")
    model = convnet("digits", 2, 3)
    x, y = draw(images.x, images.y, 20, 0.0, [0, 3])
    start = as_float32(initial(model, 3, "pytorch"))
    along = dict(descend(model, start, x, y, 0.1, range(6)))
    weights = [name for name in start if name.endswith("weight")]

    def flat(tree):
        return np.concatenate([np.ravel(tree[name]) for name in weights]).astype(float)

    looped = {
        t: per_sample_gradients(model, params, x, y, method="loop") for t, params in along.items()
    }
    for row in rows:
        t = row["step"]
        w, g = flat(along[t]), flat({k: v.mean(axis=0) for k, v in looped[t].items()})
        moving = np.abs(g) > 1e-9  # a dead weight's gradient is 0, in float32 too
        for span in (1, 3):
            later = flat({k: v.mean(axis=0) for k, v in looped[t + span].items()})
            expected = stats(w[moving], (later - g)[moving])
            # Gradients in float32 and another order of summing: Δg keeps some four digits.
            np.testing.assert_allclose(row[f"corr_w_dg_{span}"], expected, atol=2e-3)
        large = moving & (np.abs(w) >= np.quantile(np.abs(w[moving]), 0.9))
        assert row["opposite_largest"] == np.mean(np.sign(w[large]) == -np.sign(g[large]))
        q = np.concatenate([np.mean(v[:10] > 0, axis=0).ravel() for v in looped[t].values()])
        negative = np.concatenate([np.mean(v[:10] < 0, axis=0).ravel() for v in looped[t].values()])
        alive = q + negative > 0
        some = q[alive] / (q + negative)[alive]
        np.testing.assert_allclose(row["sign_agreement"], np.mean(some**2 + (1 - some) ** 2), 0.02)


def stats(w, change):
    """Pearson, from its definition."""
    w, change = w - w.mean(), change - change.mean()
    return (w * change).sum() / np.sqrt((w**2).sum() * (change**2).sum())
