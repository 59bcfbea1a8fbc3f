"""How often the intervals hold the true value: ``python -m tests.coverage``.

Seeded draws from populations whose GSNR, OSGR and reuse factor are known. Every interval comes from
the function or method that a user calls.
"""

import argparse
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from gsnr_ref import (
    CoverageWarning,
    MeasuredOSGR,
    SetRatio,
    closed_form,
    gsnr_interval,
    osgr_interval,
    robust_gsnr_interval,
)
from gsnr_ref.osgr.ratio import jackknifed_ratio

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
DRAWS = 2000
Array = Any


@dataclass(frozen=True)
class Cell:
    """Share of the draws whose interval holds the true value, and whether most of them warned."""

    covered: float
    draws: int
    warned: bool

    @property
    def error(self) -> float:
        """Monte-Carlo standard error, as if one draw more had missed and one more had held."""
        share = (self.covered * self.draws + 1) / (self.draws + 2)
        return math.sqrt(share * (1 - share) / self.draws)

    def __str__(self) -> str:
        return f"{100 * self.covered:.1f} ± {100 * self.error:.1f}{' !' * self.warned}"


# --- one parameter: sample(rng, shape) and its GSNR


def sparse(share: float) -> Callable[..., Array]:
    return lambda rng, shape: (rng.random(shape) < share) * rng.normal(1.5, 1, shape)


def sparse_gsnr(share: float) -> float:
    return (1.5 * share) ** 2 / (share * 3.25 - (1.5 * share) ** 2)


GSNR = {
    "Gaussian, r = 0": (lambda rng, shape: rng.normal(0, 1, shape), 0.0),
    "Gaussian, r = 0.1": (lambda rng, shape: rng.normal(0.1**0.5, 1, shape), 0.1),
    "Gaussian, r = 1": (lambda rng, shape: rng.normal(1, 1, shape), 1.0),
    "exponential": (lambda rng, shape: rng.exponential(1, shape), 1.0),
    "exponential − 0.9": (lambda rng, shape: rng.exponential(1, shape) - 0.9, 0.01),
    "Student's t5 + 0.7": (lambda rng, shape: rng.standard_t(5, shape) + 0.7, 0.49 * 3 / 5),
    "Student's t3 + 0.7": (lambda rng, shape: rng.standard_t(3, shape) + 0.7, 0.49 / 3),
    "log-normal(0.5)": (
        lambda rng, shape: rng.lognormal(0, 0.5, shape),
        1 / (math.exp(0.25) - 1),
    ),
    "log-normal(1)": (lambda rng, shape: rng.lognormal(0, 1, shape), 1 / (math.e - 1)),
    "log-normal(2)": (lambda rng, shape: rng.lognormal(0, 2, shape), 1 / (math.exp(4) - 1)),
    "20 % have a gradient": (sparse(0.2), sparse_gsnr(0.2)),
    "5 % have a gradient": (sparse(0.05), sparse_gsnr(0.05)),
}
GSNR_SIZES = (10, 30, 100, 1000)


def gsnr_cell(interval: Callable[..., Any], name: str, n: int, draws: int, seed: int) -> Cell:
    sample, truth = GSNR[name]
    g = sample(generator(seed, interval.__name__, name, n), (n, draws))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CoverageWarning)
        low, high = interval(g)
    return Cell(float(((low <= truth) & (truth <= high)).mean()), draws, bool(caught))


# --- a model of some parameters: sample(rng, n), ‖g̃‖² and tr Σ


def independent(
    draw: Callable[..., Array], mean: float, variance: float, n_params: int = 20
) -> tuple[Callable[..., Array], float, float]:
    """Independent parameters that are distributed alike."""
    return lambda rng, n: draw(rng, (n, n_params)), n_params * mean**2, n_params * variance


def mixed(directions: Array, mean: float) -> tuple[Callable[..., Array], float, float]:
    """Gaussian gradients with covariance directionsᵀ directions, all means alike."""
    directions = np.asarray(directions, dtype=float)
    sample = lambda rng, n: rng.normal(size=(n, len(directions))) @ directions + mean  # noqa: E731
    return sample, directions.shape[1] * mean**2, float(np.square(directions).sum())


def log_normal(sigma: float, shift: float = 0.0) -> tuple[Callable[..., Array], float, float]:
    mean, square = math.exp(sigma**2 / 2), math.exp(sigma**2)
    draw = lambda rng, shape: rng.lognormal(0, sigma, shape) - shift  # noqa: E731
    return independent(draw, mean - shift, square * (square - 1))


def seldom(share: float) -> tuple[Callable[..., Array], float, float]:
    """Most samples have no gradient at all."""
    mean = 1.5 * share
    return (
        lambda rng, n: (rng.random((n, 1)) < share) * rng.normal(1.5, 1, (n, 20)),
        20 * mean**2,
        20 * (3.25 * share - mean**2),
    )


TWO = np.random.default_rng(0).normal(size=(2, 20))
OSGR = {
    "Gaussian, r = 0.2": independent(lambda rng, s: rng.normal(0.2**0.5, 1, s), 0.2**0.5, 1),
    "Gaussian, r = 0": independent(lambda rng, s: rng.normal(0, 1, s), 0, 1),
    "exponential − 0.6": independent(lambda rng, s: rng.exponential(1, s) - 0.6, 0.4, 1),
    "Student's t5 + 0.3": independent(lambda rng, s: rng.standard_t(5, s) + 0.3, 0.3, 5 / 3),
    "log-normal(0.5) − 0.8": log_normal(0.5, 0.8),
    "log-normal(1)": log_normal(1),
    "log-normal(2)": log_normal(2),
    "covariance of rank 2, mean 0.3": mixed(TWO, 0.3),
    "covariance of rank 2, mean 0.1": mixed(TWO, 0.1),
    "standard deviations 1/k": mixed(np.diag(1 / np.arange(1, 21)), 0.05),
    "20 % have a gradient": seldom(0.2),
    "5 % have a gradient": seldom(0.05),
    "one parameter, exponential − 0.5": independent(
        lambda rng, s: rng.exponential(1, s) - 0.5, 0.5, 1, n_params=1
    ),
}
OSGR_SIZES = (10, 30, 100, 300)


def osgr_cell(name: str, n: int, draws: int, seed: int) -> Cell:
    sample, signal, noise = OSGR[name]
    truth, rng = signal / (signal + noise / n), generator(seed, "osgr_interval", name, n)
    covered = warned = 0
    for _ in range(draws):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CoverageWarning)
            low, high = osgr_interval(sample(rng, n))
        covered += low <= truth <= high
        warned += len(caught)
    return Cell(covered / draws, draws, 2 * warned > draws)


# --- M pairs of sets of the location model with curvature


def unit(draw: Callable[..., Array], mean: float, variance: float) -> Callable[..., Array]:
    """Draws of mean 0 and variance 1."""
    return lambda rng, shape: (draw(rng, shape) - mean) / math.sqrt(variance)


TARGETS = {
    "Gaussian": unit(lambda rng, s: rng.normal(0, 1, s), 0, 1),
    "exponential": unit(lambda rng, s: rng.exponential(1, s), 1, 1),
    "Student's t5": unit(lambda rng, s: rng.standard_t(5, s), 0, 5 / 3),
    "log-normal(1)": unit(
        lambda rng, s: rng.lognormal(0, 1, s), math.exp(0.5), math.e * (math.e - 1)
    ),
}
PAIRS = {
    f"{name}, {when}": (draw, n_steps)
    for when, n_steps in (("θ independent of D", 0), ("after 5 steps on D", 5))
    for name, draw in TARGETS.items()
}
PAIR_SIZES = (5, 10, 30, 100)
N, RATE = 20, 0.1
START, CURVATURE = np.full(5, 0.5), np.array([0.5, 1.0, 1.0, 2.0, 4.0])


def pairs_of_sets(
    name: str, count: int, draws: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """The targets of D and D′, shape (draws, count, N, 5) each, and θ trained on each D."""
    draw, n_steps = PAIRS[name]
    own, fresh = (draw(rng, (draws, count, N, len(START))) for _ in range(2))
    mean = own.mean(axis=2)
    return own, fresh, mean + (1 - RATE * CURVATURE) ** n_steps * (START - mean)


def closed(name: str) -> closed_form.TrainedClosedForm:
    zeros, ones = np.zeros_like(START), np.ones_like(START)
    return closed_form.trained_location_model(
        START, zeros, ones, CURVATURE, N, RATE, PAIRS[name][1]
    )


def reuse_terms(own: Array, fresh: Array, theta: Array) -> tuple[Array, Array]:
    """g_D·(g_D − g_D′) and tr S/n of each pair."""
    g, other = (CURVATURE * (theta - targets.mean(axis=2)) for targets in (own, fresh))
    noise = (CURVATURE**2 * own.var(axis=2, ddof=1)).sum(axis=-1) / N
    return (g * (g - other)).sum(axis=-1), noise


def decreases(own: Array, fresh: Array, theta: Array) -> tuple[Array, Array]:
    """ΔL[D] and ΔL[D′] of one step on D."""
    stepped = theta - RATE * CURVATURE * (theta - own.mean(axis=2))

    def loss(at: Array, targets: Array) -> Array:
        each = CURVATURE * (at[:, :, None] - targets) ** 2 / 2
        return each.sum(axis=-1).mean(axis=-1)

    training, test = (loss(theta, s) - loss(stepped, s) for s in (own, fresh))
    return training, test


def pair_cell(kind: str, name: str, count: int, draws: int, seed: int) -> Cell:
    rng = generator(seed, kind.partition(",")[0], name, count)
    covered, most = 0, 20_000 // count + 1  # at a time
    for start in range(0, draws, most):
        sets = pairs_of_sets(name, count, min(most, draws - start), rng)
        if kind == "reuse_factor":
            truth = closed(name).reuse_factor
            each = zip(*reuse_terms(*sets), strict=True)
            results = [SetRatio(*jackknifed_ratio(a, b), count) for a, b in each]
        else:
            truth = closed(name).osgr(RATE)
            results = [MeasuredOSGR.of(a, b) for a, b in zip(*decreases(*sets), strict=True)]
        for result in results:
            low, high = result.interval()
            if kind.endswith("normal quantile"):
                half = 1.96 * result.standard_error
                low, high = result.value - half, result.value + half
            covered += low <= truth <= high
    return Cell(covered / draws, draws, False)


def generator(seed: int, *setting: Any) -> np.random.Generator:
    """A stream of its own for every cell."""
    return np.random.default_rng([seed, crc32(repr(setting).encode())])


@dataclass(frozen=True)
class Table:
    """One interval: what it is called, what its columns are, and the cell of a setting."""

    heading: str
    size: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    cell: Callable[[str, int, int, int], Cell]


TABLES = [
    Table(
        f"`{f.__name__}`",
        "n",
        tuple(GSNR),
        GSNR_SIZES,
        lambda *setting, f=f: gsnr_cell(f, *setting),
    )
    for f in (gsnr_interval, robust_gsnr_interval)
] + [
    Table("`osgr_interval`", "n", tuple(OSGR), OSGR_SIZES, osgr_cell),
    *(
        Table(
            heading,
            "M",
            tuple(PAIRS),
            PAIR_SIZES,
            lambda *setting, kind=kind: pair_cell(kind, *setting),
        )
        for heading, kind in (
            ("`reuse_factor(...).interval()`", "reuse_factor"),
            ("`measured_osgr(...).interval()`", "measured"),
            (
                "`measured_osgr(...)`, value ± 1.96 standard errors, to compare",
                "measured, normal quantile",
            ),
        )
    ),
]


def page(draws: int = DRAWS, seed: int = 0) -> str:
    """The tables as Markdown, between what stands in the page before and after them."""
    parts = []
    for table in TABLES:
        head = ["", *(f"{table.size} = {size}" for size in table.sizes)]
        rows = [head, ["---"] * len(head)]
        for name in table.names:
            cells = [str(table.cell(name, size, draws, seed)) for size in table.sizes]
            rows.append([name, *cells])
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join([f"## {table.heading}", "", *lines, ""]))
    return "\n".join(parts)


def committed(path: Path = PAGE) -> dict[tuple[str, str, int], Cell]:
    """The cells of a page, by heading, population and size."""
    found = {}
    for section in path.read_text().split("\n## ")[-len(TABLES) :]:
        heading, *lines = section.splitlines()
        rows = [
            [c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"
        ]
        sizes = [int(title.rpartition("=")[2]) for title in rows[0][1:]]
        for name, *cells in rows[2:]:
            for size, cell in zip(sizes, cells, strict=True):
                covered = float(re.match(r"[\d.]+", cell)[0]) / 100
                found[heading, name, size] = Cell(covered, DRAWS, cell.endswith("!"))
    return found


def main() -> None:
    """Replace the tables of a page; what stands before the first of them stays."""
    parser = argparse.ArgumentParser("python -m tests.coverage", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    path = parser.parse_args().page
    before = path.read_text().partition(f"\n## {TABLES[0].heading}")[0]
    path.write_text(f"{before.rstrip()}\n\n{page()}")


if __name__ == "__main__":
    main()
