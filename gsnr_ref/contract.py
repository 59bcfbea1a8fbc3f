"""What a model and a population must offer, and what is refused.

Imports nothing else of ``gsnr_ref``: every other module may import this one.
"""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]
Tap = Callable[[str, Any, Any], Any]
#: One array, or a mapping (of mappings) of arrays: the shape that parameters come in.
Structure = Any


class InputError(ValueError):
    """An argument is not what the function can work with; the message names it."""


class RangeError(ArithmeticError):
    """A result does not fit into float64."""


class PrecisionWarning(RuntimeWarning):
    """A result has fewer digits than it should, and there is no better one."""


@runtime_checkable
class Model(Protocol):
    """A model: per-sample losses of named parameters.

    ``loss(params, x, y, tap=...)`` returns the per-sample losses, shape (n_samples,), computed
    with ``autograd.numpy``; no sample's loss may depend on another sample. Each parameter is used
    in one affine map, ``outputs = inputs @ params[name + ".weight"] + params[name + ".bias"]``,
    with inputs (n_samples, n_in) or (n_samples, n_positions, n_in), whose inputs and outputs pass
    through ``tap(name, inputs, outputs) -> outputs``; the map may be applied, and tapped, several
    times. A model that has no taps works with ``method="loop"``.

    Examples
    --------
    >>> class Location:
    ...     trainable = ("mean",)
    ...     def loss(self, params, x, y, tap=None):
    ...         residual = params["mean"] - y
    ...         return residual * residual / 2
    >>> isinstance(Location(), Model)
    True
    """

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that a step moves."""
        ...

    def loss(self, params: Params, x: Any, y: Any, tap: Tap = ...) -> Any:
        """Per-sample losses, shape (n_samples,)."""
        ...


@runtime_checkable
class Population(Protocol):
    """A distribution to draw from.

    Examples
    --------
    >>> from toy_models import ProductRegression
    >>> isinstance(ProductRegression(), Population)
    True
    """

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Any, Any]:
        """(x, y) of n independent draws."""
        ...


@runtime_checkable
class FiniteSupport(Population, Protocol):
    """A population whose points and probabilities are known.

    Examples
    --------
    >>> from toy_models import FinitePopulation
    >>> isinstance(FinitePopulation(np.zeros((2, 1)), np.zeros(2)), FiniteSupport)
    True
    """

    x: Any
    y: Any
    probabilities: Any


def map_structure(function: Callable[..., Any], first: Structure, *rest: Structure) -> Structure:
    """Apply a function to corresponding arrays of structures that have the same keys.

    Examples
    --------
    >>> map_structure(lambda a, b: a + b, {"w": 1, "b": 2}, {"w": 10, "b": 20})
    {'w': 11, 'b': 22}
    """
    if not isinstance(first, Mapping) and not any(isinstance(other, Mapping) for other in rest):
        return function(first, *rest)
    for other in rest:
        both = isinstance(first, Mapping) and isinstance(other, Mapping)
        if not both or first.keys() != other.keys():
            one, two = (
                list(s) if isinstance(s, Mapping) else type(s).__name__ for s in (first, other)
            )
            raise InputError(f"structures differ: {one} against {two}")
    return {key: map_structure(function, first[key], *(r[key] for r in rest)) for key in first}


def named_leaves(structure: Structure, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a structure with their names, in order.

    Examples
    --------
    >>> list(named_leaves({"layer": {"weight": 1, "bias": 2}}))
    [('layer.weight', 1), ('layer.bias', 2)]
    """
    if not isinstance(structure, Mapping):
        yield prefix or "array", structure
        return
    for key, value in structure.items():
        yield from named_leaves(value, f"{prefix}.{key}" if prefix else str(key))


def leaves(structure: Structure) -> list[Any]:
    """Return the arrays of a structure, in order.

    Examples
    --------
    >>> leaves({"w": 1, "b": 2})
    [1, 2]
    """
    return [leaf for _, leaf in named_leaves(structure)]


def flat(structure: Structure) -> Array:
    """All numbers of a structure in one vector, shape (n_params,), in order.

    Examples
    --------
    >>> flat({"w": np.array([[1.0], [2.0]]), "b": np.array([3.0])})
    array([1., 2., 3.])
    """
    return np.concatenate([np.ravel(leaf) for leaf in leaves(structure)])


def is_exact(array: Any) -> bool:
    """Tell whether an array holds exact numbers (dtype object: fractions.Fraction, int).

    Examples
    --------
    >>> from fractions import Fraction
    >>> is_exact(np.array([Fraction(1, 3)])), is_exact(np.array([0.5]))
    (True, False)
    """
    return bool(np.asarray(array).dtype == object)


def ones_like(array: Any) -> Array:
    """Ones to start a backward pass with: fractions where the array is exact, since 1 / 2 is not.

    Examples
    --------
    >>> ones_like(np.array([Fraction(1, 3)]))
    array([Fraction(1, 1)], dtype=object)
    """
    one = Fraction(1) if is_exact(array) else 1.0
    return np.full(np.shape(array), one, dtype=np.asarray(array).dtype)


def numbers_like(array: Any, values: Any) -> Array:
    """Values as fractions where the array is exact, else as floats.

    A float stands for its exact value.

    Examples
    --------
    >>> from fractions import Fraction
    >>> numbers_like(np.array([Fraction(1, 3)]), [0.5])
    array([Fraction(1, 2)], dtype=object)
    """
    if not is_exact(array):
        return np.asarray(values, dtype=float)
    return np.asarray(np.vectorize(Fraction, otypes=[object])(values))


def as_array(name: str, value: Any) -> Array:
    """Read anything that NumPy or DLPack can read; say what is wrong where neither can.

    Examples
    --------
    >>> as_array("samples", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array("samples", ["a"])
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: samples has dtype <U1; expected real numbers
    """
    try:
        array = np.asarray(value)
        if array.dtype == object and array is not value and hasattr(value, "__dlpack__"):
            array = np.from_dlpack(value)
    except Exception as error:  # whatever a foreign array type raises
        raise InputError(f"{name} ({type(value).__name__}) cannot be read: {error}") from error
    if array.dtype.kind not in "fiubO":
        raise InputError(f"{name} has dtype {array.dtype}; expected real numbers")
    return array


def check_finite(name: str, array: Any) -> None:
    """Refuse NaN and infinity.

    Examples
    --------
    >>> check_finite("x", np.array([1.0, np.nan]))
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: x holds 1 NaN or infinite values, first at (1,); expected ...
    """
    array = np.asarray(array)
    if array.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            where = tuple(int(i) for i in bad[0])
            raise InputError(
                f"{name} holds {len(bad)} NaN or infinite values, first at {where}; "
                "expected finite numbers"
            )


def check_samples(samples: Structure, least: int = 0) -> Structure:
    """Return per-sample gradients as arrays, one row a sample, after checking them.

    Examples
    --------
    >>> check_samples([[1.0], [2.0]], least=3)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: samples has 2 samples; expected 3 or more
    """
    arrays = map_structure(lambda value: as_array("samples", value), samples)
    for name, array in named_leaves(arrays):
        check_finite(f"samples ({name})", array)
    lengths = {a.shape[:1] for a in leaves(arrays)}
    if len(lengths) != 1 or lengths == {()}:
        shapes = {name: a.shape for name, a in named_leaves(arrays)}
        raise InputError(f"samples have shapes {shapes}; expected (n_samples, ...) in all")
    ((n_samples,),) = lengths
    if n_samples < least:
        raise InputError(f"samples has {n_samples} samples; expected {least} or more")
    return arrays


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Return a whole number of at least `minimum`, or say what was there instead.

    Examples
    --------
    >>> check_count("n", 0)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: n is 0; expected a whole number, 1 or more
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < minimum:
        raise InputError(f"{name} is {value!r}; expected a whole number, {minimum} or more")
    return int(value)


def check_learning_rate(learning_rate: Any) -> Any:
    """Return a positive finite number, or say what was there instead.

    Examples
    --------
    >>> check_learning_rate(0.0)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: learning_rate is 0.0; expected a positive finite number
    """
    try:
        valid = bool(learning_rate > 0) and learning_rate < float("inf")
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise InputError(f"learning_rate is {learning_rate!r}; expected a positive finite number")
    return learning_rate


def check_batch(
    model: Model, params: Params, x: Any, y: Any, finite: bool = True
) -> tuple[Array, Array]:
    """Return x and y as arrays with one entry a sample, after checking what is cheap to check.

    Raises
    ------
    InputError
        If x and y have no, or different numbers of, samples, hold NaN or infinity, or a trainable
        parameter is missing.
    """
    x, y = as_array("x", x), as_array("y", y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise InputError(
            f"x has shape {x.shape} and y {y.shape}; expected the same number of samples in both"
        )
    if len(x) == 0:
        raise InputError(f"x has shape {x.shape}; expected at least one sample")
    if finite:
        check_finite("x", x)
        check_finite("y", y)
    missing = [name for name in model.trainable if name not in params]
    if missing:
        raise InputError(f"params has {list(params)}; expected also {missing}")
    return x, y


def explain_not_finite(params: Params, x: Any, y: Any) -> None:
    """Raise the error that says why a computation on these inputs is not finite.

    Checking afterwards costs nothing where all is well: NaN and infinity reach the result.
    """
    check_finite("x", x)
    check_finite("y", y)
    for name, value in params.items():
        check_finite(f"params[{name!r}]", value)
    raise RangeError(
        "the loss or its gradients leave the range of float64 although all inputs are finite; "
        "rescale the data or the loss (GSNR and OSGR do not change with the scale of the loss)"
    )


def is_finite_population(population: Population) -> TypeGuard[FiniteSupport]:
    """Tell whether a population's points and probabilities are known.

    Examples
    --------
    >>> from toy_models import ProductRegression
    >>> is_finite_population(ProductRegression())
    False
    """
    return isinstance(population, FiniteSupport)
