"""The constant by which a quantity is off, where there is one, and its name.

Imports ``contract`` and, of ``golden``, ``case`` and ``quantity``.
"""

import numpy as np

from gsnr_ref.contract import Array, leaves_with_paths
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.quantity import QuantityReport

#: So many arrays of a quantity are told apart.
MOST = 8


def constant_factor(case: GoldenCase, report: QuantityReport) -> str:
    """The constant by which a quantity is off, with its name: "too large by exactly B² = 64"."""
    expected = dict(leaves_with_paths(case.expected[report.quantity]))
    if report.problem:
        return ""
    pairs = [(report.got[path], np.asarray(want)) for path, want in expected.items()]
    value = _constant([_ratios(got, want, np.ones(want.shape, bool)) for got, want in pairs])
    if value is None or value <= 0:
        return ""
    size, inverse = ("large", value) if value > 1 else ("small", 1 / value)
    for name, number in _constants(case).items():
        if abs(inverse / number - 1) < 1e-5:
            same = name == f"{number:.6g}"
            return f"too {size} by exactly {name}" + ("" if same else f" = {number:.6g}")
    return f"too {size} by a constant factor, {inverse:.6g}"


def by_parameter(case: GoldenCase, report: QuantityReport) -> str:
    """Where a quantity is wrong: "all of layer1.weight, × 2; 1 of 3 of layer1.bias".

    Empty where this tells nothing: if every value is wrong, and no array by a factor of its own.
    """
    expected = dict(leaves_with_paths(case.expected[report.quantity]))
    parts, right, tells = [], [], False
    for path, wrong in report.wrong.items():
        name = " ".join(f"n={key}" if key.isdigit() else key for key in path)
        n_wrong = int(wrong.sum())
        if not n_wrong:
            right.append(name)
            continue
        many = "all" if n_wrong == wrong.size else f"{n_wrong} of {wrong.size}"
        value = _constant([_ratios(report.got[path], np.asarray(expected[path]), wrong)])
        factor = "" if value is None or n_wrong == 1 else f", × {value:.6g}"
        tells |= bool(factor) or n_wrong < wrong.size
        parts.append(f"{many} of {name}{factor}")
    if len(report.wrong) < 2 or not (tells or right):
        return ""
    more = f"; and {len(parts) - MOST} more" if len(parts) > MOST else ""
    return "; ".join(parts[:MOST]) + more + (f"; right: {', '.join(right[:MOST])}" if right else "")


def _ratios(got: Array, want: Array, which: Array) -> Array:
    keep = which & np.isfinite(want) & (want != 0)
    with np.errstate(all="ignore"):
        return np.asarray((got.astype(np.float64) / want)[keep])


def _constant(ratios: list[Array]) -> float | None:
    """The number that all ratios are, unless it is 1."""
    every = np.concatenate([np.ravel(r) for r in ratios]) if ratios else np.array([])
    if not len(every) or not np.isfinite(every).all():
        return None
    value = float(np.median(every))
    if np.ptp(every) > 1e-5 * abs(value) or abs(value - 1) < 1e-5:
        return None
    return value


def _constants(case: GoldenCase) -> dict[str, float]:
    n, c = len(case.x), case.n_outputs
    scale = float(case.model["loss"]["scale"])
    bessel = {"n/(n − 1)": n / (n - 1)} if n > 1 else {}
    return {
        "B²": n**2.0,
        "B": float(n),
        **bessel,
        "2": 2.0,
        "4": 4.0,
        "C": float(c),
        "C²": c**2.0,
        "C/2": c / 2,
        "C²/4": c**2 / 4,
        "1/ln 2": 1 / np.log(2),
        "1/(ln 2)²": np.log(2) ** -2,
        "the scale of the loss": scale,
        "the squared scale of the loss": scale**2,
        "one over the scale of the loss": 1 / scale,
    }
