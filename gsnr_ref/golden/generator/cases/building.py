"""How a case is put together.

Numbers are drawn from seeded generators of the standard library and rounded to two decimals, so
that they are short and, in binary, not round.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from gsnr_ref.golden.generator.cases.flags import FLAGS

Case = dict[str, Any]


def draw(rng: random.Random, *shape: int, scale: float = 1.0, digits: int = 2) -> Any:
    """Numbers within ±scale of 0, none of them 0, as nested lists."""
    if shape:
        return [draw(rng, *shape[1:], scale=scale, digits=digits) for _ in range(shape[0])]
    while not (value := round(rng.uniform(-scale, scale), digits)):
        pass
    return value


def affine(name: str, n_in: int, n_out: int, bias: bool = True) -> dict[str, Any]:
    return {"type": "affine", "name": name, "n_in": n_in, "n_out": n_out, "bias": bias}


def activation(function: str) -> dict[str, Any]:
    return {"type": "activation", "function": function}


def parameter_shapes(layers: Iterable[dict[str, Any]]) -> dict[str, list[int]]:
    """Shape of each parameter of the layers, in order."""
    shapes = {}
    for layer in layers:
        if layer["type"] == "affine":
            n_in, n_out = layer["n_in"], layer["n_out"]
        elif layer["type"] == "convolution":
            n_in, n_out = layer["kernel"] ** 2 * layer["n_in"], layer["n_out"]
        elif layer["type"] == "elman":
            n_in, n_out = layer["n_features"] + layer["n_hidden"], layer["n_hidden"]
        else:
            continue
        shapes[f"{layer['name']}.weight"] = [n_in, n_out]
        if layer["bias"]:
            shapes[f"{layer['name']}.bias"] = [n_out]
    return shapes


def flatten(nested: Any) -> list[Any]:
    """Numbers of nested lists, in order."""
    return [v for part in nested for v in flatten(part)] if isinstance(nested, list) else [nested]


def case(
    slug: str,
    description: str,
    flags: Sequence[str],
    layers: list[dict[str, Any]],
    params: dict[str, Any],
    x: Any,
    y: Any,
    loss: str = "squared_error",
    scale: float = 1.0,
    enumerate_at: Sequence[tuple[int, float]] = (),
    **more: Any,
) -> Case:
    """One case. `params`, `x` and `y` are nested lists; they are kept flat, with their shapes."""
    shapes = parameter_shapes(layers)
    frozen = more.pop("frozen", ())
    kind = "squared-error" if loss == "squared_error" else "cross-entropy"
    support = ("finite-support",) if enumerate_at else ()
    all_flags = list(dict.fromkeys((*flags, kind, *support)))
    assert set(all_flags) <= set(FLAGS), all_flags
    assert all(len(flatten(params[k])) == _size(s) for k, s in shapes.items()), slug
    assert list(params) == list(shapes), slug
    return {
        "id": slug,
        "description": description,
        "flags": all_flags,
        "model": {
            "layers": layers,
            "loss": {"type": loss, "scale": scale},
            "trainable": [k for k in shapes if k.partition(".")[0] not in frozen],
        },
        "shapes": shapes,
        "params": {name: flatten(value) for name, value in params.items()},
        "x_shape": _shape(x)[1:],
        "x": [flatten(row) for row in x],
        "y": [flatten(row) for row in y] if loss == "squared_error" else list(y),
        "reduction": "none",
        "training_set_sizes": [1, 8, 1000],
        "enumerate": list(enumerate_at),
        "dtype": "float64",
    } | more


def _size(shape: Sequence[int]) -> int:
    return shape[0] * (_size(shape[1:]) if shape[1:] else 1)


def _shape(nested: Any) -> list[int]:
    return [len(nested), *_shape(nested[0])] if isinstance(nested, list) else []


def network(
    slug: str,
    description: str,
    flags: Sequence[str],
    layers: list[dict[str, Any]],
    x_shape: Sequence[int],
    n_outputs: int,
    n_samples: int = 6,
    loss: str = "squared_error",
    scale: float = 1.0,
    **more: Any,
) -> Case:
    """A case with drawn parameters and samples; the seed is the slug of the case or its twin."""
    rng = random.Random(more.pop("seed", slug))
    params = {name: draw(rng, *shape) for name, shape in parameter_shapes(layers).items()}
    if activation("relu") in layers:  # positive biases, so that most units are active
        params |= {k: [abs(b) for b in v] for k, v in params.items() if k.endswith(".bias")}
    x = draw(rng, n_samples, *x_shape, scale=2.0)
    if loss == "squared_error":
        y = draw(rng, n_samples, n_outputs, scale=2.0)
    else:
        y = [i % n_outputs for i in range(n_samples)]
        rng.shuffle(y)
    return case(slug, description, flags, layers, params, x, y, loss, scale, **more)


def twin(original: Case, slug: str, description: str, flag: str, **changes: Any) -> Case:
    """The case with something changed that must not, or must, show."""
    flags = [*original["flags"], flag] + ["batches"] * (flag == "uneven-batches")
    return (
        original
        | {
            "id": slug,
            "description": f"{description} Twin of {original['id']}.",
            "flags": list(dict.fromkeys(flags)),
            "twin_of": original["id"],
        }
        | changes
    )


def reordered(original: Case, order: Sequence[int]) -> dict[str, Any]:
    return {"x": [original["x"][i] for i in order], "y": [original["y"][i] for i in order]}


def rescaled(original: Case, scale: float) -> dict[str, Any]:
    loss = original["model"]["loss"] | {"scale": scale}
    return {"model": original["model"] | {"loss": loss}}
