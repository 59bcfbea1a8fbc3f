"""A backend with another convention is rejected by the cases that are there for it."""

from dataclasses import dataclass

import autograd.numpy as anp
import numpy as np
import pytest

from gsnr_ref import golden, per_sample_gradients
from toy_models.activations import ACTIVATIONS
from toy_models.images import Convolution, MaxPool
from toy_models.norms import BatchNorm


def losses_and_gradients(case, model, params=None):
    params = params or case.params
    gradients = per_sample_gradients(model, params, case.x, case.y, method="loop")
    return {"losses": model.loss(params, case.x, case.y), "per_sample_gradients": gradients}


def rejects(case, result):
    left_out = [q for q in case.expected if q not in result]
    return not golden.compare(case, result, leave_out=left_out).passed


def with_layers(case, change):
    """The case's stack, each layer as `change` returns it."""
    model = case.build()
    model.layers = tuple(map(change, model.layers))
    return model


@dataclass(frozen=True)
class LastPool(MaxPool):
    """A max-pool where the last of equal pixels has the derivative."""

    def __call__(self, params, inputs, tap):
        shape = (len(inputs), self.height, self.width, self.n_channels)
        flipped = anp.reshape(inputs, shape)[:, ::-1, ::-1]
        outputs = super().__call__(params, anp.reshape(flipped, (len(inputs), -1)), tap)
        pooled = (len(inputs), self.height // 2, self.width // 2, self.n_channels)
        return anp.reshape(anp.reshape(outputs, pooled)[:, ::-1, ::-1], (len(inputs), -1))


@dataclass(frozen=True)
class SharingPool(MaxPool):
    """A max-pool whose equal pixels share the derivative."""

    def __call__(self, params, inputs, tap):
        shape = (len(inputs), self.height // 2, 2, self.width // 2, 2, self.n_channels)
        return anp.reshape(anp.max(anp.reshape(inputs, shape), axis=(2, 4)), (len(inputs), -1))


@pytest.mark.parametrize("id", ["conv-pool-ties", "conv-pool-ties-cross-entropy"])
@pytest.mark.parametrize("pool", [LastPool, SharingPool])
def test_of_equal_pixels_the_first_has_the_derivative(id, pool):
    case = golden.load(id)

    def change(layer):
        return pool(**vars(layer)) if isinstance(layer, MaxPool) else layer

    other = losses_and_gradients(case, with_layers(case, change))
    assert np.allclose(other["losses"], case.expected["losses"], rtol=1e-14)
    assert rejects(case, other)


@pytest.mark.parametrize(
    "case", [c for c in golden.cases("channels") if "groups" not in c.flags], ids=str
)
def test_the_rows_of_a_weight_have_an_order(case):
    # Channels before rows and columns, as one gets them from a weight (n_out, n_in, k, k).
    params = dict(case.params)
    for layer in case.model["layers"]:
        if layer["type"] == "convolution":
            k, n_in, name = layer["kernel"], layer["n_in"], f"{layer['name']}.weight"
            cube = params[name].reshape(k, k, n_in, -1)
            params[name] = cube.transpose(2, 0, 1, 3).reshape(params[name].shape)
    same = all(np.array_equal(params[name], case.params[name]) for name in params)
    assert same == (str(case) == "conv-pointwise")  # one pixel has its channels only
    assert same or rejects(case, losses_and_gradients(case, case.build(), params))


@pytest.mark.parametrize("case", golden.cases("stride") + golden.cases("padding"), ids=str)
def test_stride_and_padding_count(case):
    def change(layer):
        if not isinstance(layer, Convolution):
            return layer
        sides = {s: getattr(layer, s) + 2 * layer.padding for s in ("height", "width")}
        wide = Convolution(**vars(layer) | {"padding": 0} | sides)
        return Shifted(layer.padding, wide)

    assert rejects(case, losses_and_gradients(case, with_layers(case, change)))


@dataclass(frozen=True)
class Shifted:
    """All zeros at the end of an image; steps that begin with the second pixel where none are."""

    padding: int
    layer: Convolution
    is_tapped = False

    def shapes(self):
        return self.layer.shapes()

    def __call__(self, params, inputs, tap):
        layer, p = self.layer, 2 * self.padding
        images = anp.reshape(inputs, (len(inputs), layer.height - p, layer.width - p, layer.n_in))
        images, p = (images, p) if p else (images[:, 1:, 1:], 1)
        images = anp.pad(images, ((0, 0), (0, p), (0, p), (0, 0)), "constant")
        return layer(params, anp.reshape(images, (len(inputs), -1)), tap)


def approximated(z):
    return z * (1 + anp.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2


@pytest.mark.parametrize("case", golden.cases("gelu"), ids=str)
def test_gelu_by_tanh_is_rejected(case, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "gelu", approximated)
    assert rejects(case, losses_and_gradients(case, case.build()))


@pytest.mark.parametrize("case", golden.cases("leaky-relu"), ids=str)
def test_another_slope_is_rejected(case, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "leaky_relu", lambda z: anp.where(z > 0, z, z / 5))
    assert rejects(case, losses_and_gradients(case, case.build()))


@pytest.mark.parametrize("case", golden.cases("batch-norm"), ids=str)
def test_statistics_of_the_batch_are_rejected(case):
    # What a network gives that was not put into evaluation mode, its gradients sample by sample.
    model, a = case.build(), case.x.reshape(len(case.x), -1)
    index = next(i for i, layer in enumerate(model.layers) if isinstance(layer, BatchNorm))
    for layer in model.layers[:index]:
        a = layer(case.params, a, lambda name, inputs, outputs: outputs)
    seen = a.reshape(-1, model.layers[index].n_channels)

    def change(layer):
        if layer is not model.layers[index]:
            return layer
        return type(layer)(**vars(layer) | {"mean": seen.mean(0), "variance": seen.var(0)})

    model.layers = tuple(map(change, model.layers))
    assert rejects(case, losses_and_gradients(case, model))


@pytest.mark.parametrize("case", golden.cases("not-as-many-hidden"), ids=str)
def test_the_rows_of_a_recurrent_weight_have_an_order(case):
    # The rows of the hidden state before those of the input.
    first = case.model["layers"][0]["n_features"]
    weight = case.params["cell.weight"]
    params = case.params | {"cell.weight": np.concatenate([weight[first:], weight[:first]])}
    assert rejects(case, losses_and_gradients(case, case.build(), params))
