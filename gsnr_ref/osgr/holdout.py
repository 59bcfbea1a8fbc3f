"""OSGR of a split of one dataset. Imports ``contract``, ``moments`` and ``signal_to_noise``."""

import numpy as np

from gsnr_ref.contract import InputError, Number, check_count
from gsnr_ref.moments import GradientMoments
from gsnr_ref.signal_to_noise import quotient


@np.errstate(all="ignore")
def holdout_osgr(moments: GradientMoments, n: int) -> Number:
    """OSGR, at a small learning rate, of a split: n samples to train on, the rest to test on.

    R = (‖g̃‖² − S/(N−1)) / (‖g̃‖² + (S/n)(N−n)/(N−1)), with S = tr Σ. E g_D·g_D′ is less than
    ‖g̃‖², because what is drawn for D is missing from D′.

    Parameters
    ----------
    moments : GradientMoments
        Of all N samples, which count the same; N is its count.
    n : int
        Size of the training set, drawn without replacement: 1 to N − 1.

    Returns
    -------
    float, or Fraction where the moments are exact
        Can be negative. ``nan`` where every gradient is 0.

    Raises
    ------
    InputError
        If N is no number of samples, or `n` leaves no sample to train on or to test on.

    Notes
    -----
    Statement 3.6: what a user measures who splits a real dataset. The size of a test set drawn from
    the rest does not matter.

    Examples
    --------
    >>> holdout_osgr(GradientMoments.from_samples([[3.0], [1.0]]), n=1)  # 3 against 5
    0.6
    """
    total, n = check_count("count of moments", moments.count, 2), check_count("n", n)
    if n >= total:
        raise InputError(f"n is {n} and moments has count {total}; expected n of 1 to {total - 1}")
    signal, noise = moments.signal_and_noise()
    test = signal - noise / (total - 1)
    training = signal + noise * (total - n) / (n * (total - 1))
    return quotient(test, training)  # 3.6
