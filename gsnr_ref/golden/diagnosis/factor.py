"""The constant by which a quantity is off, where there is one, and its name.

Imports ``contract`` and, of ``golden``, ``case`` and ``quantity``.
"""

import numpy as np

from gsnr_ref.contract import leaves_with_paths
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.quantity import QuantityReport


def constant_factor(case: GoldenCase, report: QuantityReport) -> str:
    """The constant by which a quantity is off, with its name: "too large by exactly B² = 64"."""
    expected = dict(leaves_with_paths(case.expected[report.quantity]))
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
