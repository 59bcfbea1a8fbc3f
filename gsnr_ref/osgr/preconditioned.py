"""OSGR of a preconditioned step. Imports ``contract``, ``moments`` and ``signal_to_noise``."""

from typing import Any

import numpy as np

from gsnr_ref.contract import (
    InputError,
    Number,
    Structure,
    as_array,
    check_count,
    leaves,
    map_structure,
    named_leaves,
)
from gsnr_ref.moments import GradientMoments
from gsnr_ref.signal_to_noise import quotient


@np.errstate(all="ignore")
def preconditioned_osgr(
    moments: GradientMoments, n: int, preconditioner: Structure, ddof: int = 0
) -> Number:
    """OSGR, at a small learning rate, of the step Δθ = −λ p∘g_D with a fixed diagonal p.

    R = Σp g̃² / Σp(g̃² + ρ²/n). With p = 1 it is `collapsed_osgr`.

    Parameters
    ----------
    moments : GradientMoments
    n : int
        Size of the training set.
    preconditioner : ndarray, or dict of ndarray
        p, of the structure and shapes of the parameters; none below 0. It must not depend on the
        training set: for p computed from the same data, as in Adam, the equation does not hold.
    ddof : int
        Of the variance: 0 where the samples are the whole population.

    Returns
    -------
    float, or Fraction where everything is exact
        ``nan`` where no parameter moves.

    Raises
    ------
    InputError
        If structures or shapes do not fit, or p has a value below 0.

    Notes
    -----
    The supremum over p is n·r_max/(n·r_max + 1), with all mass on the parameter of largest GSNR:
    so OSGR alone is no objective for an optimizer. And p = r, which is often said to help, does
    not always: it weighs by GSNR what may bring little of the decrease. Source: the step of GENIE
    (ICML 2025); derived for this package.

    Examples
    --------
    >>> moments = GradientMoments.from_samples(np.array([[1.0, 0.0], [3.0, 2.0]]))  # r = 4 and 1
    >>> preconditioned_osgr(moments, 1, np.array([1.0, 0.0]))
    0.8
    """
    n = check_count("n", n)
    checked = map_structure(
        lambda mean, p: _checked(mean, as_array("preconditioner", p)), moments.mean, preconditioner
    )
    for name, p in named_leaves(checked):
        if not (p >= 0).all():
            raise InputError(f"preconditioner ({name}) has minimum {p.min()}; expected 0 or more")
    signal: Any = sum(leaves(map_structure(lambda m, p: (p * m * m).sum(), moments.mean, checked)))
    variance = moments.variance(ddof)
    noise: Any = sum(leaves(map_structure(lambda v, p: (p * v).sum(), variance, checked)))
    value = quotient(signal, signal + noise / n)  # 3.5
    return float(value) if isinstance(value, np.floating) else value


def _checked(mean: Any, p: Any) -> Any:
    if p.shape != mean.shape:
        raise InputError(f"preconditioner has shape {p.shape}; expected {mean.shape}")
    return p
