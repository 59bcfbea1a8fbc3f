"""Moments that can be merged: of gradients that any framework has computed.

Imports ``contract`` and ``moments/sums``: only arrays are seen.
"""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    PrecisionWarning,
    RangeError,
    Structure,
    as_array,
    check_finite,
    check_samples,
    is_exact,
    leaves,
    map_structure,
    named_leaves,
)
from gsnr_ref.moments.sums import Sums, empty_sums, two_pass_sums

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
    def _raw(cls, count: Any, sums: Structure) -> "GradientMoments":
        moments = cls.__new__(cls)
        moments.count, moments._sums = count, sums
        return moments

    @classmethod
    def of_sums(cls, count: Any, sums: Structure) -> "GradientMoments":
        """Wrap sums; say so where squares have left the range of float64."""
        moments = cls._raw(count, sums)
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
        arrays = check_samples(samples)
        n_samples = len(leaves(arrays)[0])
        weights = checked_weights(weights, n_samples)
        if weights is None:
            count: Any = n_samples
        else:
            used = weights > 0
            count, weights = total_weight(weights), weights[used]
            arrays = map_structure(lambda a: a[used], arrays)
        if count == 0:
            return cls.of_sums(0, map_structure(_empty_like, arrays))
        with np.errstate(over="ignore", invalid="ignore"):
            return cls.of_sums(count, map_structure(lambda a: two_pass_sums(a, weights), arrays))

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
        return GradientMoments.of_sums(self.count + other.count, merged)

    def select(self, names: Iterable[str]) -> "GradientMoments":
        """Moments of some of the parameters: of a layer, say.

        Parameters
        ----------
        names : iterable of str
            Keys of the outermost mapping.

        Raises
        ------
        InputError
            If the moments are of one array, or have no such names.

        Examples
        --------
        >>> g = {"a.weight": [[1.0], [3.0]], "b.weight": [[2.0], [2.0]]}
        >>> GradientMoments.from_samples(g).select(["a.weight"]).mean
        {'a.weight': array([2.])}
        """
        names = list(names)
        known = list(self._sums) if isinstance(self._sums, Mapping) else []
        if not names or not set(names) <= set(known):
            raise InputError(f"names is {names}; expected some of {known}")
        return GradientMoments._raw(self.count, {name: self._sums[name] for name in names})

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

    def signal_and_noise(self, ddof: int = 0) -> tuple[Any, Any]:
        """‖g̃‖² and tr Σ: the squared mean gradient and the variance, summed over parameters.

        Raises
        ------
        InputError
            If there are not more than `ddof` samples.
        RangeError
            If the squares of all mean gradients underflow.

        Examples
        --------
        >>> GradientMoments.from_samples([[1.0, 2.0], [3.0, 2.0]]).signal_and_noise()
        (8.0, 1.0)
        """
        means = leaves(self.mean)
        signal: Any = sum((mean * mean).sum() for mean in means)
        noise: Any = sum(variance.sum() for variance in leaves(self.variance(ddof)))
        if signal == 0 and any(mean.any() for mean in means):
            raise RangeError("the squares of all mean gradients underflow; rescale the loss")
        exact = any(is_exact(mean) for mean in means)
        return (signal, noise) if exact else (float(signal), float(noise))


def _checked_sums(mean: Any, m2: Any) -> Sums:
    mean, m2 = as_array("mean", mean), as_array("m2", m2)
    if mean.shape != m2.shape or not (m2 >= 0).all():
        raise InputError(
            f"mean has shape {mean.shape} and m2 {m2.shape}; expected the same shape, "
            "and no m2 below 0"
        )
    zeros = np.zeros_like(m2)
    return Sums(mean, zeros, m2, zeros)


def checked_weights(weights: Any, n_samples: int) -> Array | None:
    if weights is None:
        return None
    array = as_array("weights", weights)
    if array.shape != (n_samples,):
        raise InputError(f"weights has shape {array.shape}; expected ({n_samples},)")
    check_finite("weights", array)
    if not (array >= 0).all():
        raise InputError(f"weights has minimum {array.min()}; expected none below 0")
    return array


def total_weight(weights: Array) -> Any:
    total = weights.sum()
    return total.item() if isinstance(total, np.generic) else total


def _empty_like(array: Array) -> Sums:
    return empty_sums(array.shape[1:], object if is_exact(array) else np.float64)


def _check_same_shape(one: Sums, other: Sums) -> None:
    if one.mean.shape != other.mean.shape:
        raise InputError(f"shapes differ: {one.mean.shape} against {other.mean.shape}")
