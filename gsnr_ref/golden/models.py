"""The model of a golden case, built from ``toy_models``."""

import re
from collections.abc import Callable
from typing import Any

from toy_models import MLP, AffineModel, ConvNet, RecurrentNet, Stack
from toy_models.images import Convolution, MaxPool
from toy_models.layer_types import Activation, Affine, Layer, Residual
from toy_models.loss_options import cross_entropy_with
from toy_models.losses import LOSSES
from toy_models.norms import BatchNorm, GroupNorm, LayerNorm, RMSNorm

_LOSSES = {"squared_error": "squared", "cross_entropy": "cross_entropy"}
#: Layers of a stack, with the fields that the JSON states.
_LAYERS: dict[str, Callable[..., Layer]] = {
    "affine": Affine,
    "activation": Activation,
    "convolution": Convolution,
    "max_pool": MaxPool,
    "layer_norm": LayerNorm,
    "rms_norm": RMSNorm,
    "group_norm": GroupNorm,
    "batch_norm": BatchNorm,
}
#: Types and names of the layers that the ready models have.
_READY = (
    r"affine:\w+|affine:layer1( activation: affine:layer\d)+|elman:cell affine:output|"
    r"convolution:conv1 activation: max_pool: affine:dense1"
)


def build(model: dict[str, Any]) -> Any:
    """Build a model from the description in a golden case.

    Perceptrons, and plain convolutional and recurrent networks, are the ready models of
    ``toy_models``; all others are stacks of layers.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> build(golden.load("elman-squared-error").model).trainable
    ('cell.weight', 'cell.bias', 'output.weight', 'output.bias')
    """
    built = _ready_model(model) if _is_ready(model) else _stack(model)
    unscaled, scale = built.per_sample_loss, model["loss"]["scale"]
    if scale != 1:
        built.per_sample_loss = lambda outputs, y: scale * unscaled(outputs, y)
    return built


def _is_ready(model: dict[str, Any]) -> bool:
    """Whether a ready model has these layers, with no fields and no loss beyond its own."""
    layers = model["layers"]
    functions = {layer["function"] for layer in layers if layer["type"] == "activation"}
    biases = {layer["bias"] for layer in layers if "bias" in layer}
    beyond = {"n_positions", "transposed", "padding", "stride", "groups"}
    kinds = " ".join(f"{layer['type']}:{layer.get('name', '')}" for layer in layers)
    return (
        re.fullmatch(_READY, kinds) is not None
        and max(len(functions), len(biases)) <= 1
        and all(beyond.isdisjoint(layer) for layer in layers)
        and set(model["loss"]) == {"type", "scale", "formula"}
    )


def _frozen(model: dict[str, Any]) -> list[str]:
    """Names of the layers that do not train."""
    trainable = {name.rpartition(".")[0] for name in model["trainable"]}
    names = dict.fromkeys(name.rpartition(".")[0] for name in model["parameters"])
    return [name for name in names if name not in trainable]


def _stack(model: dict[str, Any]) -> Stack:
    return Stack([_layer(la) for la in model["layers"]], _loss(model["loss"]), _frozen(model))


def _layer(layer: dict[str, Any]) -> Layer:
    if layer["type"] == "residual":
        return Residual([_layer(inner) for inner in layer["layers"]])
    unwanted = ("type", "formula", "mode")
    fields = {key: value for key, value in layer.items() if key not in unwanted}
    return _LAYERS[layer["type"]](**fields)


def _loss(loss: dict[str, Any]) -> Callable[[Any, Any], Any]:
    options = {k: v for k, v in loss.items() if k not in ("type", "scale", "formula")}
    return cross_entropy_with(**options) if options else LOSSES[_LOSSES[loss["type"]]]


def _ready_model(model: dict[str, Any]) -> AffineModel:
    layers, loss = model["layers"], _LOSSES[model["loss"]["type"]]
    named = [layer for layer in layers if "name" in layer]
    common: dict[str, Any] = {"loss": loss, "bias": named[0]["bias"], "frozen": _frozen(model)}
    function = next((la["function"] for la in layers if la["type"] == "activation"), "identity")
    first, last = named[0], named[-1]
    if first["type"] == "elman":
        return RecurrentNet(first["n_features"], first["n_hidden"], last["n_out"], **common)
    if first["type"] == "convolution":
        shape, channels = (first["height"], first["width"], first["n_in"]), (first["n_out"],)
        common |= {"activation": function}
        return ConvNet(shape, channels, (), last["n_out"], first["kernel"], **common)
    if len(named) == 1:
        sizes = {first["name"]: (first["n_in"], first["n_out"])}
        return AffineModel(sizes, LOSSES[loss], first["bias"])
    return MLP([first["n_in"], *(n["n_out"] for n in named)], function, **common)
