"""What a grid will take: from the work of its cells, and the time of shortened ones."""

import numpy as np

from gsnr_ref.experiments.harness import Experiment, cost, estimates
from gsnr_ref.experiments.registry import EXPERIMENTS


def test_the_estimate_is_the_timed_cell_times_the_ratio_of_work(monkeypatch):
    taken = []

    def timed(experiment, cell):
        taken.append(cell)
        return 2.0 * cell["n"] * cell["last_step"]

    monkeypatch.setattr(cost, "seconds_of", timed)
    cells = [{"kind": k, "n": n, "last_step": 100} for k in "ab" for n in (30, 10)]
    toy = Experiment(
        "toy", "", "", {}, {}, None, None, None, None, {}, work=lambda c: c["n"] * c["last_step"]
    )
    first, second = estimates(toy, cells)
    assert [cell["n"] for cell in taken] == [10] * 2  # the least work of each kind
    assert {cell["last_step"] for cell in taken} == {11}
    assert (first.kind, second.kind, first.n_cells) == ("a", "b", 2)
    assert np.isclose(first.seconds, 2.0 * 40 * 100)  # as it will be, cell by cell
    assert np.isclose(first.longest, 2.0 * 30 * 100)


def test_every_cell_can_be_shortened_and_has_more_work_at_a_larger_scale():
    for experiment in EXPERIMENTS.values():
        total = {
            scale: sum(map(experiment.work, experiment.cells(experiment.settings(scale))))
            for scale in ("smoke", "default", "paper")
        }
        assert 0 < total["smoke"] < total["default"] < total["paper"], experiment.name
        for cell in experiment.cells(experiment.settings("default")):
            assert 0 < experiment.work(cost.shortened(cell)) <= experiment.work(cell)
