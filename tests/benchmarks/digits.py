"""Correct digits of variance and GSNR: ``python -m tests.benchmarks.digits --page docs/digits.md``.

Against exact rationals of the very numbers given, for this package, NumPy, PyTorch and the formulas
that others use. No speed is measured, and the page comes out the same on every machine, but for the
last digit or so of sums that a library takes in its own order.
"""

import argparse
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gsnr_ref import GradientMoments, PrecisionWarning, RangeError, gsnr
from gsnr_ref.moments.products import TOLERANCE, product_sums

Array = Any
UNIT = 2.0**-53
#: A float64 has 15.95 digits: at more than 15 the order of two routes is luck.
MOST_DIGITS = 15.0
#: Digits that one of two routes which are alike may lose by chance in the worst of eight columns.
CHANCE = 0.6
#: Fewer correct digits than these are wrong.
WRONG = 3.0


# --- the truth, and how far from it the code may be


def exact(column: Array) -> tuple[Fraction, Fraction]:
    """Mean and variance (ddof 0) of some floats, without rounding."""
    ratios = [float(v).as_integer_ratio() for v in column]
    scale = max(d for _, d in ratios)  # all of them are powers of 2
    whole = [m * (scale // d) for m, d in ratios]
    n, total, squares = len(whole), sum(whole), sum(w * w for w in whole)
    return Fraction(total, n * scale), Fraction(n * squares - total * total, (n * scale) ** 2)


def variance_bound(n: int) -> float:
    """Largest relative error of `two_pass_sums` in m2, of n samples in one block: see its notes."""
    depth = math.log2(n) + 31
    first = 2 * math.sqrt(n + 1) + 2 * depth + 3
    return first * UNIT + (2 * depth + 2) ** 2 * (n + 1) * UNIT**2


def gsnr_bound(n: int, ratio: float) -> float:
    """Largest relative error of a GSNR: that of the mean twice, of the variance, and 5 roundings.

    The mean is out by (√(n + 1) + 2d + 3)u √(m2/n) at most, d = log₂n + 31, and √(m2/n) is
    |mean|/√GSNR.
    """
    of_mean = (math.sqrt(n + 1) + 2 * (math.log2(n) + 31) + 3) * UNIT / math.sqrt(ratio)
    return 2 * of_mean + of_mean**2 + variance_bound(n) + 5 * UNIT


def digits(value: float, truth: Fraction) -> float:
    """Correct decimal digits, 17 at most, and none of what is not finite."""
    if not math.isfinite(value):
        return 0.0
    error = abs(Fraction(float(value)) - truth)
    if error == 0:
        return 17.0
    relative = error / abs(truth)
    # a quotient of whole numbers may leave the range of floats; its logarithm does not
    return min(17.0, max(0.0, math.log10(relative.denominator) - math.log10(relative.numerator)))


# --- the routes: variance and GSNR of the columns of g, shape (n, n_columns), in its own dtype


def of_samples(g: Array) -> Any:
    moments = GradientMoments.from_samples(g)
    return moments.variance(), gsnr(moments)


def never_formed(g: Array) -> Any:
    """As a dense layer's: products of inputs and deltas, here of g and 1."""
    sums = product_sums(g, np.ones((len(g), 1), g.dtype))
    moments = GradientMoments.of_sums(len(g), {"weight": sums})
    return moments.variance()["weight"][:, 0], gsnr(moments)["weight"][:, 0]


def numpy_two_pass(g: Array) -> Any:
    mean, variance = g.mean(axis=0), g.var(axis=0)
    return variance, mean**2 / variance


def numpy_in_float64(g: Array) -> Any:
    return numpy_two_pass(g.astype(float))


def torch_var_mean(g: Array) -> Any:
    import torch

    variance, mean = torch.var_mean(torch.tensor(g), dim=0, correction=0)
    return variance.numpy(), (mean**2 / variance).numpy()


def backpack(g: Array) -> Any:
    """BackPACK's Variance: E g² − (E g)²."""
    mean = g.mean(axis=0)
    variance = (g**2).mean(axis=0) - mean**2
    return variance, mean**2 / variance


def cockpit(g: Array) -> Any:
    """Cockpit's MeanGSNR: grad²/(B·Σ(gᵢ/B)² − grad² + 1e-5). It has no variance."""
    n, grad = g.dtype.type(len(g)), g.mean(axis=0)
    return None, grad**2 / (n * ((g / n) ** 2).sum(axis=0) - grad**2 + g.dtype.type(1e-5))


def welford(g: Array) -> Any:
    mean, squares = np.zeros_like(g[0]), np.zeros_like(g[0])
    for i, row in enumerate(g, start=1):
        delta = row - mean
        mean = mean + delta / g.dtype.type(i)
        squares = squares + delta * (row - mean)
    variance = squares / g.dtype.type(len(g))
    return variance, mean**2 / variance


OURS, FORMED = "gsnr_ref", "gsnr_ref, products never formed"
ROUTES: dict[str, Callable[[Array], Any]] = {
    OURS: of_samples,
    FORMED: never_formed,
    "NumPy two-pass": numpy_two_pass,
    "NumPy two-pass, in float64": numpy_in_float64,
    "torch.var_mean": torch_var_mean,
    "Welford": welford,
    "BackPACK's formula": backpack,
    "Cockpit's formula": cockpit,
}


# --- the cells


@dataclass(frozen=True)
class Cell:
    """Samples of which mean/deviation, deviation, number and dtype are (nearly) given."""

    ratio: float = 1.0
    scale: float = 1.0
    n: int = 100
    dtype: str = "float64"

    def samples(self) -> Array:
        """Shape (n, n_columns): eight parameters, fewer where there are many samples."""
        rng = np.random.default_rng(0)
        noise = rng.standard_normal((self.n, min(8, max(1, 80_000 // self.n))))
        noise -= noise.mean(axis=0)
        noise /= noise.std(axis=0)
        return ((self.ratio + noise) * self.scale).astype(self.dtype)


@dataclass(frozen=True)
class Outcome:
    """Correct digits in the worst column (None: it gives no such number), and what was said."""

    variance: float | None
    gsnr: float | None
    said: str = ""


def outcome(route: Callable[[Array], Any], g: Array, truths: list[Any]) -> Outcome:
    """Of one route on the columns of g, whose means and variances are known."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            variance, ratio = route(g)
        except RangeError:
            return Outcome(0.0, 0.0, "refused")
    said = "warned" if any(issubclass(w.category, PrecisionWarning) for w in caught) else ""
    worst = [
        None
        if values is None
        else min(digits(float(v), truth) for v, truth in zip(values, right, strict=True))
        for values, right in zip((variance, ratio), zip(*truths, strict=True), strict=True)
    ]
    return Outcome(worst[0], worst[1], said)


def measured(cell: Cell, routes: dict[str, Callable[[Array], Any]]) -> dict[str, Outcome]:
    """Every route on one cell; of those whose framework is missing, nothing."""
    g = cell.samples()
    truths = []
    for column in g.T:
        mean, variance = exact(column)
        truths.append((variance, mean * mean / variance))
    found = {}
    for name, route in routes.items():
        try:
            found[name] = outcome(route, g, truths)
        except ImportError:
            continue
    return found


def sweeps(dtype: str, quick: bool) -> dict[str, list[Cell]]:
    """Cells along each axis."""
    single = dtype == "float32"
    ratios = range(-6, 5 if single else 13, 3 if quick else 1)
    scales = (-35, -20, -10, 0, 10, 18, 30) if single else (
        -160, -155, -150, -140, -120, -80, -40, -20, 0, 20, 40, 80, 120, 140, 150,
    )  # fmt: skip
    sizes = (10, 100, 1000) if quick else (10, 100, 1_000, 10_000)
    more = () if quick else (1_000_000,)
    return {
        "mean over deviation (its square is the GSNR)": [
            Cell(ratio=10.0**k, dtype=dtype) for k in ratios
        ],
        "scale": [Cell(scale=10.0**k, dtype=dtype) for k in scales],
        "n": [Cell(n=n, dtype=dtype) for n in sizes],
        "n, mean 10⁴ deviations": [Cell(1e4, n=n, dtype=dtype) for n in (*sizes, *more)],
    }


Table = dict[Cell, dict[str, Outcome]]


def below(found: Table, mine: str) -> list[str]:
    """Where a route of this package has fewer digits than a peer, by more than chance."""
    places = []
    for cell, outcomes in found.items():
        ours = outcomes[mine]
        if ours.said:
            continue
        for name, theirs in outcomes.items():
            if name in (OURS, FORMED):
                continue
            for what in ("variance", "gsnr"):
                one, other = getattr(ours, what), getattr(theirs, what)
                if other is not None and one < min(other, MOST_DIGITS) - CHANCE:
                    where = f"mean/deviation {cell.ratio:.0e}, scale {cell.scale:.0e}, n {cell.n:,}"
                    what = "variance" if what == "variance" else "GSNR"
                    places.append(f"{what} at {where}: {one:.1f}, {name} {other:.1f}")
    return places


def crossed(found: Table) -> list[str]:
    """Where an error of this package is above its bound and nothing was said."""
    places = []
    for cell, outcomes in found.items():
        for name in (OURS, FORMED):
            one = outcomes[name]
            if one.said:
                continue
            of_variance, of_ratio = bounds(cell, name)
            if one.variance < of_variance or one.gsnr < of_ratio:
                places.append(f"{name} at {cell}: {one.variance:.1f}, {one.gsnr:.1f}")
    return places


def bounds(cell: Cell, name: str = OURS) -> tuple[float, float]:
    """Digits that the code promises of the variance and of the GSNR, in one block of samples."""
    of_variance, of_ratio = variance_bound(cell.n), gsnr_bound(cell.n, 0.9 * cell.ratio**2)
    if name == FORMED:
        of_variance, of_ratio = TOLERANCE, of_ratio + TOLERANCE
    return -math.log10(of_variance), max(0.0, -math.log10(of_ratio))


def wrong(found: Table) -> dict[str, int]:
    """For each route: cells with a wrong variance or GSNR, and nothing said."""
    names = next(iter(found.values()))
    return {
        name: sum(
            not o[name].said and min(d for d in (o[name].variance, o[name].gsnr) if d is not None)
            < WRONG
            for o in found.values()
        )
        for name in names
    }  # fmt: skip


# --- the page


INTRODUCTION = """\
# Digits

Written by `python -m tests.benchmarks.digits --page docs/digits.md`. How many decimal digits of a
variance and of a GSNR are right, against the exact rationals of the very numbers given; in the
worst of eight parameters (one, at n = 10⁶). Each route computes in the dtype of the data; this
package accumulates in float64. BackPACK's and Cockpit's formulas are written in NumPy.
"""
BOUND = """\
The dotted line is what the code promises of up to 262,144 samples of a parameter. Two passes over
shifted samples (`two_pass_sums`) give an $m_2$ that is right to a relative
$(2\\sqrt{n+1} + 2d + 3)u$ and terms in $u^2$, for sums of depth $d = \\log_2 n + 31$ and
$u = 2^{-53}$; a GSNR has besides twice the error of its mean,
$(\\sqrt{n+1} + 2d + 3)u/\\sqrt r$: a small GSNR loses what cancels in the mean. Where products
are never formed, $10^{-10}$ is promised of the variance (the dashed line): what the bound
$(3m + 10)u\\sum g^2$ does not warrant is computed anew.
Black crosses: the package warned, or refused.
"""


def cells_table(axis: str, cells: list[Cell], found: Table) -> str:
    """Digits of the variance and of the GSNR, a row a cell, a column a route."""
    names = list(next(iter(found.values())))
    head = [axis, *names, "promised"]
    field = {"n": "n", "scale": "scale", "mean": "ratio"}
    lines = [head, ["---"] * len(head)]
    for cell in cells:
        key = "n" if axis.startswith("n") else field[axis.split()[0]]
        row = [f"{getattr(cell, key):.0e}" if key != "n" else f"{cell.n:,}"]
        for name in names:
            one = found[cell][name]
            both = (one.variance, one.gsnr)
            shown = " / ".join("–" if d is None else f"{min(d, 16.0):.1f}" for d in both)
            row.append(f"{shown} {one.said}".strip())
        promised = bounds(cell)
        row.append(" / ".join(f"{d:.1f}" for d in promised) if cell.n <= 10_000 else "")
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw(path: Path, axes: dict[str, list[Cell]], found: Table) -> None:
    """Digits along each axis, of the variance above and of the GSNR below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(next(iter(found.values())))
    with pyplot.rc_context({"svg.hashsalt": "digits", "font.size": 8}):
        figure, panels = pyplot.subplots(2, len(axes), figsize=(11, 5.5), sharey=True)
        for column, (axis, cells) in zip(panels.T, axes.items(), strict=True):
            key = "n" if axis.startswith("n") else "scale" if axis == "scale" else "ratio"
            at = [getattr(cell, key) for cell in cells]
            for panel, what in zip(column, ("variance", "gsnr"), strict=True):
                for i, name in enumerate(names):
                    values = [getattr(found[cell][name], what) for cell in cells]
                    if None in values:
                        continue
                    width = 2.2 if name == OURS else 1.0
                    panel.plot(at, values, ".-", label=name, lw=width, color=f"C{i}", ms=3)
                    quiet = [k for k, cell in enumerate(cells) if found[cell][name].said]
                    panel.plot([at[k] for k in quiet], [values[k] for k in quiet], "kx", ms=5)
                single = [cell for cell in cells if cell.n <= 10_000]
                promised = [bounds(cell)[what == "gsnr"] for cell in single]
                panel.plot(at[: len(single)], promised, "k:", lw=1, label="promised")
                if what == "variance":
                    panel.axhline(-math.log10(TOLERANCE), color="k", ls="--", lw=0.7)
                panel.set_xscale("log")
            column[1].set_xlabel(axis)
        for panel, what in zip(panels[:, 0], ("variance", "GSNR"), strict=True):
            panel.set_ylabel(f"correct digits, {what}")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        extra, names_below = panels[1, 0].get_legend_handles_labels()
        both = dict(zip([*labels, *names_below], [*handles, *extra], strict=True))
        figure.legend(both.values(), both.keys(), loc="lower center", ncol=4, frameon=False)
        figure.tight_layout(rect=(0, 0.09, 1, 1))
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def section(dtype: str, picture: Path, quick: bool) -> str:
    """Everything about one dtype: what holds, the picture, the tables."""
    axes = sweeps(dtype, quick)
    found = {c: measured(c, ROUTES) for cells in axes.values() for c in dict.fromkeys(cells)}
    draw(picture, axes, found)
    missing = [name for name in ROUTES if name not in next(iter(found.values()))]
    single = {cell: o for cell, o in found.items() if cell.n <= 10_000}
    counts = ", ".join(f"{name} {n}" for name, n in wrong(found).items())
    lines = [f"## {dtype}", "", f"![Correct digits, {dtype}]({picture.name})", ""]
    if missing:
        lines += [f"Left out, not installed: {', '.join(missing)}.", ""]
    chance = f"by more than {CHANCE} of a digit under {MOST_DIGITS:.0f}"
    for text, places in (
        (f"- `{OURS}` below a peer, {chance}", below(found, OURS)),
        (f"- products never formed below a peer, {chance}", below(found, FORMED)),
        ("- error above the bound and nothing said", crossed(single)),
    ):
        lines.append(f"{text}: {'nowhere' if not places else '; '.join(places)}.")
    lines += [
        f"- of {len(found)} cells, wrong (fewer than 3 digits) and nothing said: {counts}.",
        "",
    ]
    lines += ["Digits of variance / GSNR.", ""]
    for axis, cells in axes.items():
        lines += [cells_table(axis, cells, found), ""]
    return "\n".join(lines)


def main() -> int:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.digits", description=__doc__)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="fewer cells, n to 1,000")
    arguments = parser.parse_args()
    parts = [INTRODUCTION, BOUND]
    for dtype in ("float64", "float32"):
        picture = arguments.page.with_name(f"{arguments.page.stem}_{dtype}.svg")
        parts.append(section(dtype, picture, arguments.quick))
    arguments.page.write_text("\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
