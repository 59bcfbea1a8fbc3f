"""Parameters and images in the layouts of frameworks."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.layouts import LAYOUTS, param_from


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "id",
    [
        "conv-relu-cross-entropy",
        "elman-cross-entropy",
        "linear-square",
        "gru-token-sum",
        "tied-token-mean",
    ],
)
def test_layouts_go_there_and_back(id, layout):
    case = golden.load(id)
    for name, theirs in case.params_in(layout).items():
        assert np.array_equal(param_from(case.model, name, theirs, layout), case.params[name])


def test_the_torch_layout_transposes():
    case = golden.load("conv-relu-cross-entropy")
    assert case.params_in("torch")["conv1.weight"].shape == (2, 1, 2, 2)
    assert case.params_in("torch")["dense1.weight"].shape == (2, 8)
    assert case.params_in("keras")["conv1.weight"].shape == (2, 2, 1, 2)
    assert case.x_in("torch").shape == (4, 1, 5, 5)


def test_rows_of_an_embedding_are_rows_and_gates_are_transposed():
    case = golden.load("gru-token-sum")
    theirs = case.params_in("torch")
    assert np.array_equal(theirs["tokens.weight"], case.params["tokens.weight"])
    assert np.array_equal(theirs["cell.hidden.weight"], case.params["cell.hidden.weight"].T)


def test_a_transposed_weight_is_told_to_name_its_layout():
    case = golden.load("linear-square")
    theirs = golden.mistakes()["transposed-weights"].wrong(case)
    with pytest.raises(golden.ConformanceError, match='layout="torch"'):
        golden.check(case, case.expected | theirs)
    assert golden.check(case, case.expected | theirs, layout="torch").passed
