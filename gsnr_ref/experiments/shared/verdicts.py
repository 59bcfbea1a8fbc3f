"""The rules by which a statement is found to hold, or not, or to stay open: all of them, here.

Imports ``experiments/harness`` and ``experiments/shared/rise``.

Each answers yes, no or undecided, with the reason. What makes a curve or a number look as stated,
and is no evidence, earns no yes: an instability, a spike, half of a statement, a ratio over
nothing, error bars that nothing could miss, a handful of runs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtr

from gsnr_ref.experiments.harness import Row, Verdict, column, select, values
from gsnr_ref.experiments.shared.rise import Rise

#: Runs below which a median says nothing: of 5, lowest and highest enclose it in 94 % of cases.
FEWEST_RUNS = 5
#: Settings below which a correlation over them says nothing.
FEWEST_SETTINGS = 8
#: Pearson over settings, the lowest that the paper reports. It speaks of the paper's estimator.
PAPERS_LOWEST_CORRELATION = 0.907
#: A curve rises where it does by a tenth.
RISE = 1.1


def all_parts(*parts: Verdict) -> Verdict:
    """Of a statement in parts: yes where every part came out, no where one did not.

    Examples
    --------
    >>> print(all_parts(Verdict("yes", "negative early"), Verdict("no", "never positive")))
    no: never positive
    """
    for word in ("no", "undecided"):
        if reasons := [part.reason for part in parts if part.word == word]:
            return Verdict(word, "; ".join(reasons))
    return Verdict("yes", "; ".join(part.reason for part in parts))


def contrary(verdict: Verdict) -> Verdict:
    """Of the statement's negation.

    Examples
    --------
    >>> print(contrary(Verdict("yes", "rises by half")))
    no: rises by half
    """
    words = {"yes": "no", "no": "yes"}
    return Verdict(words.get(verdict.word, verdict.word), verdict.reason)


def median_at_least(of_runs: Sequence[float], threshold: float, what: str) -> Verdict:
    """Whether the median over independent runs reaches a threshold.

    Decided where an interval for the median, between two order statistics (at least 90 %, whatever
    the distribution), lies on one side of it.

    Examples
    --------
    >>> print(median_at_least([1.2, 1.3, 1.5, 1.4, 1.2], 1.1, "rise"))
    yes: rise 1.3, median of 5 runs, between 1.2 and 1.5
    >>> print(median_at_least([1.2, 40.0], 1.1, "rise"))
    undecided: 2 runs; a median needs at least 5
    """
    n = len(of_runs)
    if n < FEWEST_RUNS:
        return Verdict("undecided", f"{n} runs; a median needs at least {FEWEST_RUNS}")
    if not np.isfinite(of_runs).all():
        return Verdict("undecided", f"{what} is not finite in every run")
    k = max(k for k in range(n // 2) if 1 - 2 * bdtr(k, n, 0.5) >= 0.9)
    ordered = np.sort(of_runs)
    low, high = ordered[k], ordered[n - 1 - k]
    told = f"{what} {np.median(ordered):.3g}, median of {n} runs, between {low:.3g} and {high:.3g}"
    word = "yes" if low >= threshold else "no" if high < threshold else "undecided"
    return Verdict(word, told)


# --- curves along training


class Curve(NamedTuple):
    """What one run gives: something over steps, and the training loss at them."""

    at: NDArray[np.float64]
    values: NDArray[np.float64]
    training_loss: NDArray[np.float64] | None


def curves(rows: list[Row], name: str) -> list[Curve]:
    """A curve a repetition, without a training loss where the rows have none."""
    runs = [select(rows, repetition=repetition) for repetition in values(rows, "repetition")]
    return [
        Curve(
            column(run, "step"),
            column(run, name),
            column(run, "training_loss") if all("training_loss" in row for row in run) else None,
        )
        for run in runs
    ]


_NO_LOSS = Verdict("undecided", "the rows do not tell whether the training loss fell meanwhile")


def rises(runs: list[Curve], by: float = RISE) -> Verdict:
    """Whether a curve rises early, within a run and while the training loss falls."""
    if any(run.training_loss is None for run in runs):
        return _NO_LOSS
    return median_at_least([Rise.of(*run).factor for run in runs], by, "rise ×")


def falls(runs: list[Curve]) -> Verdict:
    """Whether a curve falls throughout: no early rise, and lower at the end than at the start.

    A rise at an instability is no evidence against it, and leaves it undecided.
    """
    calm = contrary(rises(runs))
    if calm.word != "yes":
        return calm
    factors = [Rise.of(run.at, run.values).factor for run in runs]
    anywhere = contrary(median_at_least(factors, RISE, "rise, the training loss falling or not, ×"))
    if anywhere.word != "yes":
        return Verdict("undecided", anywhere.reason)
    ends = [float(run.values[-1] / run.values[0]) for run in runs]
    return all_parts(calm, contrary(median_at_least(ends, 1.0, "last over first value")))


def stays_low(low: list[Curve], high: list[Curve]) -> Verdict:
    """Whether the highest value of a curve is below half of that of another, run by run.

    While the training loss falls, in both.
    """
    if any(run.training_loss is None for run in (*low, *high)):
        return _NO_LOSS
    ratios = [
        lasting_maximum(_calm(one)) / lasting_maximum(_calm(other))
        for one, other in zip(low, high, strict=True)
    ]
    return contrary(median_at_least(ratios, 0.5, "highest over highest value"))


def turns(runs: list[Curve], to: float) -> Verdict:
    """Whether a curve is negative early, and reaches `to` later: both, while the loss falls.

    Early is the first third of the measured steps.
    """
    if any(run.training_loss is None for run in runs):
        return _NO_LOSS
    calm = [_calm(run) for run in runs]
    third = [max(len(run.values) // 3, 1) for run in runs]
    early = [curve[:end] for curve, end in zip(calm, third, strict=True)]
    later = [curve[end:] for curve, end in zip(calm, third, strict=True)]
    tops = [lasting_maximum(curve) if len(curve) else float("nan") for curve in later]
    return all_parts(
        contrary(median_at_least([float(e.mean()) for e in early], 0, "early mean")),
        median_at_least(tops, to, "highest later value"),
    )


def reaches(runs: list[Curve], threshold: float) -> Verdict:
    """Whether a curve reaches a threshold for two measured steps, while the training loss falls."""
    if any(run.training_loss is None for run in runs):
        return _NO_LOSS
    tops = [lasting_maximum(_calm(run)) for run in runs]
    return median_at_least(tops, threshold, "highest value")


def rise_text(runs: list[Curve]) -> str:
    """First and last value, and the rise within a run, in words: medians over runs."""
    first, last = (np.median([run.values[k] for run in runs]) for k in (0, -1))
    found = [Rise.of(*run) for run in runs]
    factor, start, top = (
        np.median([getattr(rise, name) for rise in found]) for name in ("factor", "start", "top")
    )
    text = f"{first:.3g} at step {runs[0].at[0]:.0f}, {last:.3g} at step {runs[0].at[-1]:.0f}; "
    when = " while the training loss falls" if runs[0].training_loss is not None else ""
    text += f"early rise within a run{when} × {factor:.2f}, from step {start:.0f} to {top:.0f}"
    return f"{text} (median{'' if len(runs) == 1 else 's'} of {len(runs)})"


def lasting_maximum(curve: NDArray[np.float64]) -> float:
    """The highest level that is kept for two measured steps in a row.

    Examples
    --------
    >>> lasting_maximum(np.array([1.0, 9.0, 2.0, 3.0]))
    2.0
    """
    return float(np.minimum(curve[:-1], curve[1:]).max() if len(curve) > 1 else curve[0])


def _calm(run: Curve) -> NDArray[np.float64]:
    """The values up to the first step at which the training loss is not the lowest so far."""
    loss = run.training_loss
    assert loss is not None
    jumps = np.flatnonzero(loss > np.minimum.accumulate(loss))
    return run.values[: jumps[0]] if len(jumps) else run.values


# --- two sides of an equation


def agree(
    apart: NDArray[np.float64],
    errors: NDArray[np.float64],
    degrees: int,
    *,
    paired: bool = True,
    resolution: float = 0.1,
) -> Verdict:
    """Whether two sides are equal in every setting, as far as standard errors tell.

    Student's t with the errors' degrees of freedom, and the smallest of the settings' p-values
    times their number: no below 0.001, yes from 0.01 on. No yes where half of the errors are wider
    than `resolution`, or are not those of the paired difference: then they may be too large, if at
    most by as much as both sides' errors together, which is what `errors` has to hold.

    Examples
    --------
    >>> apart = np.array([0.01, -0.02])
    >>> print(agree(apart, np.array([0.01, 0.01]), degrees=9))
    yes: largest distance 2.0 standard errors over 2 settings (p = 0.15 with all of them counted)
    >>> print(agree(apart, np.array([10.0, 10.0]), degrees=9))
    undecided: half of the standard errors are above 0.1: nothing could miss them
    """
    known = np.isfinite(apart) & np.isfinite(errors) & (errors > 0)
    if not known.all() or not len(known):
        return Verdict("undecided", f"{int((~known).sum())} settings have no standard error")
    t = np.abs(apart) / errors
    p = min(1.0, 2 * float(stdtr(degrees, -t.max())) * len(t))
    told = f"largest distance {t.max():.1f} standard errors over {len(t)} settings "
    told += f"(p = {p:.2g} with all of them counted)"
    if p < 0.001:
        return Verdict("no", told)
    if p < 0.01:
        return Verdict("undecided", told)
    if np.median(errors) > resolution:
        wide = f"half of the standard errors are above {resolution:g}: nothing could miss them"
        return Verdict("undecided", wide)
    if not paired:
        return Verdict("undecided", "the two sides share draws, and the rows have no paired error")
    return Verdict("yes", told)


def close(apart: NDArray[np.float64], margin: float) -> Verdict:
    """Whether two sides are equal but for rounding, or another error of a known size.

    Examples
    --------
    >>> print(close(np.array([1e-12, -2e-12]), 1e-9))
    yes: largest distance 2e-12 over 2 points, 1e-09 expected at most
    """
    if not len(apart) or not np.isfinite(apart).all():
        return Verdict("undecided", "there is no point, or one without a value")
    worst = float(np.abs(apart).max())
    told = f"largest distance {worst:.1g} over {len(apart)} points, {margin:g} expected at most"
    return Verdict("yes" if worst <= margin else "no", told)


def mostly_within(
    apart: NDArray[np.float64], errors: NDArray[np.float64], resolution: float = 0.1
) -> Verdict:
    """Whether two sides are within 2 standard errors of each other in 90 % of at least 10 points.

    No where even a share of 90 % would give so few in less than 1 of 1,000 cases.

    Examples
    --------
    >>> print(mostly_within(np.full(30, 0.01), np.full(30, 0.01)))
    yes: 30 of 30 points within 2 standard errors
    """
    n, near = len(apart), int((np.abs(apart) <= 2 * errors).sum())
    told = f"{near} of {n} points within 2 standard errors"
    if n < 10:
        return Verdict("undecided", f"{told}; 10 points are needed")
    if bdtr(near, n, 0.9) < 0.001:
        return Verdict("no", told)
    if near < 0.9 * n or np.median(errors) > resolution:
        return Verdict("undecided", f"{told}, of a median size of {np.median(errors):.2g}")
    return Verdict("yes", told)


# --- OSGR along training, from rows of `both_sides`

_TELLS_NOTHING = ("training_decrease", "training_decrease_error", "sets_past_edge")


def meaningful(rows: list[Row]) -> list[Row] | None:
    """Rows whose measured OSGR is over something; None where they do not tell.

    The mean training decrease is more than 2 standard errors above 0, and no set has λc ≥ 2: its
    training loss would rise, and its ratio would mean nothing.
    """
    if not all(name in row for row in rows for name in _TELLS_NOTHING):
        return None
    return [
        row
        for row in rows
        if row["training_decrease"] > 2 * row["training_decrease_error"]
        and not row["sets_past_edge"]
    ]


def correlate(rows: list[Row], threshold: float = PAPERS_LOWEST_CORRELATION) -> Verdict:
    """Whether measured OSGR and the paper's estimate correlate at every epoch.

    Over settings whose ratio is over something, and whichever of them is left out: no single one
    decides.
    """
    told, no = [], False
    for epoch in values(rows, "epoch"):
        here = meaningful(select(rows, epoch=epoch))
        if here is None:
            return Verdict("undecided", "the rows do not tell which ratios are over nothing")
        if len(here) < FEWEST_SETTINGS:
            few = f"{len(here)} settings are left at epoch {epoch}; {FEWEST_SETTINGS} are needed"
            return Verdict("undecided", few)
        pairs = np.array([column(here, "measured"), column(here, "paper")])
        without = [float(np.corrcoef(np.delete(pairs, k, axis=1))[0, 1]) for k in range(len(here))]
        told.append((min(without), max(without), epoch))
        no |= not max(without) >= threshold
    low, high, epoch = min(told)
    reason = f"lowest at epoch {epoch}: {low:.3f} to {high:.3f}, leaving one setting out"
    return Verdict("no" if no else "yes" if low >= threshold else "undecided", reason)


def coincide(rows: list[Row], n_sets: int) -> Verdict:
    """Whether both sides are equal, by d = (estimate of ‖g̃‖²) − ΔL[D′]/λ of each set.

    Less the same of the training set itself, ‖g_D‖² − ΔL[D]/λ: what a finite step bends is in both.
    The expectation of what is left, (ΔL[D] − ΔL[D′])/λ − tr S/n, is 0 where θ is independent of D,
    up to O(λ/n): equation 14. Predicted and measured OSGR themselves share ‖g_D‖², and their errors
    are not independent.
    """
    here = meaningful(rows)
    if here is None or not all("difference" in row for row in rows):
        return Verdict("undecided", "the rows have no paired difference of the two sides")
    if len(here) < len(rows) or not here:
        return Verdict("undecided", f"{len(rows) - len(here)} settings have a ratio over nothing")
    return agree(column(here, "difference"), column(here, "difference_error"), n_sets - 1)
