"""Cases of thousands of samples, whose inputs are stated by a formula.

Imports nothing of ``gsnr_ref``.
"""

import math
from dataclasses import dataclass
from typing import Any

from tests.certify.cases.building import activation, affine
from tests.certify.cases.flags import FLAGS
from tests.certify.cases.shapes import Layer, parameter_shapes

PRIME = 65521
FORMULA = (
    "Entry k of an array, counted from 0 with the last index fastest: m = k mod prime, "
    "h = (((a·m + b) mod prime)·m + c) mod prime, in whole numbers, of which none reaches 2^32. "
    "The entry is offset + (h − 32760)/2^shift, which float32 holds exactly; or, where the array "
    "states n_classes, h mod n_classes."
)


@dataclass(frozen=True)
class LargeCase:
    """What a large case states.

    Attributes
    ----------
    id, description : str
    flags : tuple of str
    layers : list of dict
        Affine maps, with a tanh between them where there are two.
    loss : {"squared_error", "cross_entropy"}
    arrays : dict of str to dict
        Of each parameter, x and y: shape, and the numbers of `FORMULA`.
    samples : tuple of int
        At which values of single samples are stated.
    entries : dict of str to list of index
        At which values of parameters are stated.
    """

    id: str
    description: str
    flags: tuple[str, ...]
    layers: list[Layer]
    loss: str
    arrays: dict[str, dict[str, Any]]
    samples: tuple[int, ...]
    entries: dict[str, list[list[int]]]
    level: str = "large"
    refused: str = ""

    def __post_init__(self) -> None:
        assert set(self.flags) <= set(FLAGS), self.flags

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shape of each parameter."""
        return parameter_shapes(self.layers)

    def __str__(self) -> str:
        return self.id


def generated(array: dict[str, Any]) -> list[Any]:
    """The entries of an array, in order, as whole numbers or as floats that are exact."""
    entries = []
    for k in range(math.prod(array["shape"])):
        m = k % PRIME
        h = ((array["a"] * m + array["b"]) % PRIME * m + array["c"]) % PRIME
        if "n_classes" in array:
            entries.append(h % array["n_classes"])
        else:
            entries.append(array["offset"] + (h - 32760) / 2 ** array["shift"])
    return entries


def large_cases() -> list[LargeCase]:
    """Many samples of one parameter, a wide linear model, a softmax, a perceptron."""

    def large(
        id: str,
        description: str,
        layers: list[Layer],
        n_samples: int,
        loss: str,
        shifts: dict[str, int],
        offset: float = 0.0,
    ) -> LargeCase:
        shapes = parameter_shapes(layers)
        n_in, n_out = layers[0]["n_in"], layers[-1]["n_out"]
        classes = loss == "cross_entropy"
        stated = {**shapes, "x": [n_samples, n_in], "y": [n_samples, *([] if classes else [n_out])]}
        arrays = {}
        for place, (name, shape) in enumerate(stated.items()):
            numbers = {"a": 17389 + 1009 * place, "b": 2711 + 37 * place, "c": 101 * (place + 1)}
            more: dict[str, Any] = {"offset": 0.0, "shift": shifts.get(name, 15)}
            if name == "y":
                more = {"n_classes": n_out} if classes else more | {"offset": offset}
            arrays[name] = {"shape": shape, **numbers, **more}
        entries = {}
        for name, shape in shapes.items():
            places = [[s * f // 7 for s, f in zip(shape, fs, strict=False)] for fs in FRACTIONS]
            entries[name] = [place for i, place in enumerate(places) if place not in places[:i]]
        return LargeCase(
            id,
            description,
            ("large", "float32-inputs", loss.replace("_", "-"), *(["deep"] * (len(layers) > 1))),
            layers,
            loss,
            arrays,
            (0, n_samples // 2, n_samples - 1),
            {
                name: [list(i) for i in dict.fromkeys(map(tuple, at))]
                for name, at in entries.items()
            },
        )

    perceptron = [affine("layer1", 40, 100), activation("tanh"), affine("layer2", 100, 5)]
    return [
        large("large-location", "20,000 samples of one parameter.",
              [affine("linear", 1, 1, bias=False)], 20000, "squared_error", {}),
        large("large-linear", "2,000 samples of 200 features, with targets around 16.",
              [affine("linear", 200, 1)], 2000, "squared_error", {"linear.weight": 18}, 16.0),
        large("large-softmax", "2,000 samples of 64 features, ten classes.",
              [affine("linear", 64, 10)], 2000, "cross_entropy", {"linear.weight": 16}),
        large("large-mlp2-tanh", "1,000 samples, 40 features, 100 hidden units, five classes.",
              perceptron, 1000, "cross_entropy", {"layer1.weight": 16, "layer2.weight": 17}),
    ]  # fmt: skip


#: Where, in sevenths of its rows and columns, a parameter's values are stated.
FRACTIONS = ((0, 0), (1, 4), (3, 2), (4, 6), (6, 1))
