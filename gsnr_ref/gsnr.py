"""The gradient signal-to-noise ratio: mean² / variance of the per-sample gradient.

Imports ``contract`` and ``moments``.
"""

from typing import Any

import numpy as np

from gsnr_ref.contract import Structure, is_exact, map_structure
from gsnr_ref.moments import GradientMoments


def gsnr(moments: GradientMoments, ddof: int = 0) -> Structure:
    """GSNR of each parameter: equation 2, r_j = g̃_j² / ρ_j².

    Parameters
    ----------
    moments : GradientMoments
    ddof : int
        Of the variance. 0 where the samples are the whole population: r is then known. 1 where they
        are a sample: r is then the plug-in estimate, biased upwards by about 1/n.

    Returns
    -------
    ndarray, or dict of ndarray
        Structure and shapes of the parameters; no units. ``inf`` where all samples agree on a
        gradient other than 0 (zero variance). ``nan`` where all gradients are 0 (a dead
        parameter: 0/0). There is no epsilon.

    Raises
    ------
    InputError
        If there are not more than `ddof` samples.

    Notes
    -----
    In plain NumPy, for per-sample gradients g of shape (n_samples, ...):
    ``g.mean(axis=0)**2 / g.var(axis=0, ddof=ddof)``. GSNR does not change when the loss, or the
    parameter, is multiplied by a constant. Source: Liu et al., ICLR 2020, equation 2.

    Examples
    --------
    >>> g = np.array([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]])
    >>> gsnr(GradientMoments.from_samples(g))
    array([ 4., inf, nan])
    """
    return map_structure(_ratio, moments.mean, moments.variance(ddof))


def _ratio(mean: Any, variance: Any) -> Any:
    if is_exact(mean):
        exact = [
            float("inf" if m else "nan") if v == 0 else m * m / v
            for m, v in zip(mean.flat, variance.flat, strict=True)
        ]
        return np.array(exact, dtype=object).reshape(mean.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return mean / variance * mean  # equation 2; in this order mean² cannot underflow first
