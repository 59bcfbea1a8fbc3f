"""What each picture learns from, and what it is tested on."""

import numpy as np
import pytest

from gsnr_ref.experiments import osgr_pictures


def cell_of(picture):
    cells = osgr_pictures.cells(osgr_pictures.EXPERIMENT.settings("smoke"))
    return next(c | {"seed": 0} for c in cells if c["picture"] == picture)


@pytest.mark.parametrize("picture", ["between", "near 1"])
def test_no_test_image_is_out_of_the_training_set(picture):
    _, (x, _), (test, _) = osgr_pictures.start_of(cell_of(picture))
    every = np.concatenate([x, test])
    assert len(np.unique(every, axis=0)) == len(every)  # the digits' images are all different


def test_where_there_is_only_noise_the_population_has_no_gradient_and_the_test_loss_stays():
    rows = osgr_pictures.run(cell_of("near 0"))
    first, last = rows[0], rows[-1]
    assert last["training_loss"] < 0.5 * first["training_loss"]
    # The minimum of the training loss adds n/p of the noise to the test loss, at most.
    assert abs(last["test_loss"] - first["test_loss"]) < 0.1 * first["test_loss"]
    assert last["ledger"] == pytest.approx(last["gap"], rel=0.2)  # 4.6 is of first order in λ
