"""What the package uses of autograd, with types. Imports nothing of the package."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

import autograd
import autograd.extend
import numpy as np
from numpy.typing import NDArray

Point = TypeVar("Point")
Function = TypeVar("Function", bound=Callable[..., Any])


def make_vjp(
    function: Callable[[Point], Any],
) -> Callable[[Point], tuple[Callable[[Any], Point], Any]]:
    """Return point ↦ (backward, value), where backward(v) is the gradient of v · function.

    Examples
    --------
    >>> backward, value = make_vjp(lambda x: x * x)(3.0)
    >>> float(value), float(backward(1.0))
    (9.0, 6.0)
    """
    at: Callable[[Point], tuple[Callable[[Any], Point], Any]] = autograd.make_vjp(function)
    return at


def ones_like(array: Any) -> NDArray[Any]:
    """Ones to start a backward pass with: fractions where the array is exact, since 1 / 2 is not.

    Examples
    --------
    >>> ones_like(np.array([Fraction(1, 3)]))
    array([Fraction(1, 1)], dtype=object)
    """
    dtype = np.asarray(array).dtype
    one = Fraction(1) if dtype.kind == "O" else 1.0
    return np.full(np.shape(array), one, dtype=dtype)


def grad(function: Callable[[Point], Any]) -> Callable[[Point], Point]:
    """Return point ↦ the gradient of a function with one number as its value.

    Examples
    --------
    >>> float(grad(lambda x: x * x)(3.0))
    6.0
    """
    at: Callable[[Point], Point] = autograd.grad(function)
    return at


def primitive(function: Function) -> Function:
    """Mark a function whose derivative `defvjp` gives, for autograd not to look inside.

    Examples
    --------
    >>> twice = primitive(lambda x: 2 * x)
    >>> defvjp(twice, lambda ans, x: lambda v: 2 * v)
    >>> float(grad(twice)(3.0))
    2.0
    """
    marked: Function = autograd.extend.primitive(function)
    return marked


def defvjp(function: Callable[..., Any], *makers: Callable[..., Any], **options: Any) -> None:
    """Give a primitive's backward passes: one maker (value, *arguments) ↦ (v ↦ gradient) each."""
    autograd.extend.defvjp(function, *makers, **options)
