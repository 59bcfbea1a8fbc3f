"""The mixture law is checked in earnest."""

from gsnr_ref.experiments import random_labels


def test_the_mixture_law_sees_a_wrong_law(monkeypatch):
    cell = {"data": "digits", "n": 60, "channels": 2, "mixture": [0.5], "seed": 0}
    cell |= {"kind": "mixture"}
    (row,) = random_labels.run(cell)
    assert abs(row["law"] - row["drawn"]) < 4 * row["drawn_error"]
    relabel = random_labels._relabel
    monkeypatch.setattr(random_labels, "_relabel", lambda y, p, c, s: relabel(y, p / 3, c, s))
    (row,) = random_labels.run(cell)
    assert abs(row["law"] - row["drawn"]) > 6 * row["drawn_error"]
