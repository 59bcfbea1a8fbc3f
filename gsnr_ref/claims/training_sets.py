"""Every training set of a small case, and the parameters that training on it gives.

Real steps on each sequence of draws, real losses, plain sums: as in ``counting``, nothing here is
shared with the routes on the right.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Check, Claim
from gsnr_ref.claims.counting import Counted
from gsnr_ref.contract import Array
from gsnr_ref.moments import GradientMoments, gradient_moments
from toy_models.cases import Case

#: Draws, learning rate and number of steps of the training.
RUNS = ((2, Fraction(1, 10), 1), (3, Fraction(1, 10), 2), (2, Fraction(1, 2), 3))


@dataclass(frozen=True)
class TrainedSet:
    """A training set, its probability, and the case at parameters that were trained on it.

    Examples
    --------
    >>> from toy_models import make_case
    >>> one = TrainedSet(1, [0, 1, 1], Counted(make_case("finite", "mlp")))
    >>> rows = one.at.g[one.rows]
    >>> bool(np.isclose(one.noise(), rows.var(axis=0, ddof=1).sum() / 3))
    True
    """

    chance: Any
    rows: list[int]
    at: Counted

    @property
    def g_d(self) -> Array:
        """Mean gradient of the training set."""
        return np.asarray(self.at.g[self.rows].sum(axis=0) / len(self.rows))

    @property
    def own(self) -> GradientMoments:
        """Moments of the training set, by the package's own route: for right sides."""
        case, x, y = self.at.case, self.at.x[self.rows], self.at.y[self.rows]
        return gradient_moments(case.model, case.params, x, y)

    def noise(self) -> Any:
        """The sample variances (ddof 1) over n, tr S/n, from the differences of all pairs."""
        n = len(self.rows)
        pairs = [self.at.g[i] - self.at.g[k] for i, k in combinations(self.rows, 2)]
        return sum(d @ d for d in pairs) / (n * n * (n - 1))

    def slopes(self, moving: Any = 1) -> Array:
        """ΔL[D]/λ and ΔL[D′]/λ as λ → 0, where only the parameters `moving` are stepped."""
        move = self.g_d * moving
        return self._on_both(lambda rows: self.at.slope(move, rows))

    def decreases(self, rate: Any) -> Array:
        """ΔL[D] and ΔL[D′] of one step more."""
        return self._on_both(lambda rows: self.at.decrease(self.g_d, rows, rate))

    def _on_both(self, change: Callable[[list[int]], Any]) -> Array:
        test = sum(p * change([i]) for i, p in enumerate(self.at.p))
        return np.array([change(self.rows), test])

    def gap(self) -> Any:
        """Test loss less training loss."""
        losses = self.at.case.model.loss(self.at.case.params, self.at.x, self.at.y)
        return self.at.p @ losses - losses[self.rows].sum() / len(self.rows)

    def stepped(self, rate: Any) -> "TrainedSet":
        """After one step more on the training set."""
        case = self.at.case
        moves = self.at.by_name(rate * self.g_d)
        params = case.params | {name: case.params[name] - move for name, move in moves.items()}
        return replace(self, at=Counted(replace(case, params=params)))


class TrainedSets:
    """Every sequence of n draws from a case's points, with some steps on each.

    Examples
    --------
    >>> from toy_models import make_case
    >>> trained = TrainedSets(make_case("rational", "linear"), 2, Fraction(1, 10), n_steps=1)
    >>> trained.expected(lambda one: 1)
    Fraction(1, 1)
    """

    def __init__(self, case: Case, n: int, rate: Fraction, n_steps: int) -> None:
        self.start, self.n, self.n_steps = Counted(case), n, 0
        self.rate: Any = rate if self.start.exact else float(rate)
        self.sets = [TrainedSet(p, rows, self.start) for p, rows, _ in self.start.datasets(n)]
        for _ in range(n_steps):
            self.step()

    def step(self) -> None:
        """Take one step more on each training set."""
        self.sets = [one.stepped(self.rate) for one in self.sets]
        self.n_steps += 1

    def expected(self, value: Callable[[TrainedSet], Any]) -> Any:
        """Expectation over the training sets."""
        return sum(one.chance * value(one) for one in self.sets)

    def slopes(self, moving: Any = 1) -> Array:
        """E ΔL[D]/λ and E ΔL[D′]/λ as λ → 0, where only the parameters `moving` are stepped."""
        return np.asarray(self.expected(lambda one: one.slopes(moving)))

    def decreases(self, rate: Any) -> Array:
        """E ΔL[D] and E ΔL[D′] of one step more."""
        return np.asarray(self.expected(lambda one: one.decreases(rate)))

    def reuse_factor(self) -> Any:
        """κ from losses and pairs of gradients, for left sides."""
        training, test = self.slopes()
        return (training - test) / self.expected(TrainedSet.noise)

    def moments(self) -> tuple[list[GradientMoments], list[GradientMoments], list[Any]]:
        """Moments of each training set and of the population, and chances: for right sides."""
        sets = self.sets
        return [s.own for s in sets], [s.at.moments for s in sets], [s.chance for s in sets]

    def claim(
        self, check: Check, equation: str, left: Any, right: Any, limit: bool = False
    ) -> Claim:
        """Both sides after the training; `limit` if the left side comes from a slope."""
        claim = self.start.claim(check, equation, left, right, limit)
        name = f"{claim.case}, t = {self.n_steps}"
        return replace(claim, case=name, n=self.n, learning_rate=self.rate)


def after_each_run(case: Case) -> Iterator[TrainedSets]:
    """The training sets of a case after each of ``RUNS``.

    Examples
    --------
    >>> from toy_models import make_case
    >>> [len(trained.sets) for trained in after_each_run(make_case("finite", "mlp"))]
    [16, 64, 16]
    """
    for n, rate, n_steps in RUNS:
        yield TrainedSets(case, n, rate, n_steps)
