"""From per-sample gradients to GSNR and OSGR, equation by equation, in plain scalar arithmetic.

Imports nothing of ``gsnr_ref``. Runs on Fractions or on balls.
"""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from tests.certify.backpropagation import loss_and_gradient, loss_of
from tests.certify.cases import Case
from tests.certify.cases.building import flatten
from tests.certify.layers import Params, Vector
from tests.certify.scalars import Scalar, is_degenerate, is_zero

Number = Callable[[Any], Scalar]
#: At which osgr_weights and predicted_osgr are stated.
TRAINING_SET_SIZES = (1, 8, 1000)


def ratio(a: Scalar, b: Scalar) -> Scalar:
    """a/b, with ``inf`` for a/0 and ``nan`` for 0/0, for a that is not negative."""
    if is_zero(b):
        return math.nan if is_zero(a) else math.inf
    return a / b


class Inputs:
    """What a case states, as flat lists of scalars: parameters, samples, probabilities."""

    def __init__(self, case: Case, number: Number) -> None:
        self.is_classes = case.loss == "cross_entropy"

        def scalars(nested: Any) -> Vector:
            return [number(value) for value in flatten(nested)]

        loss = {"type": case.loss, "scale": number(case.scale), **case.loss_options}
        if "class_weights" in loss:
            loss["class_weights"] = scalars(loss["class_weights"])
        if "label_smoothing" in loss:
            loss["label_smoothing"] = number(loss["label_smoothing"])
        self.model: dict[str, Any] = {"layers": case.layers, "loss": loss}
        self.params: Params = {name: scalars(value) for name, value in case.params.items()}
        self.x = [scalars(row) for row in case.x]
        self.y = case.y if self.is_classes else [scalars(row) for row in case.y]
        n = len(self.x)
        shares = [Fraction(1, n)] * n if case.probabilities is None else case.probabilities
        self.shares = [Fraction(p) for p in shares]  # they sum to exactly 1
        self.number = number

    def places(self) -> Iterator[tuple[Vector, int]]:
        """Every stated number that is not a count or a share, as (list, index)."""
        for vector in (*self.params.values(), *self.x, *([] if self.is_classes else self.y)):
            for index in range(len(vector)):
                yield vector, index


def all_quantities(case: Case, inputs: Inputs) -> dict[str, Any]:
    """Every expected value of a case. Leaves are scalars, or the floats ``inf`` and ``nan``."""
    n, number, shares = len(inputs.x), inputs.number, inputs.shares
    pairs = zip(inputs.x, inputs.y, strict=True)
    both = [loss_and_gradient(inputs.model, inputs.params, x, y) for x, y in pairs]
    losses = [loss for loss, _ in both]
    # g[name][j][i]: derivative of sample i's loss by entry j of a parameter
    g = {
        name: [list(entry) for entry in zip(*(b[1][name] for b in both), strict=True)]
        for name in case.trainable
    }
    different = [
        (i, k)
        for i in range(n)
        for k in range(i)
        if (case.x[i], case.y[i]) != (case.x[k], case.y[k])
    ]

    def mean_of(g_j: Vector) -> Scalar:  # g̃ = Σ p_i g_i
        return sum(number(p) * g_i for p, g_i in zip(shares, g_j, strict=True))

    def variance_of(g_j: Vector) -> Scalar:  # ρ² = Σ_{i<k} p_i p_k (g_i − g_k)²
        squares = (number(shares[i] * shares[k]) * (g_j[i] - g_j[k]) ** 2 for i, k in different)
        return sum(squares, start=0 * g_j[0])

    mean = {name: [mean_of(g_j) for g_j in rows] for name, rows in g.items()}
    variance = {name: [variance_of(g_j) for g_j in rows] for name, rows in g.items()}
    values: dict[str, Any] = {
        "losses": losses,
        "per_sample_gradients": {
            name: [[g_j[i] for g_j in rows] for i in range(n)] for name, rows in g.items()
        },
        "mean": mean,
        "variance_ddof0": variance,
        "gsnr_ddof0": on_parameters(lambda m, v: ratio(m * m, v), mean, variance),  # equation 2
    }
    m2s = [m * m for ms in mean.values() for m in ms]
    signal, noise = sum(m2s), sum(v for vs in variance.values() for v in vs)
    sizes = TRAINING_SET_SIZES
    values["osgr_weights"] = {str(size): weights(mean, variance, size) for size in sizes}
    values["predicted_osgr"] = {str(size): predicted(mean, variance, size) for size in sizes}
    values["noise_scale"] = ratio(noise, signal)
    values["coherence"] = ratio(signal, signal + noise)
    if case.probabilities is None and n > 1:
        sample = on_parameters(lambda v: v * n / (n - 1), variance)
        values["variance_ddof1"] = sample
        values["gsnr_ddof1"] = on_parameters(lambda m, v: ratio(m * m, v), mean, sample)
        if n > 3:
            values["debiased_gsnr"] = on_parameters(lambda m, v: debiased(m, v, n), mean, sample)
        if not is_zero(signal):  # Σ(ḡ² − s²/n)/Σḡ²
            values["debiased_osgr"] = (signal - noise / (n - 1)) / signal
    if case.reduction != "none":
        factor = n if case.reduction == "sum" else 1
        values["reduced_loss"] = sum(losses) * factor / n
        values["reduced_gradient"] = on_parameters(lambda m: m * factor, mean)
    if case.enumerate_at:
        values["enumerated_osgr"] = {
            f"n={size} learning_rate={rate!r}": enumerated(inputs, g, losses, size, rate)
            for size, rate in case.enumerate_at
        }
    return values


def on_parameters(function: Callable[..., Any], *structures: dict[str, Vector]) -> dict[str, Any]:
    """Apply a function to corresponding entries of parameters."""
    return {
        name: [function(*entries) for entries in zip(*(s[name] for s in structures), strict=True)]
        for name in structures[0]
    }


def weights(mean: Any, variance: Any, n: int) -> Any:
    """W_j = (g̃_j² + ρ_j²/n)/Σ_k (g̃_k² + ρ_k²/n): equation 21."""
    squares = on_parameters(lambda m, v: m * m + v / n, mean, variance)
    total = sum(s for vector in squares.values() for s in vector)
    return on_parameters(lambda s: math.nan if is_zero(total) else s / total, squares)


def predicted(mean: Any, variance: Any, n: int) -> Scalar:
    """R = 1 − (1/n) Σ_j W_j/(r_j + 1/n): equation 22."""
    total = 0 * next(iter(mean.values()))[0]
    for name, shares in weights(mean, variance, n).items():
        for w, m, v in zip(shares, mean[name], variance[name], strict=True):
            if is_degenerate(w):
                return math.nan  # every gradient is 0
            if not is_zero(v):  # else r = ∞, or a dead parameter with W = 0: no term
                total = total + w / (n * m * m / v + 1)  # (1/n) W/(r + 1/n)
    return 1 - total


def debiased(m: Scalar, v: Scalar, n: int) -> Scalar:
    """r̂ = (n−3)/(n−1)·ḡ²/s² − 1/n, with s² over n − 1."""
    plug_in = ratio(m * m, v)
    if is_degenerate(plug_in):
        return plug_in
    return (plug_in * (n - 3) * n / (n - 1) - 1) / n


def enumerated(inputs: Inputs, g: Any, losses: Vector, size: int, rate: float) -> Scalar:
    """E ΔL[D′]/E ΔL[D] over every multiset D of `size` draws: equation 5."""
    training: Scalar = 0
    test: Scalar = 0
    number = inputs.number
    for counts in count_vectors(size, len(losses)):
        chance = Fraction(math.factorial(size))
        for count, share in zip(counts, inputs.shares, strict=True):
            chance *= share**count / math.factorial(count)
        factors = [number(Fraction(rate) * count / size) for count in counts]
        stepped = dict(inputs.params)
        for name, rows in g.items():  # θ − λ g_D
            stepped[name] = [
                theta - sum(f * g_i for f, g_i, c in zip(factors, g_j, counts, strict=True) if c)
                for theta, g_j in zip(inputs.params[name], rows, strict=True)
            ]
        pairs = zip(inputs.x, inputs.y, losses, strict=True)
        falls = [loss - loss_of(inputs.model, stepped, x, y) for x, y, loss in pairs]
        for fall, count, share in zip(falls, counts, inputs.shares, strict=True):
            training = training + number(chance * count / size) * fall
            test = test + number(chance * share) * fall
    return test / training


def count_vectors(draws: int, n_points: int) -> Iterator[tuple[int, ...]]:
    """All ways to draw from n_points points, order aside."""
    if n_points == 1:
        yield (draws,)
        return
    for first in range(draws + 1):
        for rest in count_vectors(draws - first, n_points - 1):
            yield (first, *rest)
