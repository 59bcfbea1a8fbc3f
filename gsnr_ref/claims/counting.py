"""Every training set of a small case, counted: what the left sides of the equations are made of.

In rational arithmetic where the case allows it. Everything here is a plain sum over sequences of
draws, with real steps and losses: no code is shared with the routes on the right.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Check, Claim, title
from gsnr_ref.claims.population import finite_support
from gsnr_ref.contract import Array, Params, flat, is_exact
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.moments import gradient_moments
from toy_models.cases import Case

N = 2  # draws in a training set: k² sequences


class Counted:
    """Every sequence of N draws from a case's points, with its probability and mean gradient.

    Attributes
    ----------
    case : Case
    x, y, p : ndarray
        The points and their probabilities.
    g : ndarray, shape (n_points, n_params)
        The gradient of each point.
    exact : bool
        Whether all of them are fractions.
    rate : float or Fraction
        A learning rate to take real steps with.
    moments : GradientMoments
        Of the population, by the package's own route: for right sides.
    mean, variance : ndarray, shape (n_params,)
        Of these moments.

    Examples
    --------
    >>> from toy_models import make_case
    >>> sum(p for p, _, _ in Counted(make_case("rational", "linear")).datasets())
    Fraction(1, 1)
    """

    def __init__(self, case: Case) -> None:
        points = finite_support(case)
        self.case, self.x, self.y, self.p = case, points.x, points.y, points.probabilities
        rows = per_sample_gradients(case.model, case.params, self.x, self.y, "loop")
        self.g = np.concatenate([g.reshape(len(self.x), -1) for g in rows.values()], axis=1)
        self.exact = is_exact(self.g)
        self.rate: Any = Fraction(1, 10) if self.exact else 1e-3
        self.moments = gradient_moments(case.model, case.params, self.x, self.y, weights=self.p)
        self.mean, self.variance = flat(self.moments.mean), flat(self.moments.variance())

    def datasets(self, n: int = N) -> Iterator[tuple[Any, list[int], Array]]:
        """Probability, indices and g_D of every sequence of n draws."""
        for index in product(range(len(self.x)), repeat=n):
            rows = list(index)
            yield np.prod(self.p[rows]), rows, self.g[rows].sum(axis=0) / n

    def by_name(self, vector: Array) -> Params:
        """Numbers, one for each that trains, shape (n_params,), under the parameters' names."""
        parts, start = {}, 0
        for name in self.case.model.trainable:
            value = self.case.params[name]
            parts[name] = vector[start : start + value.size].reshape(value.shape)
            start += value.size
        return parts

    def decrease(self, g_d: Array, rows: list[int], rate: Any) -> Any:
        """Decrease of the mean loss on the points `rows` in the step θ ← θ − λ g_D."""
        model, params = self.case.model, self.case.params
        moved = params | {k: params[k] - rate * part for k, part in self.by_name(g_d).items()}
        x, y = self.x[rows], self.y[rows]
        return (model.loss(params, x, y) - model.loss(moved, x, y)).sum() / len(rows)

    def slope(self, g_d: Array, rows: list[int]) -> Any:
        """ΔL/λ as λ → 0: exact where the loss is quadratic, else up to O(λ³) (Richardson)."""
        rate = self.rate if self.exact else 1e-4
        slopes = []
        for r in (rate, rate / 2):
            whole, half = self.decrease(g_d, rows, r), self.decrease(g_d, rows, r / 2)
            slopes.append((4 * half - whole) / r)
        return (4 * slopes[1] - slopes[0]) / 3

    def expected(self, change: Callable[[Array, list[int]], Any]) -> tuple[Any, Any]:
        """E ΔL[D] and E ΔL[D′], where `change(g_d, rows)` is a decrease or a slope on `rows`."""
        training: Any = 0
        test: Any = 0
        for chance, rows, g_d in self.datasets():
            training += chance * change(g_d, rows)
            for i, p in enumerate(self.p):  # one point is a test set as good as many: 3.7
                test += chance * p * change(g_d, [i])
        return training, test

    def claim(
        self, check: Check, equation: str, left: Any, right: Any, limit: bool = False
    ) -> Claim:
        """Both sides of one equation; `limit` if the left side comes from a slope."""
        if self.exact:
            bound, reason = 0.0, "exact: fractions"
        elif limit:
            largest = float((self.g * self.g).sum(axis=1).max())
            bound, reason = 1e-8 * max(1.0, largest), "λ³ at λ = 1e-4, for the largest gradient"
        else:
            bound, reason = 1e-12 * max(abs(float(left)), abs(float(right)), 1e-3), "rounding"
        return Claim(title(check), equation, left, right, bound, reason, self.case.name, N)
