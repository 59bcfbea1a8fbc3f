"""What a model and a population must offer, and what is refused.

Imports nothing of the package: every other module may import this one.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from numbers import Real
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]
Tap = Callable[[str, Any, Any], Any]
#: One array, or a mapping (of mappings) of arrays: the shape that parameters come in.
Structure = Any
#: A float; a Fraction where everything is exact, for which `Any` stands here: who computes with
#: floats can pass the number on as a float, and who computes with Fractions as a Fraction.
Number: TypeAlias = float | Any
#: An array; where a dict of arrays went in a dict of arrays, for which `Any` stands here. To a type
#: checker it goes on as an array, has parts ``["name"]``, and is a dict after ``isinstance``.
Arrays: TypeAlias = Array | Any


class InputError(ValueError):
    """An argument is not what the function can work with; the message names it."""


class RangeError(ArithmeticError):
    """A result does not fit into float64."""


class PrecisionWarning(RuntimeWarning):
    """A result has fewer digits than it should, and there is no better one."""


class CoverageWarning(RuntimeWarning):
    """The sample shows that an interval may hold the true value less often than it says."""


@runtime_checkable
class Model(Protocol):
    """A model: per-sample losses of named parameters.

    ``loss(params, x, y, tap=...)`` returns the per-sample losses, shape (n_samples,), computed
    with ``autograd.numpy``; no sample's loss may depend on another sample. Each parameter is used
    in one affine map, ``outputs = inputs @ params[name + ".weight"] + params[name + ".bias"]``,
    with inputs (n_samples, n_in) or (n_samples, n_positions, n_in), whose inputs and outputs pass
    through ``tap(name, inputs, outputs) -> outputs``; the map may be applied, and tapped, several
    times. The scale and shift of a norm, ``outputs = inputs * params[name + ".scale"] +
    params[name + ".shift"]``, pass through it in the same way. A model that has no taps works with
    ``method="loop"``.

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


def leaves_with_paths(
    structure: Structure, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the arrays of a structure with the keys that lead to them, in order.

    Examples
    --------
    >>> list(leaves_with_paths({"8": {"layer.weight": 1}}))
    [(('8', 'layer.weight'), 1)]
    """
    if not isinstance(structure, Mapping):
        yield path, structure
        return
    for key, value in structure.items():
        yield from leaves_with_paths(value, (*path, str(key)))


def named_leaves(structure: Structure) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a structure with their names, in order.

    Examples
    --------
    >>> list(named_leaves({"layer": {"weight": 1, "bias": 2}}))
    [('layer.weight', 1), ('layer.bias', 2)]
    """
    for path, leaf in leaves_with_paths(structure):
        yield ".".join(path) or "array", leaf


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


def flat_rows(samples: Structure) -> Array:
    """All numbers of each sample in one row, shape (n_samples, n_params), in order.

    Examples
    --------
    >>> flat_rows({"w": np.array([[1.0], [2.0]]), "b": np.array([3.0, 4.0])})
    array([[1., 3.],
           [2., 4.]])
    """
    return np.concatenate([np.reshape(a, (len(a), -1)) for a in leaves(samples)], axis=1)


def is_exact(array: Any) -> bool:
    """Tell whether an array holds exact numbers (dtype object: fractions.Fraction, int).

    Examples
    --------
    >>> from fractions import Fraction
    >>> is_exact(np.array([Fraction(1, 3)])), is_exact(np.array([0.5]))
    (True, False)
    """
    return bool(np.asarray(array).dtype == object)


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

    A masked array is refused even where nothing is masked: whether a call works is no matter of the
    data. Objects must be real numbers (``numbers.Real``: fractions.Fraction, int, float).

    Examples
    --------
    >>> as_array("samples", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array("samples", ["a"])
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: samples has dtype <U1; expected real numbers
    """
    refuse_masked(name, value)
    try:
        array = np.asarray(value)
        if array.dtype == object and array is not value and hasattr(value, "__dlpack__"):
            array = np.from_dlpack(value)
    except Exception as error:  # whatever a foreign array type raises
        raise InputError(f"{name} ({type(value).__name__}) cannot be read: {error}") from error
    if array.dtype.kind not in "fiubO":
        raise InputError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.dtype == object:
        for where, entry in np.ndenumerate(array):
            if not isinstance(entry, Real):
                there = f"holds {entry!r} at {where}" if where else f"is {entry!r}"
                raise InputError(f"{name} {there}; expected real numbers")
    return array


def refuse_masked(name: str, value: Any) -> None:
    """Refuse masked arrays, and lists that hold one: NumPy would read what the mask hides.

    Examples
    --------
    >>> refuse_masked("x", np.ma.array([1.0, 2.0], mask=[True, False]))
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: x is or holds a masked array; expected a plain one: leave out ...
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(
            f"{name} is or holds a masked array; expected a plain one: leave out what is masked, "
            "or fill it"
        )
    if isinstance(value, (list, tuple)):
        for entry in value:
            refuse_masked(name, entry)


def as_arrays(name: str, structure: Structure) -> Structure:
    """Read the arrays of a structure; refuse a list of arrays, which can mean two things.

    Examples
    --------
    >>> as_arrays("samples", [np.ones(2), np.ones(2)])
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: samples is a list of arrays; expected a dict of them, one for ...
    """

    def read(value: Any) -> Array:
        if _holds_arrays(value):
            raise InputError(
                f"{name} is a {type(value).__name__} of arrays; expected a dict of them, one for "
                "each parameter, or, if each belongs to one sample, one array: np.stack"
            )
        return as_array(name, value)

    return map_structure(read, structure)


def _holds_arrays(value: Any) -> bool:
    """Tell whether a list holds arrays (of any framework) or mappings, and not just numbers."""
    return isinstance(value, (list, tuple)) and any(
        isinstance(v, Mapping)
        or _holds_arrays(v)
        or getattr(v, "ndim", hasattr(v, "__array__") or hasattr(v, "__dlpack__"))
        for v in value
    )


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
    if array.dtype == object:  # no Fraction is, and an int may exceed a float
        finite = np.array([-math.inf < v < math.inf for v in array.flat], bool)
        finite = finite.reshape(array.shape)
    else:
        finite = np.isfinite(array)
    if not finite.all():
        bad = np.argwhere(~finite)
        where = tuple(int(i) for i in bad[0])
        raise InputError(
            f"{name} holds {len(bad)} NaN or infinite values, first at {where}; "
            "expected finite numbers"
        )


def check_samples(samples: Structure, least: int = 0, name: str = "samples") -> Structure:
    """Return per-sample gradients (or a batch's, by another name) as arrays, one a row.

    Examples
    --------
    >>> check_samples([[1.0], [2.0]], least=3)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: samples has 2 samples; expected 3 or more
    """
    arrays = as_arrays(name, samples)
    for leaf, array in named_leaves(arrays):
        check_finite(f"{name} ({leaf})", array)
    lengths = {a.shape[:1] for a in leaves(arrays)}
    if len(lengths) != 1 or lengths == {()}:
        shapes = {leaf: a.shape for leaf, a in named_leaves(arrays)}
        raise InputError(f"{name} have shapes {shapes}; expected (n_samples, ...) in all")
    ((n_samples,),) = lengths
    if n_samples < least:
        raise InputError(f"{name} has {n_samples} samples; expected {least} or more")
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


def check_learning_rate(learning_rate: Any) -> Number:
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
        If the model is none, x and y have no, or different numbers of, samples, hold NaN or
        infinity, or a trainable parameter is missing.
    """
    known = isinstance(model, Model) and callable(model.loss)
    if not known or isinstance(model.trainable, str) or not isinstance(model.trainable, Iterable):
        raise InputError(
            f"model is {type(model).__name__}; expected trainable, the names of parameters, and a "
            "method loss (see gsnr_ref.Model). Per-sample gradients of any other model go into "
            "GradientMoments.from_samples"
        )
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
    if not isinstance(params, Mapping):
        raise InputError(f"params is {type(params).__name__}; expected a dict of arrays")
    missing = [name for name in model.trainable if name not in params]
    if missing:
        raise InputError(f"params has {list(params)}; expected also {missing}")
    for name, value in params.items():
        refuse_masked(f"params[{name!r}]", value)
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
