"""At parameters that were trained on the training set: statements 4.1 to 4.3 and 4.6 to 4.9."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.counting import Counted, N
from gsnr_ref.claims.curved_location import curved_location
from gsnr_ref.claims.population import finite_support
from gsnr_ref.claims.training_sets import TrainedSet, TrainedSets, after_each_run
from gsnr_ref.inference import debiased_osgr
from gsnr_ref.osgr.finite_step import finite_step_osgr
from gsnr_ref.osgr.reused import gap_ledger, held_out_osgr, reuse_factor
from gsnr_ref.related import sample_agreement
from toy_models import FinitePopulation
from toy_models.cases import Case


def held_out(case: Case, settings: Settings) -> list[Claim]:
    """After training on D: R → R_h = E g_D·g_D′/E‖g_D‖² as λ → 0"""
    claims = []
    for trained in after_each_run(case):
        training, test = trained.slopes()
        right = held_out_osgr(*trained.moments()).value
        claims.append(trained.claim(held_out, "4.1", test / training, right, limit=True))
    return claims


def identity_with_reuse(case: Case, settings: Settings) -> list[Claim]:
    """After training on D: R_h = 1 − κ(1 − R̂), with R_h from losses"""
    claims = []
    for trained in after_each_run(case):
        training, test = trained.slopes()
        shortfall = trained.expected(TrainedSet.noise) / training  # 1 − R̂
        right = 1 - reuse_factor(*trained.moments()).value * shortfall
        left = test / training
        claims.append(trained.claim(identity_with_reuse, "4.2", left, right, limit=True))
    return claims


def on_every_dataset(case: Case, settings: Settings) -> list[Claim]:
    """On every dataset R_h = 1 − κ(1 − R̂), with R̂ its debiased OSGR: largest distance"""
    claims = []
    for trained in after_each_run(case):
        distances = []
        for one in trained.sets:
            training, test = one.slopes()
            if len(set(one.rows)) > 1:  # else no gradient varies, and κ is a/0 or 0/0
                factor = reuse_factor(one.own, one.at.moments).value
                right = training * (1 - factor * (1 - debiased_osgr(one.own)))
                distances.append(abs(test - right))
        worst = max(distances)
        claims.append(trained.claim(on_every_dataset, "4.2", worst, worst * 0, limit=True))
    return claims


def independent_parameters(case: Case, settings: Settings) -> list[Claim]:
    """κ = 1 where θ does not depend on D: at the start, and after training on other data"""
    other = TrainedSets(case, N, Fraction(1, 10), 2).sets[1].at.case
    claims = []
    for at in (case, replace(other, name=f"{case.name}, other data")):
        trained = TrainedSets(at, N, Fraction(1, 10), 0)
        left = trained.reuse_factor()
        for right in (reuse_factor(*trained.moments()).value, left * 0 + 1):
            claim = trained.claim(independent_parameters, "4.3", left, right, limit=True)
            claims.append(replace(claim, case=at.name, learning_rate=None))
    return claims


def ledger(case: Case, settings: Settings) -> list[Claim]:
    """Where all samples share one Hessian the gap grows by Σ λ g_D·(g_D − g_D′) = Σ λκ tr S/n"""
    trained = TrainedSets(curved_location(), 2, Fraction(1, 10), 0)
    growth, entries, shares = _ledger(trained, 4)
    return [trained.claim(ledger, "4.6", growth, right) for right in (entries, shares)]


def ledger_order(case: Case, settings: Settings) -> list[Claim]:
    """Elsewhere the ledger of the gap lacks a term of order 1 in the learning rate"""
    errors = []
    for n_steps in (8, 16):
        trained = TrainedSets(case, N, Fraction(1, 20) / n_steps, 0)
        growth, entries, _ = _ledger(trained, n_steps)
        errors.append(growth - entries)
    order = math.log2(abs(errors[0] / errors[1]))
    claim = trained.claim(ledger_order, "4.6", order, 1.0)
    return [replace(claim, error_bound=0.05, explanation="next term of the series, λ²")]


def _ledger(trained: TrainedSets, n_steps: int) -> tuple[Any, Any, Any]:
    """What the gap grows by in a run; and by its entries, and by κ, to first order in λ."""
    rate, before = trained.rate, trained.expected(TrainedSet.gap)
    entries, shares = 0 * rate, 0 * rate
    for _ in range(n_steps):
        own, test, chances = trained.moments()
        each = [gap_ledger([d], [d_test], rate)[0] for d, d_test in zip(own, test, strict=True)]
        entries += sum(p * entry for p, entry in zip(chances, each, strict=True))
        noise = trained.expected(TrainedSet.noise)
        shares += rate * reuse_factor(own, test, chances).value * noise
        trained.step()
    return trained.expected(TrainedSet.gap) - before, entries, shares


def finite_step(case: Case, settings: Settings) -> list[Claim]:
    """Quadratic loss: ΔL[D′]/ΔL[D] = R_h(1 − λc′/2)/(1 − λc/2): largest distance on any dataset"""
    claims = []
    for trained in after_each_run(case):
        distances = []
        for one in trained.sets:
            training, test = one.decreases(trained.rate)
            if training != 0:
                distances.append(abs(test - training * _finite_step(one, trained.rate)))
        worst = max(distances)
        claims.append(trained.claim(finite_step, "4.7", worst, worst * 0))
    return claims


def finite_step_order(case: Case, settings: Settings) -> list[Claim]:
    """ΔL[D′] − ΔL[D] R_h(1 − λc′/2)/(1 − λc/2) falls with order 3 in λ, over all datasets"""
    trained, distances = TrainedSets(case, N, Fraction(1, 10), 3), []
    for rate in (2e-3, 1e-3):
        each = []
        for one in trained.sets:
            training, test = one.decreases(rate)
            each.append(test - training * _finite_step(one, rate))
        distances.append(np.linalg.norm(each))
    order = math.log2(distances[0] / distances[1])
    claim = trained.claim(finite_step_order, "4.7", order, 3.0)
    reason = "next term of the series, λ⁴"
    return [replace(claim, learning_rate=1e-3, error_bound=0.05, explanation=reason)]


def _finite_step(one: TrainedSet, rate: Any) -> Any:
    at, rows = one.at, one.rows
    own, test = FinitePopulation(at.x[rows], at.y[rows]), finite_support(at.case)
    return finite_step_osgr(at.case.model, at.case.params, own, test, rate).value


def by_layer(case: Case, settings: Settings) -> list[Claim]:
    """R_h = Σ W_l R_l over the parts of the parameters, R_l from stepping that part alone"""
    claims = []
    for trained in after_each_run(case):
        training, _ = trained.slopes()
        own, test, chances = trained.moments()
        added: Any = 0
        for name, moving in _parts(trained.start):
            own_slope, test_slope = trained.slopes(moving)
            added += own_slope / training * (test_slope / own_slope)  # W_l R_l
            part, test_part = ([m.select([name]) for m in sets] for sets in (own, test))
            left, right = test_slope / own_slope, held_out_osgr(part, test_part, chances).value
            claim = trained.claim(by_layer, "4.8", left, right, limit=True)
            claims.append(replace(claim, case=f"{claim.case}, {name}"))
        whole = held_out_osgr(own, test, chances).value
        claims.append(trained.claim(by_layer, "4.8", added, whole, limit=True))
    return claims


def _parts(counted: Counted) -> list[tuple[str, Any]]:
    """Each named part of the parameters, and 1 where a vector of all of them belongs to it."""
    size, parts, start = len(counted.mean), [], 0
    for name in counted.case.model.trainable:
        end = start + counted.case.params[name].size
        parts.append((name, np.array([int(start <= j < end) for j in range(size)])))
        start = end
    return parts


def sample_by_sample(case: Case, settings: Settings) -> list[Claim]:
    """E u_i = g̃_z·g̃ in class z, each point a class: what a step on D gains there; in all, ‖g̃‖²"""
    counted = Counted(case)
    size = len(counted.x)
    gains: Any = np.zeros(size, counted.g.dtype)  # ΔL/λ on each point, over all training sets
    agreement: Any = np.zeros(size, counted.g.dtype)  # E u_i where sample i is that point
    for chance, rows, g_d in counted.datasets():
        gains = gains + [chance * counted.slope(g_d, [k]) for k in range(size)]
        agreement[rows[0]] += chance / counted.p[rows[0]] * sample_agreement(counted.g[rows])[0]
    claims = [
        counted.claim(sample_by_sample, "4.9", gains[k], agreement[k], limit=True)
        for k in range(size)
    ]
    claims = [replace(claim, case=f"{case.name}, point {k}") for k, claim in enumerate(claims)]
    left, right = counted.p @ gains, counted.p @ agreement
    return [*claims, counted.claim(sample_by_sample, "4.9", left, right, limit=True)]
