"""Known wrong ways to compute GSNR and OSGR, each as a function from right to wrong values.

Imports ``golden/case`` and ``golden/consequences``. What each mistake is called, does, and where it
was seen stands in ``mistakes.json``. A function gets a case, whose expected values are right, and
returns the quantities that come out wrong, with what follows from them; an empty dict where the
mistake cannot be made.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from gsnr_ref.contract import Array
from gsnr_ref.golden.case import GoldenCase, folder
from gsnr_ref.golden.consequences import (
    Values,
    by_n,
    each,
    flat,
    from_gradients,
    from_moments,
    predicted,
    ratio,
    right_moments,
    sample_variance,
    scaled,
    shares_of,
    weights_of,
)

Wrong = Callable[[GoldenCase], Values]
_WRONG: dict[str, Wrong] = {}


@dataclass(frozen=True)
class Mistake:
    """A known wrong way.

    Attributes
    ----------
    id, title, effect, remedy : str
    seen : tuple of str
        Links to where it was seen, or where the right way is written.
    wrong : callable
        ``wrong(case)`` -> the wrong values, by quantity.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> mistake = golden.mistakes()["mean-loss-variance"]
    >>> case = golden.load("linear-eight-samples")  # B = 8: GSNR is too large by B² = 64
    >>> wrong = mistake.wrong(case)["gsnr_ddof0"]["linear.bias"]
    >>> (wrong / case.expected["gsnr_ddof0"]["linear.bias"]).round(6)
    array([64.])
    """

    id: str
    title: str
    effect: str
    remedy: str
    seen: tuple[str, ...]
    wrong: Wrong


@cache
def mistakes() -> dict[str, Mistake]:
    """Return every known mistake by its id.

    Returns
    -------
    dict of str to Mistake

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> golden.mistakes()["half-missing"].title
    'the factor ½ of the squared error is missing'
    """
    texts = json.loads((folder() / "mistakes.json").read_text(encoding="utf-8"))
    return {
        id: Mistake(id, t["title"], t["effect"], t["remedy"], tuple(t["seen"]), _WRONG[id])
        for id, t in texts.items()
    }


def _named(id: str) -> Callable[[Wrong], Wrong]:
    def register(function: Wrong) -> Wrong:
        def within_the_case(case: GoldenCase) -> Values:
            with np.errstate(all="ignore"):
                wrong = function(case)
            return {quantity: v for quantity, v in wrong.items() if quantity in case.expected}

        _WRONG[id] = within_the_case
        return function

    return register


def _scaled_moments(case: GoldenCase, by_mean: float, by_variance: float) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    population, sample = scaled(ddof0, by_variance), scaled(ddof1, by_variance)
    return from_moments(case, scaled(mean, by_mean), population, sample)


def _scaled_loss(case: GoldenCase, factor: float, gradients_only: bool = False) -> Values:
    """Gradients times a factor. GSNR, OSGR and all other ratios stay as they are."""
    e = case.expected
    values = {
        "per_sample_gradients": scaled(e["per_sample_gradients"], factor),
        "mean": scaled(e["mean"], factor),
        "variance_ddof0": scaled(e["variance_ddof0"], factor**2),
        "variance_ddof1": scaled(e.get("variance_ddof1"), factor**2),
    }
    if not gradients_only:
        values["losses"] = e["losses"] * factor
        if "reduced_loss" in e:
            values["reduced_loss"] = e["reduced_loss"] * factor
            values["reduced_gradient"] = scaled(e["reduced_gradient"], factor)
    return values


def _is_squared(case: GoldenCase) -> bool:
    return bool(case.model["loss"]["type"] == "squared_error")


# Mistakes in reductions.


@_named("mean-loss-gradients")
def _mean_loss_gradients(case: GoldenCase) -> Values:
    return _scaled_loss(case, 1 / len(case.x), gradients_only=True)


@_named("mean-loss-variance")
def _mean_loss_variance(case: GoldenCase) -> Values:
    return _scaled_moments(case, 1, 1 / len(case.x) ** 2)


@_named("mean-loss-mean")
def _mean_loss_mean(case: GoldenCase) -> Values:
    return _scaled_moments(case, 1 / len(case.x), 1)


@_named("summed-mean")
def _summed_mean(case: GoldenCase) -> Values:
    return _scaled_moments(case, len(case.x), 1)


@_named("summed-over-samples")
def _summed_over_samples(case: GoldenCase) -> Values:
    gradients = case.expected["per_sample_gradients"]
    total = each(lambda g: np.broadcast_to(g.sum(axis=0), g.shape), gradients)
    mean = each(lambda g: g[0], total)
    zero = each(np.zeros_like, mean)
    ddof1 = None if "variance_ddof1" not in case.expected else zero
    return {"per_sample_gradients": total, **from_moments(case, mean, zero, ddof1)}


# Mistakes in moments.


@_named("bessel-for-population")
def _bessel_for_population(case: GoldenCase) -> Values:
    mean, _, ddof1 = right_moments(case)
    return {} if ddof1 is None else from_moments(case, mean, ddof1, ddof1)


@_named("no-bessel-for-sample")
def _no_bessel_for_sample(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    return {} if ddof1 is None else from_moments(case, mean, ddof0, ddof0)


@_named("uncentred-second-moment")
def _uncentred(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    second = each(lambda m, v: v + m * m, mean, ddof0)
    return from_moments(case, mean, second, sample_variance(case, second))


@_named("one-pass-variance")
def _one_pass(case: GoldenCase) -> Values:
    p = shares_of(case)

    def one_pass(g: Array) -> Array:
        return np.asarray(np.tensordot(p, g * g, 1) - np.tensordot(p, g, 1) ** 2)

    ddof0 = each(one_pass, case.expected["per_sample_gradients"])
    return from_moments(case, case.expected["mean"], ddof0, sample_variance(case, ddof0))


@_named("tails-lost")
def _tails_lost(case: GoldenCase) -> Values:
    def absorbed(value: Array) -> Array:
        return (1 + value) - 1  # what one rounding of a number next to 1 leaves of it

    e = case.expected
    gradients = each(absorbed, e["per_sample_gradients"])
    return {"losses": absorbed(e["losses"]), **from_gradients(case, gradients)}


@_named("epsilon-in-denominator")
def _epsilon(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    values = {"gsnr_ddof0": ratio(mean, each(lambda v: v + 1e-5, ddof0))}
    if ddof1 is not None:
        values["gsnr_ddof1"] = ratio(mean, each(lambda v: v + 1e-5, ddof1))
    return values


_GSNRS = ("gsnr_ddof0", "gsnr_ddof1", "debiased_gsnr")


def _on_gsnr(case: GoldenCase, function: Callable[[Array], Array]) -> Values:
    return {q: each(function, case.expected[q]) for q in _GSNRS if q in case.expected}


@_named("degenerate-replaced")
def _degenerate_replaced(case: GoldenCase) -> Values:
    return _on_gsnr(case, lambda r: np.where(np.isfinite(r), r, 0.0))


@_named("undefined-as-infinite")
def _undefined_as_infinite(case: GoldenCase) -> Values:
    return _on_gsnr(case, lambda r: np.where(np.isnan(r), np.inf, r))


@_named("dead-parameter-spreads")
def _dead_spreads(case: GoldenCase) -> Values:
    any_dead = np.isnan(flat(case.expected["gsnr_ddof0"])).any()
    return {"predicted_osgr": by_n(case, lambda n: math.nan)} if any_dead else {}


@_named("snr-not-squared")
def _not_squared(case: GoldenCase) -> Values:
    return {q: v for q, v in _on_gsnr(case, np.sqrt).items() if q != "debiased_gsnr"}


@_named("batch-means-as-samples")
def _batch_means(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    means = each(lambda g: np.stack([b.mean(axis=0) for b in _cut(case, g)]),
                  case.expected["per_sample_gradients"])  # fmt: skip
    ddof0, ddof1 = (each(lambda m, d=d: m.var(axis=0, ddof=d), means) for d in (0, 1))
    return from_moments(case, each(lambda m: m.mean(axis=0), means), ddof0, ddof1)


@_named("unweighted-merge")
def _unweighted_merge(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    g = case.expected["per_sample_gradients"]
    mean = each(lambda a: np.mean([b.mean(axis=0) for b in _cut(case, a)], axis=0), g)
    ddof0 = each(lambda a: np.mean([b.var(axis=0) for b in _cut(case, a)], axis=0), g)
    return from_moments(case, mean, ddof0, sample_variance(case, ddof0))


def _cut(case: GoldenCase, samples: Array) -> Iterator[Array]:
    edges = np.cumsum([0, *(case.batches or ())])
    return (samples[a:b] for a, b in pairwise(edges))


@_named("probabilities-ignored")
def _probabilities_ignored(case: GoldenCase) -> Values:
    if case.probabilities is None:
        return {}
    g = case.expected["per_sample_gradients"]
    mean = each(lambda a: a.mean(axis=0), g)
    return from_moments(case, mean, each(lambda a: a.var(axis=0), g), None)


# Mistakes in the loss and in layouts.


@_named("half-missing")
def _half_missing(case: GoldenCase) -> Values:
    return _scaled_loss(case, 2) if _is_squared(case) else {}


@_named("averaged-over-outputs")
def _averaged(case: GoldenCase) -> Values:
    return _scaled_loss(case, 1 / case.n_outputs) if _is_squared(case) else {}


@_named("mse-loss")
def _mse(case: GoldenCase) -> Values:
    several = _is_squared(case) and case.n_outputs > 1  # with one output: half-missing
    return _scaled_loss(case, 2 / case.n_outputs) if several else {}


@_named("bits-for-nats")
def _bits(case: GoldenCase) -> Values:
    return {} if _is_squared(case) else _scaled_loss(case, 1 / math.log(2))


@_named("transposed-weights")
def _transposed(case: GoldenCase) -> Values:
    def transpose(tree: Any, name: str = "") -> Any:
        if isinstance(tree, dict):
            return {key: transpose(value, key) for key, value in tree.items()}
        return np.swapaxes(tree, -1, -2) if name.endswith(".weight") else tree

    one_number = all(p.size == 1 for k, p in case.params.items() if k.endswith(".weight"))
    return {} if one_number else {q: transpose(v) for q, v in case.expected.items()}


# Mistakes in OSGR and in estimates.


@_named("mean-of-ratios")
def _mean_of_ratios(case: GoldenCase) -> Values:
    r = flat(case.expected["gsnr_ddof0"])
    r = r[~np.isnan(r)]
    if len(r) < 2:
        return {}
    return {
        "predicted_osgr": by_n(case, lambda n: float(np.mean(1 / (1 + 1 / (n * r))))),
        "noise_scale": float(np.mean(1 / r)),
    }


@_named("expectation-of-ratios")
def _expectation_of_ratios(case: GoldenCase) -> Values:
    from gsnr_ref.golden.models import build
    from gsnr_ref.osgr.enumerated import count_vectors, multinomial_probability

    if "enumerated_osgr" not in case.expected:
        return {}
    model, p = build(case.model), shares_of(case)
    gradients = case.expected["per_sample_gradients"]
    before, values, exact = case.expected["losses"], {}, [Fraction(v) for v in p.tolist()]
    for key in case.expected["enumerated_osgr"]:
        n, rate = (float(part.partition("=")[2]) for part in key.split())
        mean_ratio = 0.0
        for counts in count_vectors(int(n), len(p)):
            share = np.array(counts) / n
            stepped = {k: v - rate * np.tensordot(share, gradients[k], 1) if k in gradients else v
                       for k, v in case.params.items()}  # fmt: skip
            falls = before - model.loss(stepped, case.x, case.y)
            chance = float(multinomial_probability(counts, exact))
            mean_ratio += chance * (p @ falls) / (share @ falls)
        values[key] = mean_ratio
    return {"enumerated_osgr": values}


@_named("n-left-out-of-weights")
def _n_left_out(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    weights = weights_of(mean, ddof0, 1)
    return {
        "osgr_weights": by_n(case, lambda n: weights),
        "predicted_osgr": by_n(case, lambda n: predicted(weights, mean, ddof0, n)),
    }


@_named("plug-in-bias")
def _plug_in(case: GoldenCase) -> Values:
    mean, _, ddof1 = right_moments(case)
    if ddof1 is None:
        return {}
    n = len(case.x)
    signal, noise = np.square(flat(mean)).sum(), flat(ddof1).sum()
    return {
        "debiased_gsnr": case.expected["gsnr_ddof1"],
        "debiased_osgr": float(signal / (signal + noise / n)),
    }


@_named("clamped-negatives")
def _clamped(case: GoldenCase) -> Values:
    e = case.expected
    values: Values = {}
    if "debiased_gsnr" in e:
        values["debiased_gsnr"] = each(lambda r: np.maximum(r, 0), e["debiased_gsnr"])
    if "debiased_osgr" in e:
        values["debiased_osgr"] = max(0.0, e["debiased_osgr"])
    return values
