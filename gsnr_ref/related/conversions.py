"""Conversions between OSGR and related quantities, with their domains. Imports ``contract``."""

from gsnr_ref.contract import InputError, Number, check_count


def osgr_from_noise_scale(noise_scale: Number, n: int) -> Number:
    """R = 1/(1 + B/n), with B the simple noise scale.

    Parameters
    ----------
    noise_scale : float or Fraction
        0 or more; ``inf`` gives 0.
    n : int

    Returns
    -------
    float or Fraction

    Raises
    ------
    InputError
        If B is negative (an estimate from two batch sizes can be) or `n` is no size.

    Examples
    --------
    >>> osgr_from_noise_scale(10.0, n=10)
    0.5
    """
    n = check_count("n", n)
    if not noise_scale >= 0:
        raise InputError(f"noise_scale is {noise_scale!r}; expected 0 or more")
    return 1 / (1 + noise_scale / n)  # 3.2


def noise_scale_from_osgr(osgr: Number, n: int) -> Number:
    """B = n(1/R − 1): the inverse of `osgr_from_noise_scale`.

    Parameters
    ----------
    osgr : float or Fraction
        Above 0, at most 1; 0 gives ``inf``.
    n : int

    Returns
    -------
    float or Fraction

    Raises
    ------
    InputError
        If R is not between 0 and 1, or `n` is no size.

    Examples
    --------
    >>> noise_scale_from_osgr(0.5, n=10)
    10.0
    """
    n = check_count("n", n)
    _check_osgr(osgr)
    return n * (1 / osgr - 1) if osgr > 0 else float("inf")


def osgr_from_coherence(coherence: Number, n: int) -> Number:
    """R(Z, n) = nα/(1 + (n−1)α), the Spearman-Brown formula.

    Parameters
    ----------
    coherence : float or Fraction
        α, 0 to 1.
    n : int

    Returns
    -------
    float or Fraction

    Raises
    ------
    InputError
        If α is not between 0 and 1, or `n` is no size.

    Examples
    --------
    >>> osgr_from_coherence(0.5, n=3)
    0.75
    """
    n = check_count("n", n)
    if not 0 <= coherence <= 1:
        raise InputError(f"coherence is {coherence!r}; expected 0 to 1")
    return n * coherence / (1 + (n - 1) * coherence)  # 3.3


def coherence_from_osgr(osgr: Number, n: int) -> Number:
    """α = R/(n − (n−1)R): the inverse of `osgr_from_coherence`.

    Parameters
    ----------
    osgr : float or Fraction
        0 to 1.
    n : int

    Returns
    -------
    float or Fraction

    Raises
    ------
    InputError
        If R is not between 0 and 1, or `n` is no size.

    Examples
    --------
    >>> coherence_from_osgr(0.75, n=3)
    0.5
    """
    n = check_count("n", n)
    _check_osgr(osgr)
    return osgr / (n - (n - 1) * osgr)


def _check_osgr(osgr: Number) -> None:
    if not 0 <= osgr <= 1:
        raise InputError(
            f"osgr is {osgr!r}; expected 0 to 1 (an estimate, or the OSGR of a split, can leave "
            "that range, and then belongs to no population)"
        )
