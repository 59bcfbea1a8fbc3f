"""Shapes of each layer's parameters. Imports nothing of ``gsnr_ref``."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Layer = dict[str, Any]
Shapes = dict[str, list[int]]


def _matrix(n_in: int, n_out: int, bias: bool) -> Shapes:
    return {"weight": [n_in, n_out]} | ({"bias": [n_out]} if bias else {})


def _affine(layer: Layer) -> Shapes:
    """A transposed weight is that of a layer which goes the other way."""
    n_in, n_out = layer["n_in"], layer["n_out"]
    if layer.get("transposed"):
        return {"weight": [n_out, n_in]} | ({"bias": [n_out]} if layer["bias"] else {})
    return _matrix(n_in, n_out, layer["bias"])


def _convolution(layer: Layer) -> Shapes:
    n_in = layer["kernel"] ** 2 * layer["n_in"] // layer.get("groups", 1)
    return _matrix(n_in, layer["n_out"], layer["bias"])


def _elman(layer: Layer) -> Shapes:
    return _matrix(layer["n_features"] + layer["n_hidden"], layer["n_hidden"], layer["bias"])


def _scale_and_shift(layer: Layer) -> Shapes:
    n = layer.get("n_channels") or layer["n_features"]
    return {"scale": [n], "shift": [n]}


def _scale(layer: Layer) -> Shapes:
    return {"scale": [layer["n_features"]]}


#: By type of layer; types that are not here have no parameters.
SHAPES: dict[str, Callable[[Layer], Shapes]] = {
    "affine": _affine,
    "convolution": _convolution,
    "elman": _elman,
    "layer_norm": _scale_and_shift,
    "group_norm": _scale_and_shift,
    "batch_norm": _scale_and_shift,
    "rms_norm": _scale,
}


def every_layer(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers, and in the place of a residual those within it."""
    for layer in layers:
        if layer["type"] == "residual":
            yield from every_layer(layer["layers"])
        else:
            yield layer


def fan_ins(layers: Iterable[Layer]) -> list[int]:
    """How many numbers each parameter's output sums over; for a norm, how many it normalizes."""
    layers = list(every_layer(layers))
    found = [shape[0] for shape in parameter_shapes(layers).values() if len(shape) == 2]
    for layer in layers:
        if layer["type"] in ("layer_norm", "rms_norm"):
            found.append(layer["n_features"])
        elif layer["type"] == "group_norm":
            found.append(layer["n_positions"] * layer["n_channels"] // layer["n_groups"])
    return found


def parameter_shapes(layers: Iterable[Layer]) -> Shapes:
    """Shape of each parameter of the layers, in order; layers of one name share their weight."""
    shapes: Shapes = {}
    for layer in every_layer(layers):
        kinds = SHAPES[layer["type"]](layer) if layer["type"] in SHAPES else {}
        for kind, shape in kinds.items():
            name = f"{layer['name']}.{kind}"
            assert shapes.setdefault(name, shape) == shape, (name, shape)
    return shapes
