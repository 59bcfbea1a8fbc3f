"""The gradient signal-to-noise ratio: mean² / variance of the per-sample gradient.

Imports ``contract``, ``moments`` and ``notebook``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Arrays,
    InputError,
    Number,
    flat,
    is_exact,
    leaves,
    map_structure,
    named_leaves,
)
from gsnr_ref.moments import GradientMoments
from gsnr_ref.notebook import ShownAsTable


@np.errstate(all="ignore")
def gsnr(moments: GradientMoments, ddof: int = 0) -> Arrays:
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
        exact = [quotient(m * m, v) for m, v in zip(mean.flat, variance.flat, strict=True)]
        return np.array(exact, dtype=object).reshape(mean.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return mean / variance * mean  # equation 2; in this order mean² cannot underflow first


def quotient(a: Number, b: Number) -> Number:
    """a/b of two numbers that are not negative: ``inf`` for a/0, and ``nan`` for 0/0.

    Examples
    --------
    >>> quotient(1.0, 2.0), quotient(1.0, 0.0), quotient(0.0, 0.0)
    (0.5, inf, nan)
    """
    if b == 0:
        return float("nan" if a == 0 else "inf")
    return a / b


@dataclass(frozen=True)
class GSNRSummary(ShownAsTable):
    """GSNR of many parameters in a few numbers; infinite and dead parameters are counted apart.

    Attributes
    ----------
    n_params : int
    mean, median : float
        Over parameters whose GSNR is finite; ``nan`` if there is none.
    quantiles : dict of float to float
        At 5, 25, 75 and 95 %, over the same parameters.
    share_infinite, share_dead : float
        Of parameters with GSNR ``inf`` (all samples agree) and ``nan`` (every gradient is 0).
    effective : float
        ‖g̃‖²/tr Σ of the parameters together.

    Examples
    --------
    >>> gsnr_summary(GradientMoments.from_samples([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]])).mean
    4.0
    """

    n_params: int
    mean: float
    median: float
    quantiles: dict[float, float]
    share_infinite: float
    share_dead: float
    effective: float

    def as_row(self) -> dict[str, int | float]:
        """All numbers in one flat dict of plain Python numbers: a row of a table, or of a CSV file.

        Examples
        --------
        >>> row = gsnr_summary(GradientMoments.from_samples([[1.0], [3.0]])).as_row()
        >>> list(row)
        ['n_params', 'mean', 'median', 'quantile_0.05', 'quantile_0.25', 'quantile_0.75',
         'quantile_0.95', 'share_infinite', 'share_dead', 'effective']
        """
        row: dict[str, int | float] = {}
        for name, value in asdict(self).items():
            if name == "quantiles":
                row |= {f"quantile_{q}": quantile for q, quantile in value.items()}
            else:
                row[name] = value
        return row


@np.errstate(all="ignore")
def gsnr_summary(moments: GradientMoments, ddof: int = 0) -> GSNRSummary:
    """Summarize the GSNR of all parameters: of the model, or of one layer.

    Parameters
    ----------
    moments : GradientMoments
    ddof : int
        Of the variance.

    Returns
    -------
    GSNRSummary

    Raises
    ------
    InputError
        If there are not more than `ddof` samples.

    Examples
    --------
    >>> summary = gsnr_summary(GradientMoments.from_samples([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]]))
    >>> summary.effective, round(summary.share_infinite, 2), round(summary.share_dead, 2)
    (8.0, 0.33, 0.33)
    """
    ratios = flat(gsnr(moments, ddof)).astype(float)
    finite = ratios[np.isfinite(ratios)]
    known = finite if len(finite) else np.array([np.nan])
    return GSNRSummary(
        len(ratios),
        float(known.mean()),
        float(np.median(known)),
        {q: float(np.quantile(known, q)) for q in (0.05, 0.25, 0.75, 0.95)},
        float(np.isinf(ratios).mean()),
        float(np.isnan(ratios).mean()),
        float(quotient(*moments.signal_and_noise(ddof))),
    )


@np.errstate(all="ignore")
def gsnr_summaries(moments: GradientMoments, ddof: int = 0) -> dict[str, GSNRSummary]:
    """Summarize the GSNR of each layer, and of the whole model under the name ``"model"``.

    Parameters
    ----------
    moments : GradientMoments
        Of any nesting of mappings. The path of a parameter, its keys joined by dots, names its
        layer up to the last dot: ``"<layer>.weight"`` and ``"<layer>.bias"`` belong together.
    ddof : int
        Of the variance.

    Returns
    -------
    dict of str to GSNRSummary
        For a table, one row a layer: ``[{"layer": k} | s.as_row() for k, s in ... .items()]``.

    Raises
    ------
    InputError
        If there are not more than `ddof` samples, or the moments are of one array.

    Examples
    --------
    >>> g = {"a.weight": np.array([[1.0], [3.0]]), "b.weight": np.array([[1.0], [-1.0]])}
    >>> {k: s.mean for k, s in gsnr_summaries(GradientMoments.from_samples(g)).items()}
    {'a': 4.0, 'b': 0.0, 'model': 2.0}
    """
    if not isinstance(moments.mean, Mapping):
        raise InputError("moments are of one array; expected a mapping of parameters")
    layers: dict[str, dict[str, Any]] = {}
    for (name, mean), m2 in zip(named_leaves(moments.mean), leaves(moments.m2), strict=True):
        layers.setdefault(name.rpartition(".")[0] or name, {})[name] = (mean, m2)
    summaries = {}
    for layer, params in layers.items():
        means, m2s = ({name: pair[k] for name, pair in params.items()} for k in (0, 1))
        summaries[layer] = gsnr_summary(GradientMoments(moments.count, means, m2s), ddof)
    return summaries | {"model": gsnr_summary(moments, ddof)}
