"""Every experiment: its scales, and its cells."""

import json

import pytest

from gsnr_ref.experiments.harness import SCALES
from gsnr_ref.experiments.registry import EXPERIMENTS


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda e: e.name)
def test_every_scale_has_the_same_settings_and_cells(experiment):
    keys = {frozenset(experiment.scales[scale]) for scale in SCALES}
    assert len(keys) == 1
    for scale in SCALES:
        cells = experiment.cells(experiment.settings(scale))
        assert cells == json.loads(json.dumps(cells))
        assert len({json.dumps(cell, sort_keys=True) for cell in cells}) == len(cells)
