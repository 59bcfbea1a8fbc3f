"""Moments that can be merged: of gradients that any framework has computed.

Imports ``contract``, ``moments/checks`` and ``moments/sums``: only arrays are seen.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, overload

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Number,
    RangeError,
    Structure,
    as_array,
    as_arrays,
    check_count,
    check_samples,
    is_exact,
    leaves,
    map_structure,
)
from gsnr_ref.moments.checks import (
    are_counts,
    check_range,
    check_same_shape,
    checked_sums,
    checked_total,
    checked_weights,
    total_weight,
    weights_like,
)
from gsnr_ref.moments.sums import Sums, block_sums, empty_sums, two_pass_sums

if TYPE_CHECKING:  # typing's own TypeVar takes a default from Python 3.13 on
    from typing_extensions import TypeVar

    S = TypeVar("S", default=Any)
else:
    from typing import TypeVar

    S = TypeVar("S")


def _read_only(array: Array) -> Array:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


class GradientMoments(Generic[S]):
    """Count, mean and sum of squared deviations of per-sample gradients.

    Parameters
    ----------
    count : int, float or Fraction
        Number of samples, or the sum of their weights. Where it is not whole, they are those of a
        population, which has no variance with ``ddof=1``.
    mean : ndarray, or dict of ndarray
        Mean gradient g̃ or g_D, elementwise; structure and shapes of the parameters.
    m2 : same structure
        Sum of squared deviations from the mean, elementwise.

    Raises
    ------
    InputError
        If the count is none, shapes differ, a value is NaN or infinite, or an m2 is below 0.

    Notes
    -----
    Mean and m2 are copies, float64 whatever the dtype of the gradients (exact numbers stay exact).
    A hidden second word holds what rounding takes from each, so that merging many small pieces in
    any order gives the digits of one pass.

    Examples
    --------
    >>> moments = GradientMoments.from_samples(np.array([[1.0, 2.0], [3.0, 2.0]]))
    >>> moments.count, moments.mean, moments.m2
    (2, array([2., 2.]), array([2., 0.]))
    """

    def __init__(self, count: Number, mean: S, m2: S) -> None:
        self.count = checked_total(count)
        self._is_population = self.count % 1 != 0
        self._sums: Structure = map_structure(
            checked_sums, as_arrays("mean", mean), as_arrays("m2", m2)
        )

    @classmethod
    def _raw(cls, count: Number, sums: Structure, is_population: bool) -> "GradientMoments[S]":
        moments = cls.__new__(cls)
        moments.count, moments._sums, moments._is_population = count, sums, is_population
        return moments

    @classmethod
    def of_sums(
        cls, count: Number, sums: Structure, is_population: bool = False
    ) -> "GradientMoments[S]":
        """Wrap sums; say so where squares have left the range of float64."""
        check_range(count, sums)
        return cls._raw(count, sums, is_population)

    @classmethod
    def of_population(cls, mean: S, variance: S) -> "GradientMoments[S]":
        """Moments of a whole population, of count 1, whatever they are merged with."""
        moments = cls(1, mean, variance)
        moments._is_population = True
        return moments

    @property
    def mean(self) -> S:
        """Mean gradient, elementwise; read-only."""
        mean: S = map_structure(lambda s: _read_only(s.mean), self._sums)
        return mean

    @property
    def m2(self) -> S:
        """Sum of squared deviations from the mean, elementwise; read-only."""
        m2: S = map_structure(lambda s: _read_only(s.m2), self._sums)
        return m2

    def __repr__(self) -> str:
        shapes = map_structure(lambda s: s.mean.shape, self._sums)
        return f"GradientMoments(count={self.count}, shapes={shapes})"

    @overload
    @classmethod
    def from_samples(
        cls, samples: Mapping[str, Any], weights: Any = None
    ) -> "GradientMoments[dict[str, Any]]": ...

    @overload
    @classmethod
    def from_samples(cls, samples: Any, weights: Any = None) -> "GradientMoments[Array]": ...

    @classmethod
    def from_samples(cls, samples: Structure, weights: Any = None) -> "GradientMoments[Any]":
        """Moments of per-sample gradients that any framework has computed.

        Parameters
        ----------
        samples : array_like, shape (n_samples, ...), or any nesting of mappings of these
            Anything that ``numpy.asarray`` or DLPack can read. Row i is the gradient of sample i's
            own loss: not divided by a batch size, not summed over samples. No rows make an empty
            piece, to be merged.
        weights : array_like, shape (n_samples,), optional
            Not negative, of any real dtype. Whole numbers count repeated samples. Where one is not
            whole, all are the probabilities, or relative weights, of a population: it has a
            variance, and no unbiased estimate of one (``ddof=1``).

        Returns
        -------
        GradientMoments

        Raises
        ------
        InputError
            If shapes do not fit, a value is NaN or infinite, or a list of arrays stands where it
            could mean parameters or samples.
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
        is_population = not are_counts(weights)
        if weights is None:
            count: Number = n_samples
        else:
            count = total_weight(weights, exact=any(map(is_exact, leaves(arrays))))
        if count == 0:
            return cls.of_sums(0, map_structure(lambda a: empty_sums(a.shape[1:], a.dtype), arrays))
        with np.errstate(all="ignore"):
            sums = map_structure(lambda a: block_sums(a, weights_like(a, weights)), arrays)
            return cls.of_sums(count, sums, is_population)

    @overload
    @classmethod
    def from_batch_means(
        cls, means: Mapping[str, Any], batch_size: Any
    ) -> "GradientMoments[dict[str, Any]]": ...

    @overload
    @classmethod
    def from_batch_means(cls, means: Any, batch_size: Any) -> "GradientMoments[Array]": ...

    @classmethod
    def from_batch_means(cls, means: Structure, batch_size: Any) -> "GradientMoments[Any]":
        """Moments of per-sample gradients of which only means over batches are known.

        So with gradient accumulation and data-parallel training: the gradients of the micro-batches
        or of the workers, before they are added up. For B batches of b_k samples, with N = Σb_k,
        ḡ = Σ b_k m_k/N and S = Σ b_k(m_k − ḡ)², E S = (B − 1)ρ² whatever the sizes: S/(B − 1) is an
        unbiased estimate of the variance of a *sample*. For equal sizes it is b times the variance
        of the means.

        Parameters
        ----------
        means : array_like, shape (n_batches, ...), or any nesting of mappings of these
            Row k is the gradient of the *mean* loss of batch k, all at the same parameters. Two
            batches or more, of independent samples, or of samples shuffled before they were cut
            into batches.
        batch_size : int, or array_like of int, shape (n_batches,)
            b_k: samples that a row is the mean over.

        Returns
        -------
        GradientMoments
            Its count is N, the number of samples, and its m2 is S(N − 1)/(B − 1), an unbiased
            estimate of the samples' own. So whatever is linear in ‖ḡ‖² and the variance keeps its
            meaning: ``variance(ddof=1)`` is unbiased, ‖ḡ‖² − tr ρ²/N is (the numerator of
            `debiased_osgr`), and both are after a `merge`, with moments of samples too.
            ``ddof=0`` estimates the variance of these N samples themselves: unbiased over the ways
            to cut them into batches at random.

        Raises
        ------
        InputError
            If shapes or sizes do not fit, there are fewer than 2 batches, or a value is NaN or
            infinite.
        RangeError
            If the squares leave the range of float64.

        Notes
        -----
        The variance has B − 1 degrees of freedom, not N − 1: its relative standard error is about
        √(2/(B − 1)). So what counts degrees of freedom (`debiased_gsnr`, and every interval) must
        not be given the result. Where sizes are equal, give it ``from_samples(means)``, and divide
        the GSNR by b: a mean of b samples has b times the GSNR of one.

        Examples
        --------
        >>> moments = GradientMoments.from_batch_means([[1.0], [4.0], [1.0]], batch_size=10)
        >>> moments.count, moments.mean, moments.variance(ddof=1)  # 10 times the means' 3
        (30, array([2.]), array([30.]))
        """
        arrays = check_samples(means, name="means")
        n_batches = len(leaves(arrays)[0])
        if n_batches < 2:
            raise InputError(f"means has {n_batches} batches; expected 2 or more")
        sizes = as_array("batch_size", batch_size)
        if sizes.shape not in ((), (n_batches,)):
            raise InputError(f"batch_size has shape {sizes.shape}; expected () or ({n_batches},)")
        sizes = np.broadcast_to(sizes, n_batches)
        n_samples = sum(check_count("batch_size", size) for size in sizes.flat)
        factor = Fraction(n_samples - 1, n_batches - 1)

        def of_samples(between: Sums) -> Sums:
            scale = factor if is_exact(between.m2) else float(factor)
            return between._replace(m2=between.m2 * scale)

        with np.errstate(all="ignore"):
            sums = map_structure(lambda a: of_samples(two_pass_sums(a, sizes)), arrays)
        return cls.of_sums(n_samples, sums)

    def merge(self, other: "GradientMoments[S]") -> "GradientMoments[S]":
        """Moments of both sets of samples together. Either may be empty.

        Many pieces, in any order: ``functools.reduce(GradientMoments.merge, pieces)``.

        Raises
        ------
        InputError
            If the two differ in structure or shape.

        Examples
        --------
        >>> one = GradientMoments.from_samples([[1.0]])
        >>> one.merge(GradientMoments.from_samples([[3.0]])).m2
        array([2.])
        >>> from functools import reduce
        >>> pieces = [GradientMoments.from_samples([[g]]) for g in (1.0, 3.0, 5.0)]
        >>> reduce(GradientMoments.merge, pieces).m2
        array([8.])
        """
        map_structure(check_same_shape, self._sums, other._sums)
        if other.count == 0:
            return self
        if self.count == 0:
            return other
        with np.errstate(all="ignore"):
            merged = map_structure(
                lambda a, b: a.merge(self.count, b, other.count), self._sums, other._sums
            )
        is_population = self._is_population or other._is_population
        return GradientMoments.of_sums(self.count + other.count, merged, is_population)

    def select(self, names: Iterable[str]) -> "GradientMoments[S]":
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
        sums = {name: self._sums[name] for name in names}
        return GradientMoments._raw(self.count, sums, self._is_population)

    def variance(self, ddof: int = 0) -> S:
        """Variance of the per-sample gradient, elementwise: ρ² = m2 / (count − ddof).

        Parameters
        ----------
        ddof : int
            0 where the samples are the whole population (ρ² of equation 1); 1 where they are a
            sample from it and an unbiased estimate is wanted.

        Raises
        ------
        InputError
            If `ddof` is no whole number, 0 or more, there are not more than `ddof` samples, or
            `ddof` is not 0 and a weight is not whole: probabilities make a population.

        Examples
        --------
        >>> GradientMoments.from_samples([1.0, 3.0]).variance(ddof=1)
        array(2.)
        """
        ddof = check_count("ddof", ddof, 0)
        if ddof and self._is_population:
            raise InputError(
                f"ddof is {ddof} and the weights are not whole numbers: they are probabilities, "
                "not counts of samples; expected ddof=0, the variance of the population"
            )
        if not self.count > ddof:
            raise InputError(f"ddof is {ddof} and count {self.count}; expected more samples")
        n = self.count - ddof
        with np.errstate(all="ignore"):
            variance: S = map_structure(lambda s: np.asarray(s.m2 / n), self._sums)
        return variance

    def signal_and_noise(self, ddof: int = 0) -> tuple[Number, Number]:
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
        with np.errstate(all="ignore"):
            signal: Any = sum((mean * mean).sum() for mean in means)
            noise: Any = sum(variance.sum() for variance in leaves(self.variance(ddof)))
        if signal == 0 and any(mean.any() for mean in means):
            raise RangeError("the squares of all mean gradients underflow; rescale the loss")
        exact = any(is_exact(mean) for mean in means)
        return (signal, noise) if exact else (float(signal), float(noise))
