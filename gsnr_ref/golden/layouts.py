"""Parameter layouts of frameworks, to and from (n_in, n_out). Imports ``contract``.

Ours is ``"gsnr_ref"``. ``"torch"``: weights (n_out, n_in), convolutions (n_out, n_in / groups,
kernel, kernel) on channel-first images, flattened channel by channel. ``"keras"`` (TensorFlow,
Flax): dense weights as ours, convolutions (kernel, kernel, n_in / groups, n_out) on channel-last
images. The weight of a recurrent cell is that of the input and that of the hidden state, joined
along n_in. Biases, scales and shifts are the same everywhere.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, InputError, Params

LAYOUTS = ("gsnr_ref", "torch", "keras")


def check_layout(layout: str) -> None:
    """Refuse an unknown layout.

    Examples
    --------
    >>> check_layout("caffe")
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: layout is 'caffe'; expected one of ('gsnr_ref', 'torch', 'keras')
    """
    if layout not in LAYOUTS:
        raise InputError(f"layout is {layout!r}; expected one of {LAYOUTS}")


def _image_before(
    layers: list[dict[str, Any]], layer: dict[str, Any]
) -> tuple[int, int, int] | None:
    """Height, width and channels of the image that a dense layer sees flattened, if it does."""
    for before in reversed(layers[: layers.index(layer)] if layer in layers else []):
        if before["type"] == "max_pool":
            return before["height"] // 2, before["width"] // 2, before["n_channels"]
        if before["type"] == "convolution":
            room = 2 * before.get("padding", 0) - before["kernel"]
            high, wide = (
                (before[side] + room) // before.get("stride", 1) + 1 for side in ("height", "width")
            )
            return high, wide, before["n_out"]
        if before["type"] not in ("activation", "group_norm", "batch_norm"):
            return None
    return None


def _all_layers(layers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The layers, those within a residual too."""
    for layer in layers:
        yield layer
        yield from _all_layers(layer.get("layers", []))


def _layer(model: dict[str, Any], name: str) -> dict[str, Any]:
    owner = name.rpartition(".")[0]
    return next(la for la in _all_layers(model["layers"]) if la.get("name") == owner)


def _convert(model: dict[str, Any], name: str, array: Array, layout: str, back: bool) -> Array:
    """One parameter, or a stack of them along leading axes, to or from a layout."""
    if layout == "gsnr_ref" or not name.endswith(".weight"):
        return array
    layer = _layer(model, name)
    if layer["type"] == "convolution":
        kernel, n_out = layer["kernel"], layer["n_out"]
        n_in = layer["n_in"] // layer.get("groups", 1)
        cube, lead = (kernel, kernel, n_in, n_out), array.ndim - (4 if back else 2)
        theirs = (3, 2, 0, 1) if layout == "torch" else (0, 1, 2, 3)  # axes of ours, in their order
        if back:
            axes = np.argsort(theirs)
            array = np.transpose(array, (*range(lead), *(lead + a for a in axes)))
            return array.reshape(*array.shape[:lead], kernel * kernel * n_in, n_out)
        array = array.reshape(*array.shape[:lead], *cube)
        return np.transpose(array, (*range(lead), *(lead + a for a in theirs)))
    if layout == "keras":
        return array
    array = np.swapaxes(array, -1, -2) if back else array
    if image := _image_before(model["layers"], layer):
        ours = np.arange(math.prod(image)).reshape(image)
        order = ours.transpose(2, 0, 1).ravel()  # their row k is our row order[k]
        array = np.take(array, np.argsort(order) if back else order, axis=-2)
    return array if back else np.swapaxes(array, -1, -2)


def params_to(model: dict[str, Any], params: Params, layout: str) -> Params:
    """Parameters in a framework's layout."""
    check_layout(layout)
    theirs = {k: _convert(model, k, v, layout, back=False) for k, v in params.items()}
    return {k: np.ascontiguousarray(v) for k, v in theirs.items()}


def param_from(model: dict[str, Any], name: str, array: Array, layout: str) -> Array:
    """A framework's parameter, or a stack of them, in our layout; as it is where it cannot be."""
    try:
        return _convert(model, name, array, layout, back=True)
    except (ValueError, IndexError):  # a wrong shape: the caller compares shapes and says so
        return array


def x_to(model: dict[str, Any], x: Array, layout: str) -> Array:
    """Samples in a framework's layout: images channel-first in "torch"."""
    check_layout(layout)
    image = model["layers"][0]["type"] == "convolution"
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if image and layout == "torch" else x
