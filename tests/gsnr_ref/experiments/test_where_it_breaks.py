"""The parts of the deviation add up, and the laws are those of the same population."""

import numpy as np

from gsnr_ref.experiments import reuse_figures, where_it_breaks
from gsnr_ref.moments import gradient_moments
from gsnr_ref.osgr import reuse_law
from toy_models import FinitePopulation


def rows_of(*changes):
    small = ["n=[6,12]", "n_population=20", "n_sets=3", "last_step=3", "channels=1", "hidden=2"]
    small = [c.replace("=3", "=[3,3,3]") if c.startswith("last") else c for c in small]
    settings = where_it_breaks.EXPERIMENT.settings("smoke", [*small, *changes])
    cells = [cell | {"seed": 0} for cell in where_it_breaks.cells(settings)]
    return settings, {
        (cell["task"], cell["kind"], cell.get("n")): where_it_breaks.run(cell)
        for cell in cells
        if cell["task"] == "regression"
    }


def test_the_parts_add_up_and_the_law_is_of_the_population_that_sets_are_drawn_from():
    settings, rows = rows_of()
    for row in rows["regression", "sets", 6]:
        total = sum(reuse_figures.parts(row).values())
        assert np.isclose(total, row["measured"] - row["paper"], rtol=1e-9)
    cell = next(c for c in where_it_breaks.cells(settings) if c["task"] == "regression")
    model, start, population = where_it_breaks.start_of(cell | {"seed": 0})
    law = reuse_law(model, start, FinitePopulation(*population), cell["learning_rate"], 3)
    told = rows["regression", "law", None]
    assert [row["step"] for row in told] == [0, 1, 2, 3]
    assert np.allclose([row["law_reuse_factor"] for row in told], law.reuse_factor, rtol=1e-12)
    moments = gradient_moments(model, start, *population)
    signal, noise = moments.signal_and_noise()
    fresh = rows["regression", "sets", 12][0]["fresh"]
    assert np.isclose(fresh, signal / (signal + noise / 12), rtol=1e-12)


def test_sets_of_other_tasks_and_sizes_are_drawn_apart(monkeypatch):
    keys = []
    generator = np.random.default_rng
    monkeypatch.setattr(
        where_it_breaks.np.random, "default_rng", lambda key: keys.append(key) or generator(key)
    )
    rows_of()
    drawn = [tuple(key) for key in keys if isinstance(key, list)]
    sets = [key for key in drawn if len(key) == 4]
    assert len(sets) == len(set(sets)) == 6  # two sizes, three sets each
