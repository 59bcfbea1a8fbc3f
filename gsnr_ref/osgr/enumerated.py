"""OSGR by its definition, exactly: every dataset that a finite population can give.

Imports ``contract``, ``loss_checks``, ``notebook``, ``osgr/step`` and ``osgr/support`` only: the
two sides of the identity share no code that computes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    FiniteSupport,
    InputError,
    Model,
    Number,
    Params,
    RangeError,
    check_count,
    check_learning_rate,
    is_exact,
)
from gsnr_ref.loss_checks import look_once, own_losses
from gsnr_ref.notebook import ShownAsTable
from gsnr_ref.osgr.step import in_float64, mean_decrease, rounding, step, warn_of_rounding
from gsnr_ref.osgr.support import checked_support


@dataclass(frozen=True)
class EnumeratedOSGR(ShownAsTable):
    """What `enumerated_osgr` returns: floats, or Fractions where everything was exact.

    Attributes
    ----------
    value : float or Fraction
        Expected test-loss decrease over expected training-loss decrease.
    training_decrease, test_decrease : float or Fraction
        Expected decreases, in the units of the loss.
    n_datasets : int
        Number of different datasets (as multisets) that were enumerated.

    Examples
    --------
    >>> EnumeratedOSGR(0.5, 2.0, 1.0, 10).value
    0.5
    """

    value: Number
    training_decrease: Number
    test_decrease: Number
    n_datasets: int


@np.errstate(all="ignore")
def enumerated_osgr(
    model: Model,
    params: Params,
    population: FiniteSupport,
    n: int,
    learning_rate: Number,
    *,
    max_datasets: int = 200_000,
    preconditioner: Params | None = None,
    check: bool = True,
) -> EnumeratedOSGR:
    """Exact OSGR of a finite population: equation 5 as a sum over every training set.

    A training set of n draws from k points is a vector of k counts; its probability is
    multinomial. So the expectation has C(n + k − 1, k − 1) terms, not kⁿ. The test loss is the
    population's.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray
    population : FinitePopulation, or anything with ``x``, ``y`` and ``probabilities``
    n : int
        Size of the training set.
    learning_rate : float or Fraction
        A float stands for its exact value.
    max_datasets : int
        Refuse to enumerate more datasets than this. One takes about 0.1 ms for a small model.
    preconditioner : dict of ndarray, optional
        Fixed factors p of a step −λ p∘g_D, one array for each trainable parameter.
    check : bool
        Whether to look at the losses of two samples once for each model and shapes, as
        `check_model` does.

    Returns
    -------
    EnumeratedOSGR
        With ``value``, ``training_decrease`` and ``test_decrease``; ``Fraction`` where the
        population and the params are ``Fraction`` arrays (dtype object) and the model's arithmetic
        is rational, as in linear regression.

    Raises
    ------
    InputError
        If an argument does not fit, there are more than `max_datasets` datasets, or a sample's
        loss is not its own.
    RangeError
        If a loss leaves the range of float64, or no step changes the training loss.

    Warns
    -----
    PrecisionWarning
        If rounding may change the value by 1 %: the learning rate is too small for float64.

    Notes
    -----
    Steps and losses are computed in float64 where params or samples are float16 or float32.
    Source: Liu et al., ICLR 2020, section 2.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from toy_models import FinitePopulation, LinearRegression
    >>> x = np.array([[Fraction(1)], [Fraction(1)]])
    >>> population = FinitePopulation(x, np.array([Fraction(0), Fraction(2)]))
    >>> params = {"linear.weight": np.array([[Fraction(3)]])}  # gradients 3 and 1
    >>> model = LinearRegression(1, bias=False)
    >>> enumerated_osgr(model, params, population, n=1, learning_rate=Fraction(1, 10)).value
    Fraction(15, 19)
    """
    n = check_count("n", n)
    learning_rate = check_learning_rate(learning_rate)
    x, y, chances = checked_support(model, params, population)
    if preconditioner is not None and set(preconditioner) != set(model.trainable):
        raise InputError(
            f"preconditioner has {list(preconditioner)}; expected {list(model.trainable)}"
        )
    n_points = len(x)
    n_datasets = math.comb(n + n_points - 1, n_points - 1)
    if n_datasets > max_datasets:
        raise InputError(
            f"n is {n} and the population has {n_points} points: {n_datasets} datasets; "
            f"expected at most max_datasets = {max_datasets}"
        )
    if check:
        look_once(model, params, x, y, own_losses)
    x, y = in_float64(x), in_float64(y)
    params = {name: in_float64(value) for name, value in params.items()}
    before = model.loss(params, x, y)
    exact = is_exact(before)
    probabilities = [Fraction(p) for p in chances.tolist()]
    number = Fraction if exact else float
    learning_rate = number(learning_rate)
    test_weights = _weights(probabilities, exact)
    training_terms, test_terms = [], []
    training_lost = test_lost = 0.0
    for counts in count_vectors(n, n_points):
        chance = number(multinomial_probability(counts, probabilities))
        training_weights = _weights([Fraction(c, n) for c in counts], exact)
        with np.errstate(over="ignore", invalid="ignore"):
            stepped, _ = step(model, params, x, y, training_weights, learning_rate, preconditioner)
            after = model.loss(stepped, x, y)
            training_terms.append(chance * mean_decrease(before, after, training_weights))
            test_terms.append(chance * mean_decrease(before, after, test_weights))
            if not exact:
                around = params, stepped, learning_rate
                training_lost += chance * rounding(before, after, training_weights, *around)
                test_lost += chance * rounding(before, after, test_weights, *around)
    add: Any = sum if exact else math.fsum
    if not exact and not np.isfinite([training_terms, test_terms]).all():
        raise RangeError(
            f"a loss is not finite after a step with learning_rate {learning_rate}; "
            "expected a smaller learning_rate, or finite params"
        )
    training, test = add(training_terms), add(test_terms)
    if training == 0:
        raise RangeError(
            f"the expected training-loss decrease at learning_rate {learning_rate} is 0; "
            "expected params where the gradient is not zero"
        )
    if not exact:
        warn_of_rounding((training, test), (training_lost, test_lost), 0.0, learning_rate)
    return EnumeratedOSGR(test / training, training, test, n_datasets)


def _weights(fractions: list[Fraction], exact: bool) -> Array:
    weights = np.array(fractions, dtype=object)
    return weights if exact else weights.astype(float)


def count_vectors(n: int, n_points: int) -> Iterator[tuple[int, ...]]:
    """All ways to draw n times from n_points points, order aside."""
    if n_points == 1:
        yield (n,)
        return
    for first in range(n, -1, -1):
        for rest in count_vectors(n - first, n_points - 1):
            yield (first, *rest)


def multinomial_probability(counts: tuple[int, ...], probabilities: list[Fraction]) -> Fraction:
    """n!/Πc! · Πp^c, exactly."""
    probability = Fraction(math.factorial(sum(counts)))
    for count, p in zip(counts, probabilities, strict=True):
        probability *= p**count / math.factorial(count)
    return probability
