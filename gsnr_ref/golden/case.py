"""Golden cases: read, never written, here.

Imports ``contract`` and, of ``golden``, ``layouts`` and, to build a case's model, ``models``.
"""

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, InputError, Params, leaves, map_structure
from gsnr_ref.golden.layouts import params_to, x_to

#: The folder of the golden values. A later version is another folder; this one only grows.
VERSION = "v1"


def folder() -> Any:
    """Return the folder with the golden values, as a traversable resource."""
    return files("gsnr_ref.golden") / VERSION


@dataclass(frozen=True, eq=False)
class GoldenCase:
    """One certified case: a model, its inputs, and what every quantity must be.

    Attributes
    ----------
    id : str
        Permanent.
    description : str
    level : {"core", "tails", "deep", "sequence", "attention", "large"}
        What a backend needs for the case; `schema.json` explains each.
    flags : tuple of str
        Why the case is there; `flags.json` explains each.
    model : dict
        Layers with their formulas, loss, names of the trainable parameters.
    params : dict of str to ndarray
        Weights (n_in, n_out), biases (n_out,).
    x : ndarray, shape (n_samples, ...)
    y : ndarray
        (n_samples, n_outputs), or classes (n_samples,) for cross-entropy.
    probabilities : ndarray, shape (n_samples,), or None
        Of the points of a weighted population.
    batches : tuple of int, or None
        Sizes of the batches that the samples come in.
    reduction : {"none", "mean", "sum"}
        Of the training loss. Every quantity but the reduced ones is per sample all the same.
    expected, condition : dict
        Correctly rounded values and their condition numbers, by quantity: an array, or a dict of
        arrays by parameter, by n, or by n and parameter.
    tolerance : dict of str to float or None
        By dtype; None where the numbers leave the range of the dtype.
    mistakes : tuple of str
        Ids of the mistakes that the case can tell from the truth.
    document : dict
        The case as it stands in its JSON file.
    refused : str
        Why no per-sample gradients exist, and nothing is expected; empty where they do.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("location")
    >>> str(case), case.params["linear.weight"], case.expected["gsnr_ddof0"]["linear.weight"]
    ('location', array([[0.7]]), array([[0.39208486]]))
    """

    id: str
    description: str
    level: str
    flags: tuple[str, ...]
    model: dict[str, Any]
    params: Params
    x: Array
    y: Array
    probabilities: Array | None
    batches: tuple[int, ...] | None
    reduction: str
    expected: dict[str, Any]
    condition: dict[str, Any]
    tolerance: dict[str, float | None]
    mistakes: tuple[str, ...]
    document: dict[str, Any]
    refused: str

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"GoldenCase({self.id!r})"

    @property
    def n_outputs(self) -> int:
        """Number of outputs, or of classes."""
        if self.y.ndim > 1:
            return int(self.y.shape[1])
        return int(next(la["n_out"] for la in reversed(self.model["layers"]) if "n_out" in la))

    def params_in(self, layout: str) -> Params:
        """Return the parameters in the layout of a framework: "torch" or "keras".

        Examples
        --------
        >>> from gsnr_ref import golden
        >>> golden.load("linear").params_in("torch")["linear.weight"].shape
        (1, 2)
        """
        return params_to(self.model, self.params, layout)

    def x_in(self, layout: str) -> Array:
        """Return x in the layout of a framework: images are channel-first in "torch".

        Examples
        --------
        >>> from gsnr_ref import golden
        >>> golden.load("conv-relu-cross-entropy").x_in("torch").shape
        (4, 1, 5, 5)
        """
        return x_to(self.model, self.x, layout)

    def build(self) -> Any:
        """Build the case's model from ``toy_models``; an `InputError` where it must be refused.

        Examples
        --------
        >>> from gsnr_ref import golden
        >>> case = golden.load("location")
        >>> case.build().loss(case.params, case.x, case.y).round(4)  # ½(θ − y)²
        array([0.18  , 0.18  , 0.605 , 0.1012])
        """
        from gsnr_ref.golden.models import build

        if self.refused:
            raise InputError(f"case {self.id} must be refused. {self.refused}")
        return build(self.model)


def _numbers(tree: Any) -> Any:
    """Nested lists as float arrays, with "inf" and "nan" read."""
    return map_structure(
        lambda leaf: np.array(leaf, dtype=float) if isinstance(leaf, list) else float(leaf), tree
    )


def parse(document: dict[str, Any]) -> GoldenCase:
    """Read a case from its JSON document."""
    inputs, expected = document["inputs"], document["expected"]
    classes = document["model"]["loss"]["type"] == "cross_entropy"
    probabilities, batches = inputs.get("probabilities"), inputs.get("batches")
    return GoldenCase(
        id=document["id"],
        description=document["description"],
        level=document["level"],
        flags=tuple(document["flags"]),
        model=document["model"],
        params={k: np.array(v, dtype=float) for k, v in inputs["params"].items()},
        x=np.array(inputs["x"], dtype=float),
        y=np.array(inputs["y"], dtype=int if classes else float),
        probabilities=None if probabilities is None else np.array(probabilities),
        batches=None if batches is None else tuple(batches),
        reduction=document["conventions"]["reduction"],
        expected={quantity: _numbers(entry["value"]) for quantity, entry in expected.items()},
        condition={quantity: _numbers(entry["condition"]) for quantity, entry in expected.items()},
        tolerance={k: v for k, v in document["tolerance"].items() if k != "reason"},
        mistakes=tuple(document["mistakes"]),
        document=document,
        refused=document.get("refused", ""),
    )


@cache
def every_case() -> dict[str, GoldenCase]:
    """Every golden case by its id, read once: not to be handed out, not to be changed."""
    paths = sorted(p for p in (folder() / "cases").iterdir() if p.name.endswith(".json"))
    loaded = [parse(json.loads(p.read_text(encoding="utf-8"))) for p in paths]
    return {case.id: case for case in sorted(loaded, key=str)}


def cases(flags: Iterable[str] | str = (), quantity: str | None = None) -> list[GoldenCase]:
    """Return the golden cases, in the order of their ids: copies, yours to change.

    Parameters
    ----------
    flags : str or iterable of str
        Only cases that have all of these flags.
    quantity : str, optional
        Only cases that state this quantity.

    Returns
    -------
    list of GoldenCase
        Never empty. ``str(case)`` is its id, for ``pytest.mark.parametrize(..., ids=str)``. Those
        that must be refused are among them only if `flags` asks for ``"refused"``: they have no
        values.

    Raises
    ------
    InputError
        If no case has these flags and this quantity: a test over no cases would always pass.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> len(golden.cases()) >= 60
    True
    >>> [str(case) for case in golden.cases("all-dead")]
    ['location-all-dead']
    """
    wanted = {flags} if isinstance(flags, str) else set(flags)
    chosen = [
        case
        for case in every_case().values()
        if wanted <= set(case.flags)
        and (quantity is None or quantity in case.expected)
        and (not case.refused or "refused" in wanted)
    ]
    if not chosen:
        raise InputError(
            f"flags is {sorted(wanted)} and quantity {quantity!r}; no golden case has them, "
            f"expected flags out of {sorted(flag_reasons())}"
        )
    return deepcopy(chosen)


def load(id: str) -> GoldenCase:
    """Return the golden case with this id: a copy, yours to change.

    Parameters
    ----------
    id : str

    Returns
    -------
    GoldenCase

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> golden.load("linear-snr-1e12").description
    'Gradients with a relative deviation of 1e-6.'
    """
    check_id(id)
    return deepcopy(every_case()[id])


def check_id(id: str) -> None:
    """Refuse an id that no golden case has.

    Examples
    --------
    >>> check_id("lienar")
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: id is 'lienar'; expected a golden case, such as linear...
    """
    if id not in every_case():
        from difflib import get_close_matches

        near = get_close_matches(str(id)[:60], every_case(), n=3) or list(every_case())[:3]
        raise InputError(
            f"id is {str(id)[:60]!r}; expected a golden case, such as {', '.join(near)}"
        )


def flag_reasons() -> dict[str, str]:
    """Return why cases have each flag.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> golden.flag_reasons()["zero-mean"]
    'Gradients cancel: GSNR is exactly 0.'
    """
    return dict(_flag_reasons())


@cache
def _flag_reasons() -> dict[str, str]:
    return dict(json.loads((folder() / "flags.json").read_text(encoding="utf-8")))


def n_values(case: GoldenCase) -> int:
    """Number of expected values of a case."""
    return sum(np.size(leaf) for leaf in leaves(case.expected))
