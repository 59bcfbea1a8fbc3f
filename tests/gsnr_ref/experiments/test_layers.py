"""Layer by layer: against the whole, and against real steps of one layer."""

import numpy as np

from gsnr_ref.experiments import layers

CELL = {
    "n": 8, "data": "digits", "label_noise": 0.0, "n_population": 20, "n_sets": 3,
    "channels": 1, "hidden": 3, "learning_rate": 1e-4, "last_step": 2, "seed": 0,
}  # fmt: skip


def test_shares_sum_to_one_the_sum_is_the_whole_and_small_steps_are_r_l():
    rows = layers.run(CELL)
    names = list(dict.fromkeys(row["layer"] for row in rows))
    assert names == ["conv1", "conv2", "dense1", "dense2", "all"]
    for step in (0, 1, 2):
        here = {row["layer"]: row for row in rows if row["step"] == step}
        parts = [here[name] for name in names[:-1]]
        assert np.isclose(sum(row["share"] for row in parts), 1, rtol=1e-12)
        total = sum(row["share"] * row["held_out"] for row in parts)
        assert np.isclose(total, here["all"]["held_out"], rtol=1e-12)
    (first, *_) = layers.findings(rows, {})
    assert first.verdict.word == "yes"
    # Steps of λ/1000: what they leave is of first order in 1e-7, but for rounding: losses of 2.3
    # are known to 1e-16, and a step of the smallest layer lowers them by some 1e-10.
    # At the start biases are 0, and blank patches lie on the kink of ReLU: no derivative there.
    alive = [row for row in rows if row["share"] > 1e-3 and row["step"] > 0]
    assert len(alive) > 6
    assert all(abs(row["measured"] - row["held_out"]) < 1e-4 for row in alive)


def test_a_wrong_sum_is_found():
    rows = layers.run(CELL | {"last_step": 1})
    rows[0]["held_out"] += 1e-6
    assert layers.findings(rows, {})[0].verdict.word == "no"
