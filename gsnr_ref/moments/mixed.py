"""Moments of a mixture of two populations: random labels, above all.

Imports ``contract`` and ``moments/mergeable``.
"""

import numpy as np

from gsnr_ref.contract import InputError, Number, map_structure
from gsnr_ref.moments.mergeable import GradientMoments, S


@np.errstate(all="ignore")
def mixed_moments(
    true: GradientMoments[S], uniform: GradientMoments[S], probability: Number
) -> GradientMoments[S]:
    """Moments of the per-sample gradient when labels are random with a probability.

    Each sample's label is replaced, with this probability, by a uniform one. At fixed parameters
    the gradient's distribution is then a mixture, and so are its first and second moments:
    g̃ = (1−p)g̃₀ + p g̃₁ and ρ² = (1−p)ρ₀² + pρ₁² + p(1−p)(g̃₀ − g̃₁)².

    Parameters
    ----------
    true : GradientMoments
        g̃₀ and ρ₀² (ddof 0) with the true labels.
    uniform : GradientMoments
        g̃₁ and ρ₁² (ddof 0) with uniform labels, independent of the inputs.
    probability : float or Fraction
        p, 0 to 1. A uniform label can be the true one.

    Returns
    -------
    GradientMoments
        Of a population: its count is 1, and its variance that with ``ddof=0``.

    Raises
    ------
    InputError
        If the probability is none, or the two differ in structure.

    Notes
    -----
    Statement 3.8. Holds for a mixture of any two populations.

    Examples
    --------
    >>> true, uniform = (GradientMoments.from_samples([g]) for g in (1.0, -1.0))
    >>> mixed = mixed_moments(true, uniform, probability=0.5)
    >>> float(mixed.mean), float(mixed.variance())
    (0.0, 1.0)
    """
    if not 0 <= probability <= 1:
        raise InputError(f"probability is {probability!r}; expected 0 to 1")
    p, q = probability, 1 - probability
    mean = map_structure(lambda m0, m1: q * m0 + p * m1, true.mean, uniform.mean)
    variance = map_structure(
        lambda m0, v0, m1, v1: q * v0 + p * v1 + p * q * (m0 - m1) ** 2,  # 3.8
        true.mean,
        true.variance(),
        uniform.mean,
        uniform.variance(),
    )
    return GradientMoments.of_population(mean, variance)
