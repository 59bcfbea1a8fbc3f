"""OSGR at parameters that have seen the training set, from moments: 4.1, 4.2 and 4.6.

Imports ``contract``, ``moments``, ``osgr/ratio`` and ``student``.

The derivation of equation 22 takes g_D and g_D′ for equal in distribution. Where θ has been trained
on D they are not, and one more number, the reuse factor κ, makes the identity hold again:

    R_h = 1 − κ(1 − R̂),    R_h = E g_D·g_D′ / E‖g_D‖²,    R̂ = 1 − (E tr S/n) / E‖g_D‖²

with S the sample variances (ddof 1) over D. Each expectation is taken over pairs of sets, before
any ratio; with one pair it is that pair's number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    check_count,
    check_learning_rate,
    flat,
    map_structure,
)
from gsnr_ref.moments import GradientMoments
from gsnr_ref.osgr.ratio import jackknifed_ratio
from gsnr_ref.student import student_interval

#: Moments of one set, or of several.
Sets = GradientMoments | Sequence[GradientMoments]


@dataclass(frozen=True)
class SetRatio:
    """A ratio of two expectations over pairs of sets, with its standard error.

    Attributes
    ----------
    value : float, or Fraction where the moments are exact
        ``inf`` or ``nan`` where the denominator is 0.
    standard_error : float
        By the jackknife over the pairs: ``nan`` for one pair, 0 for pairs with given chances.
    n_pairs : int
        M.

    Examples
    --------
    >>> SetRatio(0.5, 0.1, n_pairs=10).value
    0.5
    """

    value: Any
    standard_error: float
    n_pairs: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Confidence interval over M independent pairs: Student's t with M − 1 degrees of freedom.

        ``nan`` for one pair, the value twice for pairs with given chances. Measured coverage of κ
        at 95 %, for M from 5 to 100: 90 to 96 %. The docs have the table.

        Raises
        ------
        InputError
            If `confidence` is none.

        Examples
        --------
        >>> [round(end, 2) for end in SetRatio(0.5, 0.1, n_pairs=3).interval()]  # 0.5 ± 4.30·0.1
        [0.07, 0.93]
        """
        return student_interval(self.value, self.standard_error, self.n_pairs, confidence)


@np.errstate(all="ignore")
def held_out_osgr(training: Sets, test: Sets, chances: Sequence[Any] | None = None) -> SetRatio:
    """OSGR at a small learning rate, whatever θ knows of D: R_h = E g_D·g_D′ / E‖g_D‖² (4.1).

    Parameters
    ----------
    training : GradientMoments, or a sequence of M of these
        Of the training set D of each pair, at the parameters that were trained on it.
    test : GradientMoments, or a sequence of M of these
        Of a set D′ that those parameters have not seen, or of the population; each at the same
        parameters as its training set. Only the mean is used.
    chances : sequence of M numbers, optional
        Probability of each pair, where the pairs are all that there are and not M draws.

    Returns
    -------
    SetRatio
        At most about 1 where θ is independent of D; later it may take any value.

    Raises
    ------
    InputError
        If the sequences are empty, of different lengths, or of different structures.

    Notes
    -----
    A step on D lowers the loss of D by λ‖g_D‖² + O(λ²) and that of D′ by λ g_D·g_D′ + O(λ²).
    With n′ = 1 for each of n pairs (D without a sample, that sample) and one θ it is
    `debiased_osgr` with n − 1.

    By layer (4.8): `GradientMoments.select` gives the OSGR R_l of a layer l that is stepped alone,
    and R_h = Σ_l W_l R_l, with W_l the layer's share of E‖g_D‖².

    Examples
    --------
    >>> training = GradientMoments.from_samples({"a": [[3.0], [1.0]], "b": [[1.0], [1.0]]})
    >>> test = GradientMoments.from_samples({"a": [[1.0]], "b": [[2.0]]})
    >>> held_out_osgr(training, test).value  # (2·1 + 1·2)/(4 + 1)
    0.8
    >>> layers = [held_out_osgr(training.select([l]), test.select([l])).value for l in "ab"]
    >>> 4 / 5 * layers[0] + 1 / 5 * layers[1]  # W_l = 4/5 and 1/5
    0.8
    """
    means = _pairs_of_means(_listed(training), _listed(test))
    return _ratio([g @ other for g, other in means], [g @ g for g, _ in means], chances)  # 4.1


@np.errstate(all="ignore")
def reuse_factor(training: Sets, test: Sets, chances: Sequence[Any] | None = None) -> SetRatio:
    """Reuse factor κ = E g_D·(g_D − g_D′) / (E tr S/n), so that R_h = 1 − κ(1 − R̂) (4.2).

    Parameters
    ----------
    training : GradientMoments, or a sequence of M of these
        Of the training set D of each pair, n ≥ 2 samples that count the same, at the parameters
        that were trained on it.
    test : GradientMoments, or a sequence of M of these
        Of a set D′ that those parameters have not seen, or of the population; each at the same
        parameters as its training set. Only the mean is used.
    chances : sequence of M numbers, optional
        Probability of each pair, where the pairs are all that there are and not M draws.

    Returns
    -------
    SetRatio
        Expected to be 1 where θ does not depend on D (4.3): the paper's theorem. Below 1 where
        gradient descent has used D's noise up. ``inf`` or ``nan`` where no gradient varies in D.

    Raises
    ------
    InputError
        If the sequences are empty, of different lengths, or of different structures, or a training
        set has no n ≥ 2 samples.

    Notes
    -----
    R̂ = 1 − (tr S/n)/‖g_D‖² is `debiased_osgr`. The two of them, R_h and κ from the same pairs, keep
    4.2 for every dataset: it is an identity between numbers. With M pairs the sums over pairs
    stand in R̂ too.

    To test κ = 1, take Student's t with M − 1 degrees of freedom. In simulations (in the tests)
    with M = 10 it rejects 4 to 8 % of true settings at 5 %, 5.9 % on average. With few parameters
    whose GSNR is 0.01 or so it rejects 10 to 14 %: κ is then a ratio of products of numbers near 0.

    Examples
    --------
    >>> training = GradientMoments.from_samples([[3.0], [1.0]])  # g_D = 2, S/n = 1
    >>> test = GradientMoments.from_samples([[1.5]])
    >>> reuse_factor(training, test).value  # 2·(2 − 1.5)/1
    1.0
    """
    training = _listed(training)
    means = _pairs_of_means(training, _listed(test))
    for moments in training:
        check_count("count of training", moments.count, 2)
    reused = [g @ (g - other) for g, other in means]
    return _ratio(reused, [_noise(moments) for moments in training], chances)  # 4.2


@np.errstate(all="ignore")
def gap_ledger(
    training: Sequence[GradientMoments], test: Sequence[GradientMoments], learning_rate: Any
) -> Array:
    """What each step of a run adds to the gap: λ g_D·(g_D − g_D′) = λκ_t tr S_t/n (4.6).

    Parameters
    ----------
    training : sequence of GradientMoments
        Of the training set D, at the parameters before each step of gradient descent on D.
    test : sequence of GradientMoments
        Of the test set D′, or the population, at the same parameters. Only the mean is used.
    learning_rate : float or Fraction

    Returns
    -------
    ndarray, shape (n_steps,)
        In the units of the loss. The sum of the first T entries is (test − training loss) after T
        steps, less the same before the first.

    Raises
    ------
    InputError
        If the sequences are empty, of different lengths, or of different structures.

    Notes
    -----
    Equation 14, times κ. Left out of each entry is (λ²/2) g_Dᵀ(H_D′ − H_D)g_D + O(λ³): nothing
    where all samples share one Hessian and the loss is quadratic, else a total of order λ over a
    run of a given λ·n_steps.

    Examples
    --------
    >>> training = [GradientMoments.from_samples([g, g]) for g in (2.0, 1.0)]
    >>> test = [GradientMoments.from_samples([g]) for g in (1.0, 0.5)]
    >>> gap_ledger(training, test, learning_rate=0.1)
    array([0.2 , 0.05])
    """
    check_learning_rate(learning_rate)
    means = _pairs_of_means(_listed(training), _listed(test))
    return np.array([learning_rate * (g @ (g - other)) for g, other in means])  # 4.6


def _noise(moments: GradientMoments) -> Any:
    """Unbiased estimate of E‖g_D − g̃‖² at independent θ: tr S/n."""
    return moments.signal_and_noise(ddof=1)[1] / moments.count


def _listed(sets: Sets) -> list[GradientMoments]:
    return [sets] if isinstance(sets, GradientMoments) else list(sets)


def _pairs_of_means(
    training: list[GradientMoments], test: list[GradientMoments]
) -> list[tuple[Array, Array]]:
    """(g_D, g_D′) of each pair, as vectors in the same order."""
    if not training or len(training) != len(test):
        raise InputError(
            f"training has {len(training)} sets and test {len(test)}; expected as many, 1 or more"
        )
    pairs = []
    for one, other in zip(training, test, strict=True):
        map_structure(_check_same_shape, one.mean, other.mean)
        in_order = map_structure(lambda _, b: b, one.mean, other.mean)
        pairs.append((flat(one.mean), flat(in_order)))
    return pairs


def _check_same_shape(one: Array, other: Array) -> None:
    if one.shape != other.shape:
        raise InputError(f"training has a mean of shape {one.shape} and test {other.shape}")


def _ratio(
    numerators: list[Any], denominators: list[Any], chances: Sequence[Any] | None
) -> SetRatio:
    if chances is None:
        return SetRatio(*jackknifed_ratio(numerators, denominators), len(numerators))
    if len(chances) != len(numerators):
        raise InputError(f"chances has {len(chances)} numbers; expected {len(numerators)}")
    weighted = (
        [c * v for c, v in zip(chances, values, strict=True)]
        for values in (numerators, denominators)
    )
    value, _ = jackknifed_ratio(*weighted)
    return SetRatio(value, 0.0, len(numerators))
