"""Layer, root-mean-square, group and batch norm. Imports nothing of ``gsnr_ref``."""

import random
from dataclasses import replace
from typing import Any

from tests.certify.cases.building import Case, activation, affine, draw, network, residual, twin
from tests.certify.cases.convolutions import convolution
from tests.certify.cases.shapes import Layer


def layer_norm(name: str, n_features: int, n_positions: int = 1, eps: float = 1e-5) -> Layer:
    sizes = {"n_features": n_features, "n_positions": n_positions, "eps": eps}
    return {"type": "layer_norm", "name": name, **sizes}


def rms_norm(name: str, n_features: int, n_positions: int = 1, eps: float = 1e-5) -> Layer:
    return layer_norm(name, n_features, n_positions, eps) | {"type": "rms_norm"}


def group_norm(name: str, n_channels: int, n_groups: int, n_positions: int) -> Layer:
    sizes = {"n_channels": n_channels, "n_groups": n_groups, "n_positions": n_positions}
    return {"type": "group_norm", "name": name, **sizes, "eps": 1e-5}


def batch_norm(name: str, n_channels: int, n_positions: int = 1) -> Layer:
    """In evaluation mode, with statistics that are drawn."""
    rng = random.Random(name)
    return {
        "type": "batch_norm",
        "name": name,
        "n_channels": n_channels,
        "n_positions": n_positions,
        "mode": "evaluation",
        "mean": draw(rng, n_channels),
        "variance": [round(rng.uniform(0.2, 2), 2) for _ in range(n_channels)],
        "eps": 1e-5,
    }


def norm_cases() -> list[Case]:
    """Every norm alone, between layers, at several positions, and within a residual."""

    def norm(id: str, description: str, flags: list[str], *args: Any, **more: Any) -> Case:
        return network(id, description, ["norm", *flags], *args, level="deep", **more)

    classes: dict[str, Any] = {"loss": "cross_entropy"}
    first = norm(
        "layer-norm-squared-error",
        "Affine, layer norm, tanh, affine.",
        ["layer-norm", "deep"],
        [
            affine("layer1", 2, 3),
            layer_norm("norm1", 3),
            activation("tanh"),
            affine("layer2", 3, 1),
        ],
        [2],
        1,
        n_samples=4,
    )
    cases = [
        first,
        norm("layer-norm-cross-entropy", "Layer norm of the inputs, and softmax regression.",
             ["layer-norm"], [layer_norm("norm1", 3, eps=0.125), affine("layer1", 3, 3)], [3], 3,
             n_samples=4, **classes),
        norm("layer-norm-positions", "Two positions, each normalized by itself.",
             ["layer-norm", "positions", "tied-weights", "deep"],
             [affine("token", 2, 2) | {"n_positions": 2}, layer_norm("norm1", 2, 2, eps=0.125),
              affine("output", 4, 1)], [2, 2], 1, n_samples=4),
        norm("layer-norm-residual", "A block of layer norm, affine and GELU that is added.",
             ["layer-norm", "residual", "deep"],
             [affine("layer1", 2, 3),
              residual(layer_norm("norm1", 3), affine("layer2", 3, 3), activation("gelu")),
              layer_norm("norm2", 3), affine("layer3", 3, 1)], [2], 1, n_samples=3),
        twin(first, "layer-norm-mean-reduced", "Trained on the mean loss.", "mean-reduced",
             reduction="mean"),
        norm("rms-norm-squared-error", "Affine, RMS norm, tanh, affine.", ["rms-norm", "deep"],
             [affine("layer1", 2, 3), rms_norm("norm1", 3), activation("tanh"),
              affine("layer2", 3, 1)], [2], 1, n_samples=4),
        norm("rms-norm-cross-entropy", "RMS norm of the inputs, and softmax regression.",
             ["rms-norm"], [rms_norm("norm1", 3, eps=0.125), affine("layer1", 3, 2)], [3], 2,
             n_samples=4, **classes),
        norm("rms-norm-positions", "Two positions, in a block of RMS norm, SiLU that is added.",
             ["rms-norm", "positions", "residual", "tied-weights", "deep"],
             [affine("token", 2, 2) | {"n_positions": 2},
              residual(rms_norm("norm1", 2, 2), activation("silu")),
              affine("output", 4, 1)], [2, 2], 1, n_samples=4),
        norm("group-norm-convolution", "Four channels in two groups, after a convolution.",
             ["group-norm", "convolution", "tied-weights", "deep", "dead"],
             [convolution("conv1", 3, 3, 1, 4, 2), group_norm("norm1", 4, 2, 4),
              activation("relu"), affine("dense1", 16, 1)], [3, 3, 1], 1, n_samples=3),
        norm("group-norm-one-group", "All channels in one group: layer norm over an image.",
             ["group-norm", "convolution", "tied-weights", "deep"],
             [convolution("conv1", 2, 3, 1, 2, 2), group_norm("norm1", 2, 1, 2),
              activation("tanh"), affine("dense1", 4, 2)], [2, 3, 1], 2, n_samples=4, **classes),
        norm("group-norm-each-channel",
             "A group for each channel: instance norm, which takes a bias before it away.",
             ["group-norm", "convolution", "tied-weights", "deep"],
             [convolution("conv1", 3, 3, 1, 2, 2, bias=False), group_norm("norm1", 2, 2, 4),
              activation("tanh"), affine("dense1", 8, 1)], [3, 3, 1], 1, n_samples=3),
        norm("batch-norm-evaluation", "Batch norm in evaluation mode, between layers.",
             ["batch-norm", "deep"],
             [affine("layer1", 2, 3), batch_norm("norm1", 3), activation("tanh"),
              affine("layer2", 3, 1)], [2], 1, n_samples=4),
        norm("batch-norm-evaluation-cross-entropy",
             "Batch norm of the inputs in evaluation mode, and softmax regression.",
             ["batch-norm"], [batch_norm("norm1", 3), affine("layer1", 3, 2)], [3], 2,
             n_samples=4, **classes),
        norm("batch-norm-evaluation-convolution",
             "Batch norm in evaluation mode, after a convolution.",
             ["batch-norm", "convolution", "tied-weights", "deep"],
             [convolution("conv1", 3, 3, 1, 2, 2), batch_norm("norm1", 2, 4), activation("relu"),
              affine("dense1", 8, 1)], [3, 3, 1], 1, n_samples=3),
    ]  # fmt: skip
    offset = network("layer-norm-large-offset", "Inputs of 1000 ± 0.01: E x² − (E x)² cancels.",
                     ["norm", "layer-norm", "large-offset"],
                     [layer_norm("norm1", 3), affine("layer1", 3, 1)], [3], 1, n_samples=4,
                     level="tails")  # fmt: skip
    x = [[1000 + v / 128 for v in row] for row in offset.x]
    training = {"type": "batch_norm", "name": "norm1", "n_channels": 3, "n_positions": 1}
    return [
        *cases,
        replace(offset, x=x),
        norm("batch-norm-training", "Batch norm in training mode: must be refused.",
             ["batch-norm", "refused"],
             [affine("layer1", 2, 3), training | {"mode": "training", "eps": 1e-5},
              activation("tanh"), affine("layer2", 3, 1)], [2], 1, n_samples=4,
             refused="Each loss depends on every sample of the batch, through its mean and "
             "variance: there are no per-sample gradients, so no GSNR."),
    ]  # fmt: skip
