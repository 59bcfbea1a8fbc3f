"""What the experiments draw."""

import numpy as np

from gsnr_ref.experiments.shared import data


def test_drawn_labels_are_replaced_uniformly():
    labels = np.zeros(10, int)
    labels[-1] = 4
    x, y = data.draw(np.arange(10), labels, 20_000, 1.0, 3)
    assert np.array_equal(np.unique(x), np.arange(10))
    shares = np.bincount(y) / len(y)
    assert np.abs(shares - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 20_000)
    x, y = data.draw(np.arange(10), labels, 50, 0.0, 3)
    assert np.array_equal(y, labels[x])
