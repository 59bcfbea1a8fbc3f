"""A model at two samples, and how near two routes to the same numbers are. Imports ``contract``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Model, Params, is_exact

_NUDGES = 8
_SEARCHED = 10_000


class TwoSamples:
    """A model at two samples, in double precision, with copies of all that it could change.

    Attributes
    ----------
    x, y : ndarray
        Two samples; with `distinct` false, the same one twice.
    """

    def __init__(self, model: Model, params: Params, x: Array, y: Array) -> None:
        self.model = model
        self.params = {name: as_double(value) for name, value in params.items()}
        second = _other_sample(x, y)
        self.distinct = second is not None
        rows = [0, second or 0]
        self.x, self.y = as_double(x[rows]), as_double(y[rows])

    def losses(
        self, rows: Sequence[int], labels: Sequence[int] | None = None, params: Any = None
    ) -> Array:
        """Losses of a fresh batch: x of the samples `rows`, y of the samples `labels`."""
        theta = dict(self.params if params is None else params)
        x, y = self.x[list(rows)], self.y[list(rows if labels is None else labels)]
        return np.asarray(self.model.loss(theta, x, y))

    def rounding(self, function: Callable[[Params], Any]) -> Any:
        """How far the last bit of the parameters moves function(params): what rounding can do."""
        unit = np.finfo(_float_type(self.losses([0, 1]))).eps
        rng, reference, furthest = np.random.default_rng(0), function(self.params), 0.0
        for _ in range(_NUDGES):
            nudged = {
                name: value * (1 + unit * rng.choice([-1, 1], value.shape))
                if value.dtype.kind == "f"
                else value
                for name, value in self.params.items()
            }
            furthest = np.maximum(furthest, np.abs(function(nudged) - reference))
        return furthest


def as_double(value: Any) -> Array:
    """Copy an array, float32 and smaller to float64: what holds there, holds for the model.

    Examples
    --------
    >>> as_double(np.ones(1, np.float32)).dtype
    dtype('float64')
    """
    array = np.array(value)
    return array.astype(float) if array.dtype.kind == "f" and array.itemsize < 8 else array


def _other_sample(x: Array, y: Array) -> int | None:
    """A sample that differs from the first, in x and y if there is one; None if there is none."""
    limit = min(len(x), _SEARCHED)

    def first_other(array: Array, rows: Any) -> int | None:
        for row in rows:
            if not same(array[row], array[0]):
                return int(row)
        return None

    other_y = (y[:limit] != y[0]).reshape(limit, -1).any(axis=1).nonzero()[0]
    found = first_other(x, other_y[:100])
    if found is None:
        found = first_other(x, range(1, min(limit, 100)))
    return int(other_y[0]) if found is None and len(other_y) else found


def same(one: Any, other: Any) -> bool:
    """Tell whether two arrays hold the same, NaN being the same as NaN.

    Examples
    --------
    >>> same(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    True
    """
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return False
    equal = one == other
    return bool(equal.all() or (equal | ((one != one) & (other != other))).all())


def _float_type(array: Array) -> Any:
    return array.dtype if array.dtype.kind == "f" else np.dtype(float)


def compare(found: Any, expected: Any, rounding: Callable[[], Any]) -> str:
    """Compare two routes to the same numbers.

    They agree to half the digits of their dtype, relative to the largest (exactly, in fractions):
    ``"ok"``. They do not: ``"broken"``, unless rounding could have done it: ``"undecided"``.

    Examples
    --------
    >>> compare(np.array([2.0]), np.array([1.0]), lambda: 0.0)
    'broken'
    """
    found, expected = np.atleast_1d(found), np.atleast_1d(expected)
    exact = is_exact(found) or is_exact(expected)
    gap = np.abs(found - expected)
    if exact:
        return "ok" if not gap.any() else "broken"
    half = np.sqrt(max(np.finfo(_float_type(a)).eps for a in (found, expected)))
    allowed = half * np.abs(expected).max(initial=0)
    if (gap <= allowed).all():
        return "ok"
    return "undecided" if (gap <= allowed + 1000 * rounding()).all() else "broken"
