"""Both sides of the identity along training, against their definitions."""

import numpy as np
import pytest

from gsnr_ref.experiments.shared import data, sides
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.inference import plug_in_osgr
from gsnr_ref.moments import GradientMoments
from gsnr_ref.osgr.step import step
from toy_models import MLP

RNG = np.random.default_rng(0)
MODEL = MLP((3, 4, 1))
PARAMS, X, Y = MODEL.init(0), RNG.normal(size=(200, 3)), RNG.normal(size=200)
SETTING = {"n": 12, "label_noise": 0.0, "learning_rate": 0.1, "epochs": [1, 3], "n_sets": 3}
SETTING |= {"n_test": 20, "seed": 5, "stream": 2}


def flat_gradients(params, x, y):
    looped = per_sample_gradients(MODEL, params, x, y, method="loop")
    return np.concatenate([a.reshape(len(x), -1) for a in looped.values()], axis=1)


def test_both_sides_are_of_real_steps_and_of_the_gradients_where_they_start():
    rows = sides.both_sides(MODEL, PARAMS, (X, Y), **SETTING)
    assert [row["epoch"] for row in rows] == [1, 3]
    # Numerators and denominators over the sets, by what is their ratio and the epoch.
    names = ("measured", "debiased", "norm_ratio", "difference")
    pairs = {(name, epoch): [] for name in names for epoch in (1, 3)}
    for m in range(3):
        (x, y), test, fresh = (
            data.draw(X, Y, size, 0.0, [5, 12, 0, 2, m, k]) for k, size in enumerate((12, 20, 12))
        )
        params = PARAMS
        for epoch in (1, 2, 3):
            after, before = step(MODEL, params, x, y, np.full(12, 1 / 12), 0.1)
            if epoch != 2:
                test_decrease = (MODEL.loss(params, *test) - MODEL.loss(after, *test)).mean()
                decrease = (before - MODEL.loss(after, x, y)).mean()
                g = flat_gradients(params, x, y)
                products = g @ g.T  # those of different samples are unbiased for the signal
                signal = (products.sum() - np.trace(products)) / (12 * 11)
                square = products.sum() / 12**2
                fresh_square = np.square(flat_gradients(params, *fresh).mean(axis=0)).sum()
                pairs["measured", epoch].append((test_decrease, decrease))
                pairs["debiased", epoch].append((signal, square))
                pairs["norm_ratio", epoch].append((square, fresh_square))
                gap = (decrease - test_decrease) / 0.1 - (square - signal)  # equation 14
                pairs["difference", epoch].append((gap, square))
            params = after
    for row in rows:
        for name in names:
            numerators, denominators = np.array(pairs[name, row["epoch"]]).T
            # Losses of size 1 change by about 0.01: rounding takes some 1e-14 of that.
            assert np.isclose(row[name], numerators.sum() / denominators.sum(), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "change", [{"seed": 6}, {"stream": 3}, {"n": 13}, {"label_noise": 1e-3}], ids=str
)
def test_other_settings_draw_other_sets(monkeypatch, change):
    drawn = []

    def recorded(*arguments):
        drawn.append(data.draw(*arguments))
        return drawn[-1]

    monkeypatch.setattr(sides, "draw", recorded)
    for setting in (SETTING, SETTING, SETTING | change):
        sides.both_sides(MODEL, PARAMS, (X, Y), **setting | {"epochs": [1]})
    first, again, other = ([x[:5] for x, _ in drawn[9 * k : 9 * k + 9]] for k in range(3))
    assert np.array_equal(first, again)
    assert len({x.tobytes() for x in [*first, *other]}) == 18


def test_the_ks_distance_is_scipys():
    from scipy.stats import ks_2samp

    own, fresh = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5)) + 0.5
    own[:4, 0] = fresh[:3, 0] = 0.0  # ties, as a dead unit makes them
    expected = np.mean([ks_2samp(own[:, j], fresh[:, j]).statistic for j in range(5)])
    assert np.isclose(sides.ks_distance(own, fresh), expected, rtol=1e-12)


def test_the_jackknife_of_equation_25_is_of_the_size_of_its_spread():
    def estimate(k):
        g = np.random.default_rng(k).normal(0.1, 1.0, size=(8, 50, 40))
        return [GradientMoments.from_samples(sample) for sample in g]

    values = [plug_in_osgr(estimate(k)) for k in range(40)]
    errors = [sides._jackknife(estimate(k)) for k in range(40)]
    # The spread of 40 values has a relative standard error of 1/√78 = 11 %.
    assert 0.6 < np.mean(errors) / np.std(values, ddof=1) < 1.6


def test_the_exact_start_is_that_of_every_sample_with_every_label():
    model = MLP((3, 4, 3), "tanh", "cross_entropy")
    params, y = model.init(1), np.arange(200) % 3
    gradients = [
        np.concatenate(
            [
                g.reshape(200, -1)
                for g in per_sample_gradients(
                    model, params, X, np.full(200, c) if c < 3 else y, method="loop"
                ).values()
            ],
            axis=1,
        )
        for c in (0, 1, 2, 3)
    ]
    rows = sides.exact_at_start(model, params, (X, y), [5, 50], [0.0, 0.3, 1.0])
    assert [(row["n"], row["label_noise"]) for row in rows] == [
        (n, p) for n in (5, 50) for p in (0.0, 0.3, 1.0)
    ]
    for row in rows:
        p = row["label_noise"]
        chances = [p / 3 / 200] * 3 + [(1 - p) / 200]  # of a sample with each label, and its own
        mean = sum(c * g.sum(axis=0) for c, g in zip(chances, gradients, strict=True))
        square = sum(c * (g**2).sum() for c, g in zip(chances, gradients, strict=True))
        noise = square - mean @ mean
        expected = mean @ mean / (mean @ mean + noise / row["n"])
        np.testing.assert_allclose(row["exact"], expected, rtol=1e-12)
