"""The noise scale from gradients at two batch sizes. Imports ``contract``."""

from typing import NamedTuple

import numpy as np

from gsnr_ref.contract import InputError, Number, check_count


class SignalAndNoise(NamedTuple):
    """Estimates of ‖g̃‖² and tr Σ, each unbiased.

    Attributes
    ----------
    signal : float or Fraction
        Of ‖g̃‖². Can be negative.
    noise : float or Fraction
        Of tr Σ, the variance of the per-sample gradient summed over parameters. Can be negative.

    Examples
    --------
    >>> SignalAndNoise(4.0, 2.0).noise_scale
    0.5
    """

    signal: Number
    noise: Number

    @property
    def noise_scale(self) -> Number:
        """Simple noise scale tr Σ/‖g̃‖², in samples. A ratio of unbiased numbers, so not unbiased.

        Negative where one of the two is; ``inf`` or ``nan`` where the signal is 0.
        """
        if self.signal == 0:
            return float(np.sign(float(self.noise))) * float("inf")
        return self.noise / self.signal


def two_batch_signal_and_noise(
    squared_norms: tuple[Number, Number], batch_sizes: tuple[int, int]
) -> SignalAndNoise:
    """‖g̃‖² and tr Σ from the squared norms of mean gradients over batches of two sizes.

    E‖g_B‖² = ‖g̃‖² + tr Σ/B for the mean gradient g_B of B independent samples. Two sizes b and B
    give two equations, with the solution

    ‖g̃‖² = (B‖g_B‖² − b‖g_b‖²)/(B − b), tr Σ = (‖g_b‖² − ‖g_B‖²)/(1/b − 1/B).

    Parameters
    ----------
    squared_norms : pair of float or Fraction
        ‖g_b‖² and ‖g_B‖², each of one batch or a mean over several: ‖g_b‖² over the workers of a
        step, say, and ‖g_B‖² of the mean of their gradients. They may share samples.
    batch_sizes : pair of int
        b and B, different.

    Returns
    -------
    SignalAndNoise
        A pair (signal, noise), with the property ``noise_scale``. Both are unbiased, and so can be
        negative; neither is clamped.

    Raises
    ------
    InputError
        If the sizes are none or equal, or a squared norm is negative or not finite.

    Notes
    -----
    Take means of signal and noise over steps or batches first, and divide once: a mean of ratios
    is biased. With the B means of b samples each that make a batch of B·b, the result is that of
    `GradientMoments.from_batch_means`: noise is its variance (ddof 1) summed, signal is
    ‖ḡ‖² − tr ρ²/(B·b). Source: McCandlish et al. 2018, arXiv:1812.06162, appendix A.1.

    Examples
    --------
    >>> estimate = two_batch_signal_and_noise((6.0, 5.0), (1, 2))  # 4 + 2/1 and 4 + 2/2
    >>> estimate.signal, estimate.noise, estimate.noise_scale
    (4.0, 2.0, 0.5)
    """
    small, large = (check_count("batch_sizes", size) for size in batch_sizes)
    if small == large:
        raise InputError(f"batch_sizes is {batch_sizes}; expected two different sizes")
    norm_small, norm_large = squared_norms
    if not (0 <= norm_small < float("inf") and 0 <= norm_large < float("inf")):
        raise InputError(f"squared_norms is {squared_norms}; expected finite numbers, 0 or more")
    signal = (large * norm_large - small * norm_small) / (large - small)
    noise = (norm_small - norm_large) * small * large / (large - small)
    return SignalAndNoise(signal, noise)
