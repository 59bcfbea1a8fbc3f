"""Rows chosen and averaged."""

import numpy as np

from gsnr_ref.experiments.harness import column, mean_curve, select


def test_rows_are_selected_and_averaged():
    rows = [{"t": 1, "g": 2.0}, {"t": 0, "g": 1.0}, {"t": 0, "g": 3.0}]
    assert select(rows, t=0) == rows[1:]
    assert np.array_equal(column(rows, "g"), [2, 1, 3])
    at, mean, error = mean_curve(rows, "t", "g")
    assert np.array_equal(at, [0, 1])
    assert np.array_equal(mean, [2, 2])
    assert error[0] == 1
    assert np.isnan(error[1])
