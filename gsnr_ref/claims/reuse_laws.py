"""The laws of reuse, and leave-one-out: statements 4.4, 4.5 and 4.10 to 4.12."""

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Check, Claim, Settings, title
from gsnr_ref.claims.counting import Counted
from gsnr_ref.claims.curved_location import curved_location
from gsnr_ref.claims.population import finite_support
from gsnr_ref.claims.training_sets import RUNS, TrainedSet, TrainedSets
from gsnr_ref.closed_form import TrainedClosedForm, trained_location_model
from gsnr_ref.contract import Array, Params, flat_rows
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.osgr.influence import ReuseLaw, reuse_law
from gsnr_ref.osgr.leave_one_out import leave_one_out_run
from toy_models import FinitePopulation
from toy_models.cases import Case

_SIZES, _STEPS, _RATE = (32, 64, 128), 6, 0.1
# An order is off by half of what it is at half the size; what two sizes leave, by a quarter.
_NEXT = "next term: 0.1, or twice the order's change from size to size"
_LARGE = "1/n², three times what it is, at all steps together"


def _on_location() -> Iterator[tuple[TrainedSets, TrainedClosedForm, ReuseLaw]]:
    """After each run: every training set of the curved location model, and the right sides."""
    case = curved_location()
    points, theta = finite_support(case), case.params["location.bias"]
    mean = points.probabilities @ points.y
    variance = points.probabilities @ (points.y - mean) ** 2
    curvature: Any = case.model
    for n, rate, t in RUNS:
        closed = trained_location_model(theta, mean, variance, curvature.curvature, n, rate, t)
        law = reuse_law(case.model, case.params, points, rate, t)
        yield TrainedSets(case, n, rate, t), closed, law


def trained_location(case: Case, settings: Settings) -> list[Claim]:
    """Location model with curvature after t steps on D: κ, R_h, and R(λ) at λ = 1/4"""
    claims = []
    for trained, closed, _ in _on_location():
        training, test = trained.slopes()
        rate = Fraction(1, 4)
        decrease, test_decrease = trained.decreases(rate)
        for left, right in (
            (trained.reuse_factor(), closed.reuse_factor),
            (test / training, closed.osgr()),
            (test_decrease / decrease, closed.osgr(rate)),
        ):
            claims.append(trained.claim(trained_location, "4.4", left, right))
    return claims


def law_on_location(case: Case, settings: Settings) -> list[Claim]:
    """Law of the reuse factor: exact on the location model with curvature"""
    return [
        trained.claim(law_on_location, "4.5", trained.reuse_factor(), law.reuse_factor[-1])
        for trained, _, law in _on_location()
    ]


def gap_on_location(case: Case, settings: Settings) -> list[Claim]:
    """Law of the gap: n·E(test − training loss), exact on the location model with curvature"""
    claims = []
    for trained, closed, law in _on_location():
        left = trained.expected(TrainedSet.gap)
        for right in (law.scaled_gap[-1] / trained.n, closed.gap):
            claims.append(trained.claim(gap_on_location, "4.10", left, right))
    return claims


def law_of_reuse(case: Case, settings: Settings) -> list[Claim]:
    """Law of the reuse factor: every training set's κ less the law is of order 1 in 1/n"""
    return _law(law_of_reuse, "4.5", case, "reuse_factor")


def law_of_the_gap(case: Case, settings: Settings) -> list[Claim]:
    """Law of the gap: n·E(test − training loss) less the law is of order 1 in 1/n"""
    return _law(law_of_the_gap, "4.10", case, "scaled_gap")


def law_of_osgr(case: Case, settings: Settings) -> list[Claim]:
    """The theorem along training: n(1 − R_h) less κ/r_eff is of order 1 in 1/n"""
    return _law(law_of_osgr, "4.11", case, "scaled_shortfall")


def _law(check: Check, equation: str, case: Case, name: str) -> list[Claim]:
    """The order, over all steps; and the law after the last, from sizes that remove 1/n."""
    points = finite_support(case)
    two = FinitePopulation(points.x[:2], points.y[:2], np.array([1 / 3, 2 / 3]))
    law = getattr(reuse_law(case.model, case.params, two, _RATE, _STEPS), name)
    small, middle, large = (_along_training(case, two, n)[name] for n in _SIZES)
    distances = [np.linalg.norm((real - law)[1:]) for real in (small, middle, large)]
    order, of_order = _order(distances)
    rough, fine = 2 * middle - small, 2 * large - middle
    of_value = float(np.linalg.norm(fine - rough))
    on, n = f"{case.name}, two points", _SIZES[-1]
    return [
        Claim(title(check), equation, order, 1.0, of_order, _NEXT, on, n, _RATE),
        Claim(title(check), equation, fine[-1], law[-1], of_value, _LARGE, on, n, _RATE),
    ]


def _order(distances: list[Any]) -> tuple[float, float]:
    """Order in 1/n from distances at three sizes that double, and how far off it may be."""
    coarse, order = np.log2(np.divide(distances[:-1], distances[1:])).tolist()
    return order, max(0.1, 2 * abs(order - coarse))


def _along_training(case: Case, points: FinitePopulation, n: int) -> dict[str, Array]:
    """κ, n·gap and n(1 − R_h) at every step, over all training sets of n draws from two points."""
    p, sums = points.probabilities, np.zeros((4, _STEPS + 1))
    for count in range(n + 1):
        chance = math.comb(n, count) * p[0] ** count * p[1] ** (n - count)
        share, params = np.array([count / n, 1 - count / n]), case.params
        for t in range(_STEPS + 1):
            rows = per_sample_gradients(case.model, params, points.x, points.y, "loop")
            g = flat_rows(rows)
            g_d, losses = share @ g, case.model.loss(params, points.x, points.y)
            noise = share @ ((g - g_d) ** 2).sum(axis=1) / (n - 1)  # tr S/n, ddof 1
            reused = g_d @ (g_d - p @ g)
            sums[:, t] += chance * np.array([reused, noise, g_d @ g_d, (p - share) @ losses])
            params = _moved(params, rows, share)
    reused, noise, squares, gap = sums
    return {
        "reuse_factor": reused / noise,
        "scaled_gap": n * gap,
        "scaled_shortfall": n * reused / squares,
    }


def _moved(params: Params, rows: Params, weights: Array, rate: Any = _RATE) -> Params:
    """One step on weighted points."""
    step = {name: np.tensordot(weights, g, axes=1) for name, g in rows.items()}
    return params | {name: params[name] - rate * move for name, move in step.items()}


def leave_one_out(case: Case, settings: Settings) -> list[Claim]:
    """Leave-one-out along training, quadratic loss: gap, R_h and κ of n real runs, exactly"""
    counted, rate, steps = Counted(case), Fraction(1, 10), (0, 1, 3)
    x, y = counted.x, counted.y
    run = leave_one_out_run(case.model, case.params, x, y, rate, steps)
    claims = []
    for k, t in enumerate(steps):
        real = _left_out(case, counted, np.ones(len(x), int), rate, t)
        for left, right in zip(real, (run.gap[k], run.osgr[k], run.reuse_factor[k]), strict=True):
            claim = counted.claim(leave_one_out, "4.12", left, right)
            name = f"{case.name}, t = {t}"
            claims.append(replace(claim, case=name, n=len(x), learning_rate=rate))
    return claims


def leave_one_out_order(case: Case, settings: Settings) -> list[Claim]:
    """Leave-one-out along training: what the gap lacks of n real runs is of order 2 in 1/n"""
    counted, steps, errors = Counted(case), range(1, _STEPS + 1), []
    for copies in (16, 32, 64):  # of every point: as many real runs as there are points
        x, y = np.tile(counted.x, (copies, 1)), np.tile(counted.y, copies)
        run = leave_one_out_run(case.model, case.params, x, y, _RATE, steps)
        counts = np.full(len(counted.x), copies)
        real = np.array([_left_out(case, counted, counts, _RATE, t)[0] for t in steps])
        errors.append(np.linalg.norm(run.gap - real))
    order, bound = _order(errors)
    name = title(leave_one_out_order)
    return [Claim(name, "4.12", order, 2.0, bound, _NEXT, case.name, len(x), _RATE)]


def _left_out(case: Case, counted: Counted, counts: Array, rate: Any, t: int) -> tuple[Any, ...]:
    """Gap, R_h and κ of real runs without one sample of `counts` copies of each point."""
    n, points = counts.sum(), (counted.x, counted.y)

    def trained(kept: Array) -> Counted:
        share, at = kept * (counted.rate * 0 + 1) / kept.sum(), counted
        for _ in range(t):
            moves = at.by_name(rate * (share @ at.g))
            params = at.case.params
            params = params | {name: params[name] - move for name, move in moves.items()}
            at = Counted(replace(case, params=params))
        return at

    seen = case.model.loss(trained(counts).case.params, *points)
    gap: Any = 0
    sums: Any = np.zeros(3, counted.g.dtype)
    for i, count in enumerate(counts):
        kept = counts - (np.arange(len(counts)) == i)
        at = trained(kept)
        gap += count * (case.model.loss(at.case.params, *points)[i] - seen[i])
        g_d = kept @ at.g / (n - 1)
        noise = kept @ ((at.g - g_d) ** 2).sum(axis=1) / ((n - 2) * (n - 1))
        sums = sums + count * np.array([g_d @ at.g[i], g_d @ g_d, noise])
    across, squares, noise = sums
    return gap / n, across / squares, (squares - across) / noise
