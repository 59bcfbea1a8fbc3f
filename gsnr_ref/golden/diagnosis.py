"""What went wrong: the known mistake whose wrong values a backend has computed.

Imports ``golden/case``, ``golden/compare`` and ``golden/mistakes``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import Array
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.compare import Path, QuantityReport, allowed_error, is_close, leaves_of
from gsnr_ref.golden.mistakes import Mistake, mistakes

#: A wrong value is recognized within this relative distance (or a hundredth of its distance from
#: the right one, if that is less), or ten times what a right one may err.
RECOGNIZED = {"float64": 1e-6, "float32": 1e-3}


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake that explains wrong values.

    Attributes
    ----------
    mistake : Mistake
    quantities : tuple of str
        Failing quantities that it explains.
    whole : bool
        Whether it explains every failing quantity, and no right one contradicts it.

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> case = golden.load("linear-eight-samples")
    >>> wrong = golden.mistakes()["half-missing"].wrong(case)
    >>> [d.mistake.id for d in golden.compare(case, case.expected | wrong).diagnoses]
    ['half-missing']
    """

    mistake: Mistake
    quantities: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        where = ", ".join(self.quantities)
        return (
            f"{where}: {self.mistake.title} [{self.mistake.id}]. {self.mistake.remedy} "
            f"See {self.mistake.seen[0]}"
        )


def diagnose(
    case: GoldenCase, reports: Sequence[QuantityReport], tolerance: float, dtype: str
) -> list[Diagnosis]:
    """Name the mistakes that explain what failed: those that explain everything, or else parts."""
    failing = [r for r in reports if not r.passed]
    if not failing:
        return []
    found = []
    for mistake in mistakes().values():
        wrong = mistake.wrong(case)
        matches = {
            r.quantity: _matches(case, r, mistake.id, wrong, tolerance, dtype) for r in reports
        }
        core = _CORE.get(mistake.id, tuple(wrong))
        explained = tuple(
            r.quantity
            for r in failing
            if r.quantity in core
            and matches[r.quantity]
            and (mistake.id in _SPECIAL or _changes(case, r.quantity, wrong, tolerance))
        )
        if explained:
            found.append(Diagnosis(mistake, explained, whole=all(matches.values())))
    found.sort(key=lambda d: d.mistake.id in _SPECIAL)  # exact matches before plausible ones
    wholes = [d for d in found if d.whole]
    if wholes:
        return wholes
    # No single mistake explains everything: the fewest that explain most, one after the other.
    chosen: list[Diagnosis] = []
    left = {r.quantity for r in failing}
    while found:
        best = max(found, key=lambda d: len(left & set(d.quantities)))
        if not left & set(best.quantities):
            break
        chosen.append(best)
        left -= set(best.quantities)
    return chosen


def _matches(
    case: GoldenCase,
    report: QuantityReport,
    id: str,
    wrong: dict[str, Any],
    tolerance: float,
    dtype: str,
) -> bool:
    """Whether a quantity is what the mistake makes of it: wrong, or right where it does no harm."""
    if report.quantity not in wrong:
        return report.passed
    if id in _SPECIAL and not report.passed:
        return _SPECIAL[id](case, report, tolerance)
    for path, made, right, allowed in _made(case, report.quantity, wrong, tolerance):
        got = report.got.get(path)
        if got is None or got.shape != made.shape:
            return False
        apart = np.abs(made - right) if made.shape == right.shape else np.abs(made)
        share = np.minimum(RECOGNIZED[dtype] * np.abs(made), 0.01 * apart)
        near = np.maximum(10 * allowed, np.where(np.isfinite(share), share, 0.0))
        if not is_close(got.astype(np.float64), made, near).all():
            return False
    return len(report.got) == len(dict(leaves_of(wrong[report.quantity])))


def _made(
    case: GoldenCase, quantity: str, wrong: dict[str, Any], tolerance: float
) -> Iterator[tuple[Path, Array, Array, Array]]:
    """Path, what the mistake makes, what is right, and the error that a right value may have."""
    right = dict(leaves_of(case.expected[quantity]))
    condition = dict(leaves_of(case.condition[quantity]))
    for path, value in leaves_of(wrong[quantity]):
        made, want, k = np.asarray(value), np.asarray(right[path]), np.asarray(condition[path])
        if made.shape != want.shape:
            k = np.full(made.shape, k.max(initial=0.0))
        with np.errstate(invalid="ignore"):
            yield path, made, want, allowed_error(made, k, tolerance)


def _changes(case: GoldenCase, quantity: str, wrong: dict[str, Any], tolerance: float) -> bool:
    """Whether a mistake makes a difference to a quantity that can be told from rounding."""
    return any(
        made.shape != right.shape or not is_close(made, right, 10 * allowed).all()
        for _, made, right, allowed in _made(case, quantity, wrong, tolerance)
    )


def _moments(case: GoldenCase, report: QuantityReport) -> Iterator[tuple[Array, ...]]:
    """Got, mean², variance and condition of a variance or a GSNR, parameter by parameter."""
    variances = case.expected[f"variance_{report.quantity.rpartition('_')[2]}"]
    for name, variance in variances.items():
        got, mean = report.got.get((name,)), case.expected["mean"][name]
        if got is not None and got.shape == mean.shape:
            condition = case.condition[report.quantity][name]
            yield got.astype(np.float64), mean * mean, variance, condition


def _cancelled(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Errors of the size that E g² − (E g)² makes: a few roundings of mean² + variance."""
    if report.quantity not in _MOMENTS:  # what follows from a noisy variance is noise too
        return True
    for got, square, variance, _ in _moments(case, report):
        with np.errstate(all="ignore"):
            implied = square / got if report.quantity.startswith("gsnr") else got
            error = np.abs(np.where(np.isnan(implied), 0, implied) - variance)
        if not (error <= tolerance * (square + variance)).all():
            return False
    return True


def _tails(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Errors of a few roundings of the largest loss or gradient, not of the value itself."""
    if report.quantity not in _TAILS:
        return True
    pairs = leaves_of(case.expected[report.quantity])
    expected = {path: np.asarray(value) for path, value in pairs}
    if {p: g.shape for p, g in report.got.items()} != {p: e.shape for p, e in expected.items()}:
        return False
    scale = max(1.0, *(float(np.abs(e).max()) for e in expected.values()))
    return all(
        (np.abs(got - expected[path]) <= tolerance * scale).all()
        for path, got in report.got.items()
    )


def _constant_added(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """mean²/GSNR − variance is the same positive constant for every parameter."""
    constants, noise = [], 0.0
    for got, square, variance, condition in _moments(case, report):
        if (got[square == 0] != 0).any():
            return False
        with np.errstate(all="ignore"):
            added = square / got - variance
            error = tolerance * ((1 + condition) * variance + square)
        known = (square > 0) & (added > 10 * error)
        if ((square > 0) & (added < -10 * error)).any():
            return False
        constants.append(added[known])
        noise = max(noise, float(error[known].max(initial=0)))
    every = np.concatenate(constants) if constants else np.array([])
    if not len(every) or not np.isfinite(every).all():
        return False
    return bool(np.ptp(every) <= 1e-3 * every.max() + 2 * noise)


_MOMENTS = ("variance_ddof0", "variance_ddof1", "gsnr_ddof0", "gsnr_ddof1")
_TAILS = ("losses", "per_sample_gradients")
#: Mistakes whose wrong values depend on rounding or on a constant that is not known.
_SPECIAL = {
    "one-pass-variance": _cancelled,
    "tails-lost": _tails,
    "epsilon-in-denominator": _constant_added,
}
#: Quantities that have to be among the explained ones.
_CORE = {"one-pass-variance": _MOMENTS, "tails-lost": _TAILS}


def factor(case: GoldenCase, report: QuantityReport) -> str:
    """The constant by which a quantity is off, with its name: "too large by exactly B² = 64"."""
    expected = dict(leaves_of(case.expected[report.quantity]))
    ratios = []
    for path, want in expected.items():
        got = report.got.get(path)
        if got is None or got.shape != np.shape(want):
            return ""
        keep = np.isfinite(want) & (np.asarray(want) != 0)
        with np.errstate(all="ignore"):
            ratios.append((got.astype(np.float64) / want)[keep].ravel())
    every = np.concatenate(ratios) if ratios else np.array([])
    if not len(every) or not np.isfinite(every).all() or every.min() <= 0:
        return ""
    value = float(np.median(every))
    if np.ptp(every) > 1e-5 * value or abs(value - 1) < 1e-5:
        return ""
    size, inverse = ("large", value) if value > 1 else ("small", 1 / value)
    for name, number in _constants(case).items():
        if number > 1 and abs(inverse / number - 1) < 1e-5:
            return f"too {size} by exactly {name} = {number:.6g}"
    return f"too {size} by a constant factor, {inverse:.6g}"


def _constants(case: GoldenCase) -> dict[str, float]:
    n, c = len(case.x), case.n_outputs
    scale = float(case.model["loss"]["scale"])
    bessel = {"n/(n − 1)": n / (n - 1)} if n > 1 else {}
    return {
        "B²": n**2.0, "B": float(n), **bessel, "2": 2.0, "4": 4.0, "C": float(c), "C²": c**2.0,
        "C/2": c / 2, "C²/4": c**2 / 4, "1/ln 2": 1 / np.log(2), "1/(ln 2)²": np.log(2) ** -2,
        "the scale of the loss": scale, "the squared scale of the loss": scale**2,
        "one over the scale of the loss": 1 / scale,
    }  # fmt: skip
