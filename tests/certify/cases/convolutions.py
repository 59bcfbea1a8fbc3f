"""Convolutions with padding, stride, groups and several channels, and pools of all kinds.

Imports nothing of ``gsnr_ref``.
"""

from dataclasses import replace
from typing import Any

from tests.certify.cases.building import Case, activation, affine, network, twin
from tests.certify.cases.shapes import Layer


def convolution(
    name: str,
    height: int,
    width: int,
    n_in: int,
    n_out: int,
    kernel: int,
    padding: int = 0,
    stride: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Layer:
    image = {"height": height, "width": width, "n_in": n_in, "n_out": n_out, "kernel": kernel}
    more = {"bias": bias, "padding": padding, "stride": stride, "groups": groups}
    return {"type": "convolution", "name": name, **image, **more}


def max_pool(height: int, width: int, n_channels: int) -> Layer:
    return {"type": "max_pool", "height": height, "width": width, "n_channels": n_channels}


def tied(stated: Case) -> Case:
    """The case with weights of 0 and a positive bias for the first channel: its pixels are equal.

    They stay equal when an input changes, so the ties are not an accident of rounding.
    """
    weight = [[0.0, *row[1:]] for row in stated.params["conv1.weight"]]
    return replace(stated, params=stated.params | {"conv1.weight": weight})


def convolution_cases() -> list[Case]:
    """Each thing that a convolution can have, by itself and together."""

    def conv(
        id: str,
        description: str,
        flags: list[str],
        layers: list[Layer],
        n_outputs: int = 1,
        **more: Any,
    ) -> Case:
        image = [layers[0][key] for key in ("height", "width", "n_in")]
        rational = activation("tanh") not in layers and "loss" not in more
        tags = ["convolution", "tied-weights", "deep", *flags, *(["rational"] if rational else [])]
        stated: dict[str, Any] = {"n_samples": 3, "level": "deep", **more}
        return network(id, description, tags, layers, image, n_outputs, **stated)

    relu, tanh = activation("relu"), activation("tanh")
    classes: dict[str, Any] = {"loss": "cross_entropy"}
    channels = conv(
        "conv-channels",
        "Two channels in, three out: the order of the weight's rows.",
        ["channels", "dead"],
        [convolution("conv1", 3, 3, 2, 3, 2), relu, affine("dense1", 12, 2)],
        2,
    )
    ties = [convolution("conv1", 3, 3, 1, 2, 2), relu, max_pool(2, 2, 2), affine("dense1", 2, 1)]
    odd = [convolution("conv1", 4, 4, 1, 2, 2), relu, max_pool(3, 3, 2), affine("dense1", 2, 2)]
    return [
        conv("conv-padding", "A 3 × 3 kernel, with zeros around the image.", ["padding"],
             [convolution("conv1", 3, 3, 1, 2, 3, padding=1), relu, affine("dense1", 18, 1)]),
        conv("conv-padding-not-square", "Two rows of zeros around an image of 2 × 3.",
             ["padding", "not-square"],
             [convolution("conv1", 2, 3, 1, 1, 3, padding=2), tanh, affine("dense1", 20, 1)]),
        conv("conv-stride", "Steps of two pixels.", ["stride", "dead"],
             [convolution("conv1", 5, 5, 1, 2, 2, stride=2), relu, affine("dense1", 8, 2)], 2,
             **classes),
        conv("conv-stride-padding", "Steps of three pixels, with zeros around the image.",
             ["stride", "padding", "not-square", "dead"],
             [convolution("conv1", 5, 2, 1, 2, 2, padding=1, stride=3), tanh,
              affine("dense1", 4, 1)]),
        conv("conv-groups", "Two groups: each output sees half of the inputs.",
             ["groups", "channels"],
             [convolution("conv1", 3, 3, 2, 4, 2, groups=2), relu, max_pool(2, 2, 4),
              affine("dense1", 4, 1)]),
        conv("conv-groups-of-two", "Two groups of two channels each.", ["groups", "channels"],
             [convolution("conv1", 2, 3, 4, 4, 2, groups=2), tanh, affine("dense1", 8, 1)]),
        conv("conv-depthwise", "A group for each of three channels.",
             ["groups", "channels", "not-square"],
             [convolution("conv1", 2, 3, 3, 3, 2, groups=3), relu, affine("dense1", 6, 2)], 2,
             **classes),
        conv("conv-stride-padding-groups", "All at once.",
             ["stride", "padding", "groups", "channels", "not-square", "dead"],
             [convolution("conv1", 3, 4, 2, 2, 2, padding=1, stride=2, groups=2), relu,
              affine("dense1", 12, 1)]),
        channels,
        conv("conv-channels-cross-entropy", "Three channels in, two out.", ["channels"],
             [convolution("conv1", 2, 3, 3, 2, 2), tanh, affine("dense1", 4, 2)], 2, **classes),
        twin(channels, "conv-channels-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean"),
        conv("conv-pointwise", "A 1 × 1 kernel, without bias.", ["channels", "not-square", "dead"],
             [convolution("conv1", 2, 3, 2, 2, 1, bias=False), relu, affine("dense1", 12, 1)]),
        conv("conv-two-in-a-row", "Two convolutions.", ["channels", "dead"],
             [convolution("conv1", 3, 4, 1, 2, 2), relu, convolution("conv2", 2, 3, 2, 2, 2), relu,
              affine("dense1", 4, 1)]),
        conv("conv-two-cross-entropy", "Two convolutions with a max-pool between them.",
             ["channels"],
             [convolution("conv1", 5, 5, 1, 2, 2), tanh, max_pool(4, 4, 2),
              convolution("conv2", 2, 2, 2, 2, 2, padding=1, stride=2), tanh,
              affine("dense1", 8, 2)], 2, n_samples=2, **classes),
        conv("conv-not-square", "A higher than wide image.", ["not-square"],
             [convolution("conv1", 5, 3, 1, 2, 2), relu, max_pool(4, 2, 2),
              affine("dense1", 4, 1)]),
        conv("conv-odd-pool", "A max-pool over 3 × 5: the last row and column are cut.",
             ["odd-pool", "not-square"],
             [convolution("conv1", 4, 6, 1, 2, 2), relu, max_pool(3, 5, 2),
              affine("dense1", 4, 1)]),
        conv("conv-odd-pool-padding", "A max-pool over 3 × 3, after zeros around the image.",
             ["odd-pool", "padding"],
             [convolution("conv1", 2, 2, 1, 2, 2, padding=1), tanh, max_pool(3, 3, 2),
              affine("dense1", 2, 1)], n_samples=4),
        tied(conv("conv-pool-ties", "A channel of equal pixels: the first of each window has the "
                  "derivative.", ["ties"], ties)),
        tied(conv("conv-pool-ties-odd", "Equal pixels, in a max-pool over 3 × 3.",
                  ["ties", "odd-pool"], odd, 2)),
        tied(conv("conv-pool-ties-cross-entropy", "Equal pixels, two classes.", ["ties"],
                  [*ties[:-1], affine("dense1", 2, 2)], 2, n_samples=4, **classes)),
    ]  # fmt: skip
