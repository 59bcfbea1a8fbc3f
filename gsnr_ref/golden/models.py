"""The model of a golden case, built from ``toy_models``."""

from typing import Any

from toy_models import MLP, AffineModel, ConvNet, RecurrentNet
from toy_models.losses import LOSSES

_LOSSES = {"squared_error": "squared", "cross_entropy": "cross_entropy"}


def build(model: dict[str, Any]) -> AffineModel:
    """Build a model from the description in a golden case.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> build(golden.load("elman-squared-error").model).trainable
    ('cell.weight', 'cell.bias', 'output.weight', 'output.bias')
    """
    layers = model["layers"]
    loss, scale = _LOSSES[model["loss"]["type"]], model["loss"]["scale"]
    named = [layer for layer in layers if "name" in layer]
    frozen = [n["name"] for n in named if f"{n['name']}.weight" not in model["trainable"]]
    common: dict[str, Any] = {"loss": loss, "bias": named[0]["bias"], "frozen": frozen}
    function = next((la["function"] for la in layers if la["type"] == "activation"), "identity")
    first, last = named[0], named[-1]
    built: AffineModel
    if first["type"] == "elman":
        built = RecurrentNet(first["n_features"], first["n_hidden"], last["n_out"], **common)
    elif first["type"] == "convolution":
        shape, channels = (first["height"], first["width"], first["n_in"]), (first["n_out"],)
        common |= {"activation": function}
        built = ConvNet(shape, channels, (), last["n_out"], first["kernel"], **common)
    elif len(named) == 1:
        sizes = {first["name"]: (first["n_in"], first["n_out"])}
        built = AffineModel(sizes, LOSSES[loss], first["bias"])
    else:
        built = MLP([first["n_in"], *(n["n_out"] for n in named)], function, **common)
    unscaled = built.per_sample_loss
    if scale != 1:
        built.per_sample_loss = lambda outputs, y: scale * unscaled(outputs, y)
    return built
