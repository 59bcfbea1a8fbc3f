"""A case's population: its points, its moments, and how far a sampled value may lie from them."""

import math
from collections.abc import Sequence
from functools import lru_cache, reduce

import numpy as np

from gsnr_ref.contract import FiniteSupport, InputError, is_finite_population
from gsnr_ref.moments import GradientMoments, gradient_moments
from toy_models.cases import Case

#: Standard errors that a sampled value may lie from the truth: 1 in 16,000 does by chance.
STANDARD_ERRORS = 4.0
_POPULATION_BATCHES = 20
_POPULATION_BATCH = 20_000


def finite_support(case: Case) -> FiniteSupport:
    """Return the case's population, which must be finite.

    Examples
    --------
    >>> from toy_models import make_case
    >>> len(finite_support(make_case("finite", "mlp")).x)
    4
    """
    if not is_finite_population(case.population):
        raise InputError(f"case {case.name} has no finite population; expected one")
    return case.population


@lru_cache(maxsize=4)
def population_moments(case: Case, seed: int) -> tuple[GradientMoments, list[GradientMoments]]:
    """Moments of the population, and of independent pieces of a sample if they are only estimated.

    Examples
    --------
    >>> from toy_models import make_case
    >>> moments, pieces = population_moments(make_case("finite", "mlp"), seed=0)
    >>> moments.count, pieces
    (1.0, [])
    """
    model, params, population = case.model, case.params, case.population
    if is_finite_population(population):
        x, y, p = population.x, population.y, population.probabilities
        return gradient_moments(model, params, x, y, weights=p), []
    streams = np.random.default_rng([seed, 1]).spawn(_POPULATION_BATCHES)
    batches = (population.sample(rng, _POPULATION_BATCH) for rng in streams)
    pieces = [gradient_moments(model, params, [batch]) for batch in batches]
    return reduce(GradientMoments.merge, pieces), pieces


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean; 0 where there is nothing to estimate.

    Examples
    --------
    >>> standard_error([1.0, 3.0]), standard_error([])
    (1.0, 0.0)
    """
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) else 0.0


def sampled(draws: str, pieces: Sequence[GradientMoments]) -> str:
    """Explain a bound of so many standard errors: of the draws, and of moments from `pieces`.

    Examples
    --------
    >>> sampled("500 steps", [])
    '4 standard errors of 500 steps'
    """
    population = " and the sampled population" if pieces else ""
    return f"{STANDARD_ERRORS:.0f} standard errors of {draws}{population}"
