"""Shapes of each layer's parameters. Imports nothing of ``gsnr_ref``."""

from collections.abc import Callable, Iterable
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


def _rows(n_rows: str) -> Callable[[Layer], Shapes]:
    return lambda layer: {"weight": [layer[n_rows], layer["n_out"]]}


def _lstm(layer: Layer) -> Shapes:
    n_hidden = layer["n_hidden"]
    return _matrix(layer["n_features"] + n_hidden, 4 * n_hidden, layer["bias"])


def _gru(layer: Layer) -> Shapes:
    n_hidden = layer["n_hidden"]
    return {
        f"{part}.{kind}": shape
        for part, n_in in (("input", layer["n_features"]), ("hidden", n_hidden))
        for kind, shape in _matrix(n_in, 3 * n_hidden, layer["bias"]).items()
    }


#: By type of layer; types that are not here have no parameters.
SHAPES: dict[str, Callable[[Layer], Shapes]] = {
    "affine": _affine,
    "convolution": _convolution,
    "elman": _elman,
    "embedding": _rows("n_tokens"),
    "position_embedding": _rows("n_steps"),
    "lstm": _lstm,
    "gru": _gru,
}


def parameter_shapes(layers: Iterable[Layer]) -> Shapes:
    """Shape of each parameter of the layers, in order; layers of one name share their weight."""
    shapes: Shapes = {}
    for layer in layers:
        if layer["type"] == "residual":
            own = parameter_shapes(layer["layers"])
        else:
            kinds = SHAPES[layer["type"]](layer) if layer["type"] in SHAPES else {}
            own = {f"{layer['name']}.{kind}": shape for kind, shape in kinds.items()}
        for name, shape in own.items():
            assert shapes.setdefault(name, shape) == shape, (name, shape)
    return shapes
