"""Large cases, certified: products of matrices of balls, and conditions from derivatives.

Imports nothing of ``gsnr_ref``. The same equations as in ``quantities``, for all samples at once:
a sum of squared deviations is that of squares less that of the mean, which balls can afford.
"""

import math
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad

from tests.certify.cases.large import LargeCase, generated
from tests.certify.quantities import TRAINING_SET_SIZES
from tests.certify.scalars import Scalar, Undecided, balls, round_to_double

Matrix = Any
BITS = (256, 512)


def inputs_of(case: LargeCase) -> dict[str, list[Any]]:
    """Every array of a case, flat."""
    return {name: generated(array) for name, array in case.arrays.items()}


def certified(case: LargeCase) -> dict[str, Any]:
    """Every expected value, at the selected samples and entries: the nearest double, proven."""
    inputs = inputs_of(case)
    for bits in BITS:
        try:
            balls(bits)
            values: dict[str, Any] = rounded(all_values(case, inputs))
            return values
        except Undecided:
            continue
    raise Undecided(case.id)


def rounded(tree: Any) -> Any:
    """The doubles nearest to the numbers of nested dicts and lists."""
    if isinstance(tree, dict):
        return {key: rounded(value) for key, value in tree.items()}
    return [rounded(v) for v in tree] if isinstance(tree, list) else round_to_double(tree)


def each(function: Any, *matrices: Matrix) -> Matrix:
    """Apply a function entry by entry."""
    import flint

    rows, columns = matrices[0].nrows(), matrices[0].ncols()
    entries = map(function, *(m.entries() for m in matrices))
    return flint.arb_mat(rows, columns, list(entries))


def all_values(case: LargeCase, inputs: dict[str, list[Any]]) -> dict[str, Any]:
    """Every expected value, as a ball."""
    import flint

    n, n_in = case.arrays["x"]["shape"]
    weights: dict[str, Matrix] = {}
    for name, shape in case.shapes.items():
        rows, columns = shape if len(shape) == 2 else (1, *shape)
        weights[name] = flint.arb_mat(rows, columns, inputs[name])
    ones = flint.arb_mat(n, 1, [1] * n)
    names = [layer["name"] for layer in case.layers if "name" in layer]
    seen: list[Matrix] = []
    z = flint.arb_mat(n, n_in, inputs["x"])
    for name in names:
        seen.append(each(lambda z: z.tanh(), z) if seen else z)
        z = seen[-1] * weights[f"{name}.weight"]
        if f"{name}.bias" in weights:
            z = z + ones * weights[f"{name}.bias"]
    losses, delta = _losses(case, z, inputs["y"])
    mean: dict[str, Matrix] = {}
    variance: dict[str, Matrix] = {}
    samples: dict[str, list[list[Scalar]]] = {}
    for name, a in zip(reversed(names), reversed(seen), strict=True):
        for kind, inner in (("bias", ones), ("weight", a)):
            key = f"{name}.{kind}"
            if key not in weights:
                continue
            mean[key] = inner.transpose() * delta / n
            square = each(lambda v: v * v, inner).transpose() * each(lambda d: d * d, delta) / n
            variance[key] = each(lambda s, m: s - m * m, square, mean[key])
            at = [(index[0] if kind == "weight" else 0, index[-1]) for index in case.entries[key]]
            samples[key] = [[inner[i, s] * delta[i, c] for s, c in at] for i in case.samples]
        if name != names[0]:
            back = delta * weights[f"{name}.weight"].transpose()
            delta = each(lambda d, h: d * (1 - h * h), back, a)
    return _quantities(case, losses, samples, mean, variance)


def _losses(case: LargeCase, outputs: Matrix, y: list[Any]) -> tuple[list[Scalar], Matrix]:
    """Losses, and their derivative by the outputs."""
    import flint

    n, n_out = outputs.nrows(), outputs.ncols()
    if case.loss == "squared_error":
        delta = outputs - flint.arb_mat(n, n_out, y)
        losses = [sum(delta[i, c] * delta[i, c] for c in range(n_out)) / 2 for i in range(n)]
        return losses, delta
    losses, rows = [], []
    for i in range(n):
        exponentials = [(outputs[i, c] - outputs[i, y[i]]).exp() for c in range(n_out)]
        total = sum(exponentials)
        losses.append(total.log())
        rows += [e / total - (c == y[i]) for c, e in enumerate(exponentials)]
    return losses, flint.arb_mat(n, n_out, rows)


def _quantities(
    case: LargeCase,
    losses: list[Scalar],
    samples: dict[str, list[list[Scalar]]],
    mean: dict[str, Matrix],
    variance: dict[str, Matrix],
) -> dict[str, Any]:
    n = case.arrays["x"]["shape"][0]
    signal = sum(m * m for matrix in mean.values() for m in matrix.entries())
    noise = sum(v for matrix in variance.values() for v in matrix.entries())

    def selected(matrices: dict[str, Matrix]) -> dict[str, list[Scalar]]:
        return {
            name: [matrices[name][index[0] if len(index) == 2 else 0, index[-1]] for index in at]
            for name, at in case.entries.items()
        }

    m, v = selected(mean), selected(variance)

    def on_entries(function: Any) -> dict[str, list[Scalar]]:
        return {k: [function(*pair) for pair in zip(m[k], v[k], strict=True)] for k in m}

    return {
        "losses": [losses[i] for i in case.samples],
        "per_sample_gradients": {name: samples[name] for name in case.entries},
        "mean": m,
        "variance_ddof0": v,
        "gsnr_ddof0": on_entries(lambda m, v: m * m / v),
        "osgr_weights": {
            str(size): on_entries(
                lambda m, v, size=size: (m * m + v / size) / (signal + noise / size)
            )
            for size in TRAINING_SET_SIZES
        },
        "predicted_osgr": {
            # 1 − (1/size) Σ W/(r + 1/size), each term of which is v/Σ(m² + v/size)
            str(size): 1 - noise / size / (signal + noise / size)
            for size in TRAINING_SET_SIZES
        },
        "noise_scale": noise / signal,
        "coherence": signal / (signal + noise),
        "variance_ddof1": on_entries(lambda m, v: v * n / (n - 1)),
        "gsnr_ddof1": on_entries(lambda m, v: m * m / v * (n - 1) / n),
        "debiased_gsnr": on_entries(lambda m, v: (m * m / v * (n - 3) - 1) / n),
        "debiased_osgr": 1 - noise / (n - 1) / signal,
    }


# --- conditions


def conditions(case: LargeCase) -> dict[str, Any]:
    """Σ_k |x_k ∂f/∂x_k|/|f| over every stated number x_k: in floats, of which two digits are kept.

    The derivatives of means, variances and their sums are autograd's; the rest is the chain rule.
    """
    arrays = {name: np.array(v, float) for name, v in inputs_of(case).items()}
    arrays = {name: v.reshape(case.arrays[name]["shape"]) for name, v in arrays.items()}
    classes = case.loss == "cross_entropy"
    y = arrays.pop("y").astype(int) if classes else None

    def rates(function: Any, at: Any) -> Any:
        """x_k ∂f/∂x_k, for all k in a row."""
        slopes = grad(function)(at)
        return np.concatenate([(slopes[name] * at[name]).ravel() for name in at])

    def moments(at: Any) -> tuple[dict[str, Any], dict[str, Any], Any]:
        losses, layers = forward_and_back(case, at, at["y"] if y is None else y)
        n = len(losses)
        mean, variance = {}, {}
        for name, (inner, delta) in layers.items():
            mean[name] = anp.dot(inner.T, delta) / n
            variance[name] = anp.dot((inner**2).T, delta**2) / n - mean[name] ** 2
        return mean, variance, losses

    def entry(matrix: Any, index: list[int]) -> Any:
        return matrix[index[0] if len(index) == 2 else 0, index[-1]]

    mean, variance, _ = moments(arrays)
    signal = sum(float((m**2).sum()) for m in mean.values())
    noise = sum(float(v.sum()) for v in variance.values())
    d_signal = rates(lambda at: sum(anp.sum(m**2) for m in moments(at)[0].values()), arrays)
    d_noise = rates(lambda at: sum(anp.sum(v) for v in moments(at)[1].values()), arrays)
    n = len(arrays["x"])

    def condition(value: float, rate: Any) -> float:
        found = float(np.abs(rate).sum()) / abs(value)
        return float(f"{found:.2g}") if found > 1e-9 else 0.0  # else it is rounding

    def of_total(size: int) -> Any:
        return d_signal + d_noise / size

    found: dict[str, Any] = {
        q: {name: [] for name in case.entries}
        for q in ("mean", "variance_ddof0", "gsnr_ddof0", "debiased_gsnr")
    }
    weights: dict[str, Any] = {
        str(size): {name: [] for name in case.entries} for size in TRAINING_SET_SIZES
    }
    for name, at in case.entries.items():
        for index in at:
            m, v = float(entry(mean[name], index)), float(entry(variance[name], index))
            d_m = rates(lambda a, name=name, index=index: entry(moments(a)[0][name], index), arrays)
            d_v = rates(lambda a, name=name, index=index: entry(moments(a)[1][name], index), arrays)
            ratio = m * m / v
            d_ratio = ratio * (2 * d_m / m - d_v / v)
            found["mean"][name].append(condition(m, d_m))
            found["variance_ddof0"][name].append(condition(v, d_v))
            found["gsnr_ddof0"][name].append(condition(ratio, d_ratio))
            debiased = (ratio * (n - 3) - 1) / n
            found["debiased_gsnr"][name].append(condition(debiased, d_ratio * (n - 3) / n))
            for size in TRAINING_SET_SIZES:
                share, total = m * m + v / size, signal + noise / size
                d_share = 2 * m * d_m + d_v / size
                rate = d_share / share - of_total(size) / total
                weights[str(size)][name].append(condition(1, rate))
    d_scale = d_noise / noise - d_signal / signal  # relative
    return {
        **_of_samples(case, arrays, y, rates),
        "mean": found["mean"],
        "variance_ddof0": found["variance_ddof0"],
        "gsnr_ddof0": found["gsnr_ddof0"],
        "osgr_weights": weights,
        "predicted_osgr": {
            # R = S/(S + N/size)
            str(size): condition(
                signal + noise / size, noise / size * (d_signal / signal - d_noise / noise)
            )
            for size in TRAINING_SET_SIZES
        },
        "noise_scale": condition(1, d_scale),
        "coherence": condition(signal + noise, noise * d_scale),
        "variance_ddof1": found["variance_ddof0"],
        "gsnr_ddof1": found["gsnr_ddof0"],
        "debiased_gsnr": found["debiased_gsnr"],
        "debiased_osgr": condition(
            1 - noise / (n - 1) / signal, noise / (n - 1) / signal * d_scale
        ),
    }


def _of_samples(case: LargeCase, arrays: Any, y: Any, rates: Any) -> dict[str, Any]:
    """Conditions of the losses and gradients of the selected samples, one at a time."""
    losses: list[float] = []
    gradients: dict[str, list[list[float]]] = {name: [] for name in case.entries}
    for i in case.samples:
        one = arrays | {key: arrays[key][i : i + 1] for key in ("x", "y") if key in arrays}
        target = None if y is None else y[i : i + 1]

        def both(at: Any, target: Any = target) -> Any:
            return forward_and_back(case, at, at["y"] if target is None else target)

        def value(at: Any, name: str, index: list[int], both: Any = both) -> Any:
            inner, delta = both(at)[1][name]
            return inner[0, index[0] if len(index) == 2 else 0] * delta[0, index[-1]]

        loss = float(both(one)[0][0])
        rate = rates(lambda at, both=both: both(at)[0][0], one)
        losses.append(float(f"{np.abs(rate).sum() / loss:.2g}"))
        for name, at in case.entries.items():
            row = []
            for index in at:
                g = float(value(one, name, index))
                rate = rates(lambda a, n=name, j=index, value=value: value(a, n, j), one)
                row.append(float(f"{np.abs(rate).sum() / abs(g):.2g}"))
            gradients[name].append(row)
    return {"losses": losses, "per_sample_gradients": gradients}


def forward_and_back(case: LargeCase, at: Any, y: Any) -> tuple[Any, dict[str, tuple[Any, Any]]]:
    """Losses, and the inputs and deltas of each parameter, in floats that autograd follows."""
    names = [layer["name"] for layer in case.layers if "name" in layer]
    z, seen = at["x"], list[Any]()
    for name in names:
        seen.append(anp.tanh(z) if seen else z)
        z = anp.dot(seen[-1], at[f"{name}.weight"])
        z = z + at[f"{name}.bias"] if f"{name}.bias" in at else z
    if case.loss == "squared_error":
        delta = z - y
        losses = anp.sum(delta**2, axis=1) / 2
    else:
        is_y = np.arange(z.shape[1]) == y[:, None]
        shifted = z - anp.sum(z * is_y, axis=1)[:, None]
        total = anp.sum(anp.exp(shifted), axis=1)
        losses, delta = anp.log(total), anp.exp(shifted) / total[:, None] - is_y
    layers = {}
    for name, a in zip(reversed(names), reversed(seen), strict=True):
        layers[f"{name}.weight"] = (a, delta)
        if f"{name}.bias" in at:
            layers[f"{name}.bias"] = (np.ones((len(delta), 1)), delta)
        delta = anp.dot(delta, at[f"{name}.weight"].T) * (1 - a**2)
    return losses, layers


def roundings(case: LargeCase) -> int:
    """How many roundings, that add up like steps in random directions, a value goes through."""
    n = case.arrays["x"]["shape"][0]
    fan_ins = [shape[0] for shape in case.shapes.values() if len(shape) == 2]
    return 16 + 4 * (math.isqrt(n) + sum(map(math.isqrt, fan_ins)))
