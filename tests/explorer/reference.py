"""What the explorer must show: the numbers of its settings, by the package.

``python -m tests.explorer.reference`` says whether docs/explorer/reference.js is current;
``--write`` writes it. Numbers of its settings are exact: fractions, rounded once.
"""

import json
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path

import mpmath
import numpy as np

from gsnr_ref import (
    collapsed_osgr,
    effective_gsnr,
    gradient_moments,
    gsnr,
    mixed_moments,
    osgr_weights,
    predicted_osgr,
)
from gsnr_ref.closed_form import (
    finite_linear_regression,
    location_model,
    trained_location_model,
)
from gsnr_ref.related import simple_noise_scale
from toy_models import MLP, LinearRegression

FOLDER = Path(__file__).parents[2] / "docs" / "explorer"
RANDOM_LABEL = 2
FEATURE_RATE, FEATURE_STEPS = Fraction(1, 10), 60

COIN = {
    "signal": Fraction(2),
    "noise": Fraction(1),
    "p": Fraction(0),
    "second": False,
    "signalB": Fraction(1),
    "noiseB": Fraction(4),
    "n": 1,
    "rate": Fraction(1, 10),
    "steps": 0,
    "same": True,
    "scale": Fraction(1, 10),
}
HALF = Fraction(1, 2)

#: Settings of the golden values: the book's, those of the prompts, and edges.
SETTINGS = [
    COIN | changes
    for changes in (
        {},
        {"n": 1000, "scale": Fraction(3)},
        {"second": True, "n": 3},
        {"second": True, "n": 4},
        {"rate": Fraction(8, 5)},
        {"rate": HALF, "steps": 1},
        {"rate": HALF, "steps": 1, "same": False},
        {"rate": Fraction(4, 5), "steps": 1},
        {"rate": Fraction(1), "steps": 2},
        {"rate": Fraction(3, 2), "steps": 5, "second": True, "n": 2},
        {"n": 10, "p": HALF, "scale": Fraction(3, 10)},
        {"n": 3, "p": Fraction(3, 10), "second": True, "steps": 2, "same": False},
        {"n": 3, "p": Fraction(3, 10), "second": True, "steps": 2},
        {"p": Fraction(1), "n": 7, "scale": Fraction(1)},
        {"noise": Fraction(0), "steps": 3},
        {"signal": Fraction(0)},
        {"signal": Fraction(0), "noise": Fraction(0)},
    )
]


def in_floats(settings):
    """Settings in floating point, as the page has them; JavaScript does not tell 2 from 2.0."""
    return {
        name: float(settings[name]) if isinstance(value, Fraction) else settings[name]
        for name, value in COIN.items()
    }


def label_points(center, spread, second):
    """Labels center ± spread of one parameter, or all four pairs of two."""
    signs = [(a, b) for a in (-1, 1) for b in (-1, 1)] if second else [(-1,), (1,)]
    return np.array(
        [[c + up * s for up, c, s in zip(sign, center, spread, strict=False)] for sign in signs]
    )


def moments_at_start(settings):
    """Moments of the gradient at θ = 0, by the law of random labels (3.8)."""
    second = settings["second"]
    center = settings["signal"], settings["signalB"]
    spread = settings["noise"], settings["noiseB"]
    one = settings["signal"] * 0 + 1  # in the arithmetic of the settings

    def moments(labels):
        model = LinearRegression(1, n_outputs=1 + second, bias=False)
        params = {"linear.weight": np.array([[one * 0] * (1 + second)])}
        return gradient_moments(model, params, np.array([[one]] * len(labels)), labels)

    true = moments(label_points(center, spread, second))
    random = moments(label_points((0, 0), (one * RANDOM_LABEL,) * 2, second))
    return mixed_moments(true, random, settings["p"])


def population(settings):
    """Labels of all points, random ones last, and their chances."""
    second, p = settings["second"], settings["p"]
    center = settings["signal"], settings["signalB"]
    true = label_points(center, (settings["noise"], settings["noiseB"]), second)
    random = label_points((0, 0), (p * 0 + RANDOM_LABEL,) * 2, second)
    chances = [chance / len(true) for chance in (1 - p, p) for _ in true]
    return np.concatenate([true, random]), np.array(chances)


def first_step(settings):
    """Closed form of the first step: linear regression on the one input 1, at weight 0."""
    y, chances = population(settings)
    one = settings["signal"] * 0 + 1
    x, weight = np.array([[one]] * len(y)), np.array([[one * 0] * y.shape[1]])
    return finite_linear_regression(x, y, weight, settings["n"], probabilities=chances)


@cache
def second_layer_gsnr(scale, frozen):
    """r of the second layer of f = w(a₁x₁ + a₂x₂) along descent on the population."""
    half, one = scale / 2, scale / scale
    x = np.array([[a, b] for a in (-one, one) for b in (-one, one) for _ in range(2)])
    y = x[:, 0] + np.array([-one, one] * 4)
    model = MLP((2, 1, 1), "identity", bias=False, frozen=("layer1",) * frozen)
    params = {
        "layer1.weight": np.array([[scale], [half]]),
        "layer2.weight": np.array([[scale * 0]]),
    }
    found = []
    for _ in range(FEATURE_STEPS + 1):
        moments = gradient_moments(model, params, x, y)
        found.append(gsnr(moments)["layer2.weight"].item())
        for name, g in moments.mean.items():
            params[name] = params[name] - float(FEATURE_RATE) * g
    return found


def next_step(settings, mean, variance):
    """The step after the training: its moments, losses and OSGR."""
    n, rate, steps = (settings[name] for name in ("n", "rate", "steps"))
    one = mean[0] * 0 + 1

    def after(t):
        """Closed form after t steps, κ, and the gap of the set that was stepped on last."""
        if settings["same"]:  # 4.4
            zeros, ones = np.array([one * 0] * len(mean)), np.array([one] * len(mean))
            closed = trained_location_model(zeros, -mean, variance, ones, n, rate, t)
            return closed, closed.reuse_factor, closed.gap
        # E‖θ − μ‖² as a geometric sum: the start, and the noise of each step, shrunk since
        kept = [(1 - rate) ** (2 * k) for k in range(t)]
        far = (1 - rate) ** (2 * t) * (mean @ mean) + rate**2 * variance.sum() / n * sum(kept)
        closed = location_model(0, 0, variance.sum(), n)
        noise = closed.training_slope
        slopes = {"test_slope": far, "training_slope": far + noise}
        slopes |= {"test_curvature": far + noise, "training_curvature": far + noise}
        kappa = one if variance.any() else np.nan
        gap = rate * (slopes["training_slope"] - far) if t else one * 0  # 14
        return type(closed)(mean, variance, **slopes), kappa, gap

    closed, kappa, gap = after(steps)
    test_loss = (mean @ mean + variance.sum()) / 2
    test_loss = test_loss - sum(after(t)[0].test_decrease(rate) for t in range(steps))
    noise = variance.sum() / n
    half = rate / 2
    predicted = 1 - quotient(noise, closed.training_slope)
    corrected = 1 - kappa * (1 - predicted) if variance.any() else predicted  # 4.2
    return {
        "training": closed.training_slope,
        "test": closed.test_slope,
        "noise": noise,
        "kappa": kappa,
        "testLoss": test_loss,
        "trainingLoss": test_loss - gap,
        "gap": gap,
        "smallPredicted": predicted,
        "smallCorrected": corrected,
        "smallMeasured": closed.osgr(),
        "predicted": (predicted - half) / (1 - half),
        "corrected": (corrected - half) / (1 - half),
        "trainingDecrease": closed.training_decrease(rate),
        "testDecrease": closed.test_decrease(rate),
        "measured": closed.osgr(rate),
    }


def quotient(numerator, denominator):
    if denominator == 0:
        return float("nan") if numerator == 0 else float("inf")
    return numerator / denominator


def angle(moments, n):
    """φ in degrees, from R = cos²φ in 50 digits."""
    signal, noise = moments.signal_and_noise()
    if signal == noise == 0:
        return float("nan")
    with mpmath.workdps(50):
        signal, noise = (mpmath.mpmathify(Fraction(v)) for v in (signal, noise))
        return float(mpmath.degrees(mpmath.acos(mpmath.sqrt(signal / (signal + noise / n)))))


def numbers(settings):
    """Every number of the page, by name: floats, or fractions where the settings are."""
    n, rate = settings["n"], settings["rate"]
    moments = moments_at_start(settings)
    mean, variance = moments.mean["linear.weight"][0], moments.variance()["linear.weight"][0]
    osgr = predicted_osgr(moments, n)
    trained, frozen = (second_layer_gsnr(float(settings["scale"]), f) for f in (False, True))
    found = {
        "effectiveGsnr": effective_gsnr(moments),
        "noiseScale": simple_noise_scale(moments),
        "angle": angle(moments, n),
        "osgr": osgr,
        "collapsed": collapsed_osgr(moments, n),
        "firstStep": first_step(settings).osgr(rate),
        "trainedFirst": trained[0],
        "trainedLargest": max(trained),
        "trainedLargestStep": trained.index(max(trained)),
        "frozenLast": frozen[-1],
    }
    weights, ratios = (f["linear.weight"][0] for f in (osgr_weights(moments, n), gsnr(moments)))
    for j, which in enumerate("AB"[: len(mean)]):
        found |= {
            f"mean{which}": mean[j],
            f"variance{which}": variance[j],
            f"gsnr{which}": ratios[j],
            f"weight{which}": weights[j],
            f"osgr{which}": predicted_osgr(select(moments, j), n),
        }
    return found | next_step(settings, mean, variance)


def select(moments, j):
    """Moments of one of the parameters."""
    one = (m["linear.weight"][:, [j]] for m in (moments.mean, moments.variance()))
    return type(moments).of_population(*one)


def in_javascript(value):
    """A number as JSON; what JSON lacks as the text that Number() reads."""
    value = value if isinstance(value, (bool, int)) else float(value)
    if isinstance(value, float) and not np.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(value)]
    return value


def document():
    """Text of reference.js."""
    cases = [
        {
            part: {name: in_javascript(value) for name, value in values.items()}
            for part, values in (("settings", settings), ("values", numbers(settings)))
        }
        for settings in SETTINGS
    ]
    lines = ",\n".join(f"  {json.dumps(case)}" for case in cases)
    return (
        "// Made by python -m tests.explorer.reference --write: numbers of gsnr_ref, from exact\n"
        "// fractions. The page compares its own with them when it is loaded.\n"
        f'"use strict";\n\nconst REFERENCE = [\n{lines},\n];\n'
    )


def main(arguments):
    path = FOLDER / "reference.js"
    if arguments == ["--write"]:
        path.write_text(document())
        return 0
    current = path.is_file() and path.read_text() == document()
    print(f"{path.name} is {'current' if current else 'not current: write it with --write'}")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
