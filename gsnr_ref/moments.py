"""Mean and variance of per-sample gradients: streaming, mergeable, without keeping them.

Imports ``contract``, ``sums`` and ``gradients``. Above this module only arrays are seen.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Model,
    Params,
    PrecisionWarning,
    RangeError,
    Structure,
    as_array,
    check_batch,
    check_count,
    check_finite,
    explain_not_finite,
    is_exact,
    leaves,
    map_structure,
    named_leaves,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.gradients.tapped import tapped_layers
from gsnr_ref.sums import Sums, empty_sums, product_sums, two_pass_sums

#: A sum of squared deviations below this, per sample, may have lost its tenth digit to underflow.
_PRECISE_FROM = 1e10 * np.finfo(np.float64).smallest_subnormal


class GradientMoments:
    """Count, mean and sum of squared deviations of per-sample gradients.

    Parameters
    ----------
    count : int, float or Fraction
        Number of samples, or the sum of their weights.
    mean : ndarray, or dict of ndarray
        Mean gradient g̃ or g_D, elementwise; structure and shapes of the parameters.
    m2 : same structure
        Sum of squared deviations from the mean, elementwise.

    Notes
    -----
    Mean and m2 are float64 whatever the dtype of the gradients (exact numbers stay exact). A hidden
    second word holds what rounding takes from each, so that merging many small pieces in any order
    gives the digits of one pass.

    Examples
    --------
    >>> moments = GradientMoments.from_samples(np.array([[1.0, 2.0], [3.0, 2.0]]))
    >>> moments.count, moments.mean, moments.m2
    (2, array([2., 2.]), array([2., 0.]))
    """

    def __init__(self, count: Any, mean: Structure, m2: Structure) -> None:
        if not count >= 0:
            raise InputError(f"count is {count!r}; expected 0 or more")
        self.count = count
        self._sums = map_structure(_checked_sums, mean, m2)

    @classmethod
    def _of(cls, count: Any, sums: Structure) -> "GradientMoments":
        """Wrap sums; say so where squares have left the range of float64."""
        moments = cls.__new__(cls)
        moments.count, moments._sums = count, sums
        for name, s in named_leaves(sums):
            if is_exact(s.m2):
                continue
            if not np.isfinite(s.m2).all():
                raise RangeError(
                    f"the squared gradients of {name!r} exceed float64; rescale the loss "
                    "(GSNR and OSGR do not change with the scale of the loss)"
                )
            if n_lost := int(np.count_nonzero((s.m2 > 0) & (s.m2 < max(1, count) * _PRECISE_FROM))):
                warnings.warn(
                    f"squared deviations of {n_lost} gradients of {name!r} underflow float64, and "
                    "their variance and GSNR have lost digits; rescale the loss "
                    "(GSNR and OSGR do not change with the scale of the loss)",
                    PrecisionWarning,
                    stacklevel=3,
                )
        return moments

    @property
    def mean(self) -> Structure:
        """Mean gradient, elementwise."""
        return map_structure(lambda s: s.mean, self._sums)

    @property
    def m2(self) -> Structure:
        """Sum of squared deviations from the mean, elementwise."""
        return map_structure(lambda s: s.m2, self._sums)

    def __repr__(self) -> str:
        shapes = map_structure(lambda s: s.mean.shape, self._sums)
        return f"GradientMoments(count={self.count}, shapes={shapes})"

    @classmethod
    def from_samples(cls, samples: Structure, weights: Any = None) -> "GradientMoments":
        """Moments of per-sample gradients that any framework has computed.

        Parameters
        ----------
        samples : array_like, shape (n_samples, ...), or dict of these
            Anything that ``numpy.asarray`` or DLPack can read. Row i is the gradient of sample i's
            own loss: not divided by a batch size, not summed over samples. No rows make an empty
            piece, to be merged.
        weights : array_like, shape (n_samples,), optional
            Not negative. Counts of repeated samples, or the probabilities of a population.

        Returns
        -------
        GradientMoments

        Raises
        ------
        InputError
            If shapes do not fit, or a value is NaN or infinite.
        RangeError
            If the squares leave the range of float64.

        Examples
        --------
        >>> moments = GradientMoments.from_samples([[1.0], [4.0]], weights=[2, 1])
        >>> moments.count, moments.mean, moments.variance()
        (3, array([2.]), array([2.]))
        """
        arrays = map_structure(lambda value: value, samples)
        for name, value in named_leaves(samples):
            check_finite(f"samples ({name})", as_array("samples", value))
        arrays = map_structure(lambda value: as_array("samples", value), arrays)
        lengths = {a.shape[:1] for a in leaves(arrays)}
        if len(lengths) != 1 or lengths == {()}:
            shapes = {name: a.shape for name, a in named_leaves(arrays)}
            raise InputError(f"samples have shapes {shapes}; expected (n_samples, ...) in all")
        ((n_samples,),) = lengths
        weights = _checked_weights(weights, n_samples)
        if weights is None:
            count: Any = n_samples
        else:
            used = weights > 0
            count, weights = _total(weights), weights[used]
            arrays = map_structure(lambda a: a[used], arrays)
        if count == 0:
            return cls._of(0, map_structure(_empty_like, arrays))
        with np.errstate(over="ignore", invalid="ignore"):
            return cls._of(count, map_structure(lambda a: two_pass_sums(a, weights), arrays))

    def merge(self, other: "GradientMoments") -> "GradientMoments":
        """Moments of both sets of samples together. Either may be empty.

        Raises
        ------
        InputError
            If the two differ in structure or shape.

        Examples
        --------
        >>> one = GradientMoments.from_samples([[1.0]])
        >>> one.merge(GradientMoments.from_samples([[3.0]])).m2
        array([2.])
        """
        map_structure(_check_same_shape, self._sums, other._sums)
        if other.count == 0:
            return self
        if self.count == 0:
            return other
        with np.errstate(over="ignore", invalid="ignore"):
            merged = map_structure(
                lambda a, b: a.merge(self.count, b, other.count), self._sums, other._sums
            )
        return GradientMoments._of(self.count + other.count, merged)

    def variance(self, ddof: int = 0) -> Structure:
        """Variance of the per-sample gradient, elementwise: ρ² = m2 / (count − ddof).

        Parameters
        ----------
        ddof : int
            0 where the samples are the whole population (ρ² of equation 1); 1 where they are a
            sample from it and an unbiased estimate is wanted.

        Raises
        ------
        InputError
            If there are not more than `ddof` samples. Weights that are probabilities count as one
            sample: use ``ddof=0``.

        Examples
        --------
        >>> GradientMoments.from_samples([1.0, 3.0]).variance(ddof=1)
        array(2.)
        """
        if not self.count > ddof:
            raise InputError(f"ddof is {ddof} and count {self.count}; expected more samples")
        return map_structure(lambda s: np.asarray(s.m2 / (self.count - ddof)), self._sums)


def _checked_sums(mean: Any, m2: Any) -> Sums:
    mean, m2 = as_array("mean", mean), as_array("m2", m2)
    if mean.shape != m2.shape or not (m2 >= 0).all():
        raise InputError(
            f"mean has shape {mean.shape} and m2 {m2.shape}; expected the same shape, "
            "and no m2 below 0"
        )
    zeros = np.zeros_like(m2)
    return Sums(mean, zeros, m2, zeros)


def _checked_weights(weights: Any, n_samples: int) -> Array | None:
    if weights is None:
        return None
    array = as_array("weights", weights)
    if array.shape != (n_samples,):
        raise InputError(f"weights has shape {array.shape}; expected ({n_samples},)")
    check_finite("weights", array)
    if not (array >= 0).all():
        raise InputError(f"weights has minimum {array.min()}; expected none below 0")
    return array


def _total(weights: Array) -> Any:
    total = weights.sum()
    return total.item() if isinstance(total, np.generic) else total


def _empty_like(array: Array) -> Sums:
    return empty_sums(array.shape[1:], object if is_exact(array) else np.float64)


def _check_same_shape(one: Sums, other: Sums) -> None:
    if one.mean.shape != other.mean.shape:
        raise InputError(f"shapes differ: {one.mean.shape} against {other.mean.shape}")


def gradient_moments(
    model: Model,
    params: Params,
    x: Any,
    y: Any = None,
    weights: Any = None,
    chunk_size: int = 10_000,
    method: str = "tapped",
) -> GradientMoments:
    """Mean and variance of the per-sample gradient, without keeping per-sample gradients.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray
    x : array_like, shape (n_samples, ...), or iterable of (x, y) batches
        An iterable is read once, batch by batch, and may be longer than memory; leave `y` out.
    y : array_like, shape (n_samples, ...)
    weights : array_like, shape (n_samples,), optional
        Not negative. Counts of repeated samples, or the probabilities of a finite population.
    chunk_size : int
        Samples taken at a time. Sets the memory and the speed, not the result.
    method : {"tapped", "loop"}
        As in `per_sample_gradients`. ``"loop"`` is for models without taps.

    Returns
    -------
    GradientMoments
        Over ``model.trainable``: g̃ and ρ² of equation 1 if the samples are the population, or
        their estimates if they are a sample from it.

    Raises
    ------
    InputError
        If an input has no samples, does not fit, or holds NaN or infinity.
    RangeError
        If a gradient or its square leaves the range of float64.

    Warns
    -----
    PrecisionWarning
        If squared deviations underflow (gradients below about 1e-150).

    Notes
    -----
    A layer's gradients are products of its inputs and deltas, so their sums and sums of squares are
    two matrix products. Their rounding error is bounded, and where the bound exceeds 1e-10 of the
    variance (large GSNR) the products are formed and taken through two passes. The gradients are
    computed in the dtype of the inputs and accumulated in float64.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model = LinearRegression(1, bias=False)
    >>> params = {"linear.weight": np.array([[2.0]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.array([1.0, 1.0])
    >>> moments = gradient_moments(model, params, x, y)  # gradients 1 and 15
    >>> moments.mean["linear.weight"], moments.variance()["linear.weight"]
    (array([[8.]]), array([[49.]]))
    >>> gradient_moments(model, params, [(x[:1], y[:1]), (x[1:], y[1:])]).count
    2
    """
    chunk_size = check_count("chunk_size", chunk_size)
    total: GradientMoments | None = None
    for chunk_x, chunk_y, chunk_weights in _chunks(model, params, x, y, weights, chunk_size):
        if method == "tapped":
            piece = _tapped_moments(model, params, chunk_x, chunk_y, chunk_weights)
        else:
            gradients = per_sample_gradients(model, params, chunk_x, chunk_y, method)
            piece = GradientMoments.from_samples(gradients, chunk_weights)
        total = piece if total is None else total.merge(piece)
    if total is None or total.count == 0:
        raise InputError("x holds no sample (of positive weight); expected at least one")
    return total


def _chunks(
    model: Model, params: Params, x: Any, y: Any, weights: Any, chunk_size: int
) -> Iterator[tuple[Array, Array, Array | None]]:
    if y is not None:
        batches: Iterable[Any] = [(x, y)]
    elif not isinstance(x, Iterable) or isinstance(x, np.ndarray):
        raise InputError(f"y is left out and x is {type(x).__name__}; expected (x, y) batches")
    elif weights is not None:
        raise InputError("weights is given with an iterable of batches; expected x and y arrays")
    else:
        batches = x
    for batch in batches:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise InputError(f"a batch is {type(batch).__name__}; expected a pair (x, y)")
        batch_x, batch_y = (as_array(name, value) for name, value in zip("xy", batch, strict=True))
        if y is None and batch_x.shape[:1] == batch_y.shape[:1] == (0,):
            continue
        checked = _checked_weights(weights, len(batch_x))
        for start in range(0, max(1, len(batch_x)), chunk_size):
            rows = slice(start, start + chunk_size)
            chunk = check_batch(model, params, batch_x[rows], batch_y[rows], finite=False)
            yield (*chunk, None if checked is None else checked[rows])


def _tapped_moments(
    model: Model, params: Params, x: Array, y: Array, weights: Array | None
) -> GradientMoments:
    count: Any = len(x)
    if weights is not None:
        used = weights > 0
        x, y, weights = x[used], y[used], weights[used]
        count = _total(weights)
        if count == 0:
            return GradientMoments._of(0, {p: empty_sums(params[p].shape) for p in model.trainable})
    with np.errstate(over="ignore", invalid="ignore"):
        sums: dict[str, Sums] = {}
        for name, layer in tapped_layers(model, params, x, y).items():
            wanted = [p for p in (f"{name}.weight", f"{name}.bias") if p in model.trainable]
            if not wanted:
                check_finite(f"inputs of {name!r}", layer.inputs)
            elif layer.inputs.shape[1] > 1 or is_exact(layer.deltas):
                sums |= {p: two_pass_sums(layer.gradients(p), weights) for p in wanted}
            else:
                both = product_sums(layer.inputs[:, 0], layer.deltas[:, 0], weights)
                sums |= {
                    p: s
                    for p, s in zip((f"{name}.weight", f"{name}.bias"), both, strict=True)
                    if p in wanted
                }
    for s in sums.values():
        if not is_exact(s.mean) and not np.isfinite(s.mean).all():
            explain_not_finite(params, x, y)
    return GradientMoments._of(count, {p: sums[p] for p in model.trainable})
