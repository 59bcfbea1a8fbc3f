"""Imports ``contract``: the points and probabilities of a finite population, checked."""

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Model,
    Params,
    Population,
    as_array,
    check_batch,
    check_finite,
    is_exact,
    is_finite_population,
)


def checked_support(
    model: Model, params: Params, population: Population
) -> tuple[Array, Array, Array]:
    """Return x, y and the probabilities of a finite population as arrays, after checking them.

    The sum may miss 1 by rounding, n_points units in the last place; exact ones may not.

    Raises
    ------
    InputError
        If one of them is missing or does not fit, or the probabilities are none.

    Examples
    --------
    >>> from toy_models import FinitePopulation, LinearRegression
    >>> model, population = LinearRegression(1), FinitePopulation(np.ones((2, 1)), np.ones(2))
    >>> population.probabilities = np.array([3, 1])
    >>> checked_support(model, model.init(0), population)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: population.probabilities sum to 4; expected 1 (divide counts ...
    """
    if not is_finite_population(population):
        raise InputError(
            f"population is {type(population).__name__}; expected x, y and probabilities"
        )
    x, y = check_batch(model, params, population.x, population.y)
    probabilities = as_array("population.probabilities", population.probabilities)
    if probabilities.shape != (len(x),):
        raise InputError(
            f"population.probabilities is {population.probabilities!r}; "
            f"expected one number for each of {len(x)} points"
        )
    check_finite("population.probabilities", probabilities)
    if (probabilities < 0).any():
        least = probabilities.min()
        raise InputError(
            f"population.probabilities has a minimum of {least}; expected none below 0"
        )
    exact, total = is_exact(probabilities), probabilities.sum()
    unit = np.finfo(probabilities.dtype if probabilities.dtype.kind == "f" else float).eps
    if total != 1 if exact else abs(total - 1) > max(1e-12, len(x) * unit):
        raise InputError(
            f"population.probabilities sum to {total}; expected 1 (divide counts by their sum)"
        )
    return x, y, probabilities
