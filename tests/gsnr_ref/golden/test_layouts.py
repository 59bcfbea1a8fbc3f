"""Parameters and images in the layouts of frameworks."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.layouts import LAYOUTS, _image_before, param_from, params_to


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "id",
    [
        "conv-relu-cross-entropy",
        "conv-stride-padding-groups",
        "conv-two-in-a-row",
        "group-norm-convolution",
        "layer-norm-residual",
        "elman-three-hidden",
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


def test_only_images_and_only_in_torch_have_channels_first():
    linear, image = golden.load("linear"), golden.load("conv-channels")
    for layout in LAYOUTS:
        np.testing.assert_array_equal(linear.x_in(layout), linear.x)
        first = np.moveaxis(image.x, 3, 1) if layout == "torch" else image.x
        np.testing.assert_array_equal(image.x_in(layout), first)


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


def channel_first(case):
    """Losses of a convolutional case from its "torch" parameters and images, loop by loop."""
    params, losses = case.params_in("torch"), []
    for image, y in zip(case.x_in("torch"), case.y, strict=True):
        a = image
        for layer in case.model["layers"]:
            if layer["type"] == "convolution":
                w, p, s = params[layer["name"] + ".weight"], layer["padding"], layer["stride"]
                n_out, n_k, kernel, _ = w.shape
                wide = np.pad(a, ((0, 0), (p, p), (p, p)))
                rows, columns = (range(0, side - kernel + 1, s) for side in wide.shape[1:])
                of_group = n_out // layer["groups"]
                bias = params.get(layer["name"] + ".bias", np.zeros(n_out))
                a = np.array([
                    [[(w[c] * wide[c // of_group * n_k : (c // of_group + 1) * n_k,
                                   r : r + kernel, q : q + kernel]).sum() + bias[c]
                      for q in columns] for r in rows] for c in range(n_out)
                ])  # fmt: skip
            elif layer["type"] == "activation":
                a = np.tanh(a) if layer["function"] == "tanh" else np.maximum(a, 0)
            elif layer["type"] == "max_pool":
                high, wide = a.shape[1] // 2, a.shape[2] // 2
                a = a[:, : 2 * high, : 2 * wide].reshape(-1, high, 2, wide, 2).max(axis=(2, 4))
            else:
                name = layer["name"]
                a = params[name + ".weight"] @ a.ravel() + params[name + ".bias"]
        squared = case.model["loss"]["type"] == "squared_error"
        losses.append(((a - y) ** 2).sum() / 2 if squared else np.log(np.exp(a - a[y]).sum()))
    return losses


def test_an_image_that_is_flattened_has_the_size_that_a_convolution_leaves():
    dense = {"type": "affine"}
    for more, size in (({}, (4, 3, 3)), ({"padding": 1, "stride": 2}, (3, 3, 3))):
        first = {"type": "convolution", "height": 5, "width": 4, "kernel": 2, "n_out": 3} | more
        assert _image_before([first, {"type": "activation"}, dense], dense) == size
        assert _image_before([first, {"type": "residual"}, dense], dense) is None
    assert _image_before([dense], dense) is None


IMAGES = [c for c in golden.cases("convolution") if str(c).startswith("conv-")]
STATED = [c for c in IMAGES if "stride" in c.model["layers"][0]]


@pytest.mark.parametrize("case", STATED, ids=str)
def test_a_framework_with_channels_first_gets_these_losses(case):
    # The order of rows, of groups, and of the flattened pixels: each would change the losses.
    assert np.allclose(channel_first(case), case.expected["losses"], rtol=1e-12, atol=0)


def test_the_order_of_the_rows_is_rows_columns_channels():
    case = golden.load("conv-channels")  # 2 × 2 × 2 rows, three outputs
    ours, theirs = case.params["conv1.weight"], case.params_in("torch")["conv1.weight"]
    keras = case.params_in("keras")["conv1.weight"]
    assert (theirs.shape, keras.shape) == ((3, 2, 2, 2), (2, 2, 2, 3))
    for u, v, k, c in np.ndindex(2, 2, 2, 3):
        assert ours[(u * 2 + v) * 2 + k, c] == theirs[c, k, u, v] == keras[u, v, k, c]


@pytest.mark.parametrize(
    ("before", "image"),
    [
        ([{}], (4, 3, 3)),
        ([{"padding": 0, "stride": 1}], (4, 3, 3)),
        ([{"padding": 1, "stride": 2}], (3, 3, 3)),
        ([{"type": "max_pool", "n_channels": 3}], (2, 2, 3)),
        ([{"type": "max_pool", "n_channels": 3}, {"type": "activation"}], (2, 2, 3)),
        ([{}, {"type": "affine"}], None),
    ],
)
def test_a_dense_layer_sees_the_image_that_the_layers_before_it_leave(before, image):
    convolution = {"type": "convolution", "height": 5, "width": 4, "kernel": 2, "n_out": 3}
    n_in = 1 if image is None else int(np.prod(image))
    dense = {"type": "affine", "name": "dense", "n_in": n_in}
    model = {"layers": [*(convolution | layer for layer in before), dense]}
    ours = np.arange(2.0 * n_in).reshape(n_in, 2)
    theirs = ours if image is None else np.moveaxis(ours.reshape(*image, 2), 2, 0).reshape(n_in, 2)
    got = params_to(model, {"dense.weight": ours}, "torch")["dense.weight"]
    np.testing.assert_array_equal(got, theirs.T)
    np.testing.assert_array_equal(param_from(model, "dense.weight", got, "torch"), ours)
