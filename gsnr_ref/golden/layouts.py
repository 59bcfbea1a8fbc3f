"""Parameter layouts of frameworks, to and from (n_in, n_out). Imports ``contract``.

Ours is ``"gsnr_ref"``. ``"torch"``: weights (n_out, n_in), convolutions (n_out, n_in, kernel,
kernel) on channel-first images, flattened channel by channel. ``"keras"`` (TensorFlow, Flax): dense
weights as ours, convolutions (kernel, kernel, n_in, n_out) on channel-last images. The weight of an
Elman cell or an LSTM is that of the input and that of the hidden state, joined along n_in. Rows of
embeddings are rows everywhere.
"""

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


def _image_before(layers: list[dict[str, Any]], layer: dict[str, Any]) -> dict[str, Any] | None:
    """The max-pool whose pixels a dense layer sees flattened, if it does."""
    before = layers[layers.index(layer) - 1] if layer is not layers[0] else {"type": ""}
    return before if before["type"] == "max_pool" else None


def _flat(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All layers in their order, with those of a residual connection in its place."""
    return [
        la for layer in layers for la in (_flat(layer["layers"]) if "layers" in layer else [layer])
    ]


def _layer(model: dict[str, Any], name: str) -> dict[str, Any]:
    """The first layer that has a parameter: "cell" has "cell.weight", or "cell.input.weight"."""
    owners = (layer for layer in _flat(model["layers"]) if "name" in layer)
    return next(layer for layer in owners if name.startswith(f"{layer['name']}."))


def _convert(model: dict[str, Any], name: str, array: Array, layout: str, back: bool) -> Array:
    """One parameter, or a stack of them along leading axes, to or from a layout."""
    if layout == "gsnr_ref" or not name.endswith(".weight"):
        return array
    layer = _layer(model, name)
    if layer["type"] == "convolution":
        kernel, n_in, n_out = layer["kernel"], layer["n_in"], layer["n_out"]
        cube, lead = (kernel, kernel, n_in, n_out), array.ndim - (4 if back else 2)
        theirs = (3, 2, 0, 1) if layout == "torch" else (0, 1, 2, 3)  # axes of ours, in their order
        if back:
            axes = np.argsort(theirs)
            array = np.transpose(array, (*range(lead), *(lead + a for a in axes)))
            return array.reshape(*array.shape[:lead], kernel * kernel * n_in, n_out)
        array = array.reshape(*array.shape[:lead], *cube)
        return np.transpose(array, (*range(lead), *(lead + a for a in theirs)))
    if layout == "keras" or layer["type"] in ("embedding", "position_embedding"):
        return array
    array = np.swapaxes(array, -1, -2) if back else array
    if pool := _image_before(_flat(model["layers"]), layer):
        high, wide, channels = pool["height"] // 2, pool["width"] // 2, pool["n_channels"]
        ours = np.arange(high * wide * channels).reshape(high, wide, channels)
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
