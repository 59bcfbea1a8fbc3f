"""How a case is put together.

Imports nothing of ``gsnr_ref``. Numbers are drawn from seeded generators of the standard library
and rounded to two decimals, so that they are short and, in binary, not round.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.certify.cases.flags import FLAGS, LEVELS
from tests.certify.cases.shapes import Layer, parameter_shapes

#: Flags of the level "tails".
EXTREME = {
    "large-snr",
    "small-snr",
    "tiny-gradients",
    "huge-gradients",
    "mixed-scales",
    "saturated",
    "large-residual",
}


def draw(rng: random.Random, *shape: int, scale: float = 1.0, digits: int = 2) -> Any:
    """Numbers within ±scale of 0, none of them 0, as nested lists."""
    if shape:
        return [draw(rng, *shape[1:], scale=scale, digits=digits) for _ in range(shape[0])]
    while not (value := round(rng.uniform(-scale, scale), digits)):
        pass
    return value


def affine(name: str, n_in: int, n_out: int, bias: bool = True) -> Layer:
    return {"type": "affine", "name": name, "n_in": n_in, "n_out": n_out, "bias": bias}


def activation(function: str) -> Layer:
    return {"type": "activation", "function": function}


def residual(*layers: Layer) -> Layer:
    return {"type": "residual", "layers": list(layers)}


def level_of(layers: Sequence[Layer], flags: Iterable[str]) -> str:
    """The level of a case that states none."""
    types = [layer["type"] for layer in layers]
    if "elman" in types:
        return "sequence"
    if not EXTREME.isdisjoint(flags):
        return "tails"
    return "deep" if "convolution" in types or types.count("affine") > 2 else "core"


def flatten(nested: Any) -> list[Any]:
    """Numbers of nested lists, in order."""
    return [v for part in nested for v in flatten(part)] if isinstance(nested, list) else [nested]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a golden case states; what follows from it is computed.

    Attributes
    ----------
    id, description : str
    level : str
        Out of `LEVELS`.
    flags : tuple of str
        Out of `FLAGS`.
    layers : list of dict
        Applied one after the other.
    loss : {"squared_error", "cross_entropy"}
    scale : float
        Of the loss.
    loss_options : dict
        What else the loss takes: class_weights, ignore_index, label_smoothing.
    trainable : tuple of str
        Names of the parameters that have gradients.
    params : dict of str to nested lists
        In the shapes of `parameter_shapes`.
    x, y : list
        An entry a sample: nested lists; classes in y for cross-entropy.
    probabilities : list of float or None
        Of the points of a weighted population.
    batches : list of int or None
        Sizes of the batches that the samples come in.
    reduction : {"none", "mean", "sum"}
        Of the training loss.
    enumerate_at : tuple of (int, float)
        Training-set sizes and learning rates of the OSGR by its definition.
    dtype : {"float64", "float32"}
        The narrowest that holds every input exactly.
    twin_of : str or None
        The case that this one is a twin of.
    refused : str
        Why no per-sample gradients exist, so that nothing is expected; empty where they do.
    """

    id: str
    description: str
    level: str
    flags: tuple[str, ...]
    layers: list[Layer]
    loss: str = "squared_error"
    scale: float = 1.0
    loss_options: dict[str, Any] = field(default_factory=dict)
    trainable: tuple[str, ...]
    params: dict[str, Any]
    x: list[Any]
    y: list[Any]
    probabilities: list[float] | None = None
    batches: list[int] | None = None
    reduction: str = "none"
    enumerate_at: Sequence[tuple[int, float]] = ()
    dtype: str = "float64"
    twin_of: str | None = None
    refused: str = ""

    def __post_init__(self) -> None:
        assert set(self.flags) <= set(FLAGS), self.flags
        assert self.level in LEVELS, self.level
        stated = {name: shape_of(value) for name, value in self.params.items()}
        assert list(stated.items()) == list(self.shapes.items()), (self.id, stated)

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shape of each parameter."""
        return parameter_shapes(self.layers)

    def __str__(self) -> str:
        return self.id


def shape_of(nested: Any) -> list[int]:
    """Shape of nested lists, whose rows must be equally long."""
    if not isinstance(nested, list):
        return []
    first, *others = map(shape_of, nested)
    assert all(other == first for other in others), nested
    return [len(nested), *first]


def case(
    id: str,
    description: str,
    flags: Sequence[str],
    layers: list[Layer],
    params: dict[str, Any],
    x: list[Any],
    y: list[Any],
    loss: str = "squared_error",
    enumerate_at: Sequence[tuple[int, float]] = (),
    frozen: Sequence[str] = (),
    level: str = "",
    **more: Any,
) -> Case:
    """A case with the flags that follow from its loss, and with some layers frozen.

    Its level follows from layers and flags where none is stated.
    """
    support = ("finite-support",) if enumerate_at else ()
    return Case(
        id=id,
        description=description,
        level=level or level_of(layers, flags),
        flags=tuple(dict.fromkeys((*flags, loss.replace("_", "-"), *support))),
        layers=layers,
        loss=loss,
        trainable=tuple(k for k in parameter_shapes(layers) if k.partition(".")[0] not in frozen),
        params=params,
        x=x,
        y=y,
        enumerate_at=enumerate_at,
        **more,
    )


def network(
    id: str,
    description: str,
    flags: Sequence[str],
    layers: list[Layer],
    x_shape: Sequence[int],
    n_outputs: int,
    n_samples: int = 6,
    loss: str = "squared_error",
    **more: Any,
) -> Case:
    """A case with drawn parameters and samples; the seed is the id of the case."""
    rng = random.Random(id)
    params = {name: draw(rng, *shape) for name, shape in parameter_shapes(layers).items()}
    if activation("relu") in layers:  # positive biases, so that most units are active
        params |= {k: [abs(b) for b in v] for k, v in params.items() if k.endswith(".bias")}
    x = draw(rng, n_samples, *x_shape, scale=2.0)
    if loss == "squared_error":
        y = draw(rng, n_samples, n_outputs, scale=2.0)
    else:
        y = [i % n_outputs for i in range(n_samples)]
        rng.shuffle(y)
    return case(id, description, flags, layers, params, x, y, loss, **more)


def twin(original: Case, id: str, description: str, flag: str, **changes: Any) -> Case:
    """The case with something changed that must not, or must, show."""
    flags = [*original.flags, flag] + ["batches"] * (flag == "uneven-batches")
    return replace(
        original,
        id=id,
        description=f"{description} Twin of {original.id}.",
        flags=tuple(dict.fromkeys(flags)),
        twin_of=original.id,
        **changes,
    )


def reordered(original: Case, order: Sequence[int]) -> dict[str, Any]:
    return {"x": [original.x[i] for i in order], "y": [original.y[i] for i in order]}
