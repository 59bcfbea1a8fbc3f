"""Mistakes that no list has: each a function from right to wrong values, as those that are listed.

None of them may be given a name: see `test_suite_verdict`. Where one comes to be listed, it has to
go from here.
"""

import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from gsnr_ref.contract import map_structure
from gsnr_ref.golden import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_n,
    from_gradients,
    from_moments,
    predicted,
    ratio,
    right_moments,
    sample_variance,
    shares_of,
    weights_of,
)
from gsnr_ref.golden.diagnosis.recomputed import ChangedModel, run

UNLISTED: dict[str, Callable[[GoldenCase], Values]] = {}


def unlisted(function: Callable[[GoldenCase], Values]) -> Callable[[GoldenCase], Values]:
    UNLISTED[function.__name__.strip("_")] = function
    return function


def several(**functions: Callable[[GoldenCase], Values]) -> None:
    UNLISTED.update(functions)


def gradients_of(case: GoldenCase) -> dict[str, Any]:
    return case.expected["per_sample_gradients"]


def on_gradients(function: Callable[..., Any]) -> Callable[[GoldenCase], Values]:
    """Wrong gradients, and all that follows."""
    return lambda case: from_gradients(case, map_structure(function, gradients_of(case)))


def only(quantity: str, function: Callable[..., Any]) -> Callable[[GoldenCase], Values]:
    """One wrong quantity, and nothing that follows."""

    def wrong(case: GoldenCase) -> Values:
        if quantity not in case.expected:
            return {}
        return {quantity: map_structure(function, case.expected[quantity])}

    return wrong


def every(function: Callable[..., Any]) -> Callable[[GoldenCase], Values]:
    return lambda case: {q: map_structure(function, v) for q, v in case.expected.items()}


def on_moments(
    of_mean: Callable[..., Any], of_variance: Callable[..., Any]
) -> Callable[[GoldenCase], Values]:
    """Wrong moments of right gradients, and all that follows."""

    def wrong(case: GoldenCase) -> Values:
        g = gradients_of(case)
        mean, ddof0 = map_structure(of_mean, g), map_structure(of_variance, g)
        return from_moments(case, mean, ddof0, sample_variance(case, ddof0))

    return wrong


def in_one_layer(
    which: int, of_mean: Callable[..., Any], of_variance: Callable[..., Any]
) -> Callable[[GoldenCase], Values]:
    """Moments that are wrong in the first or the last layer only, and all that follows."""

    def wrong(case: GoldenCase) -> Values:
        n = len(case.x)
        mean, ddof0, _ = right_moments(case)
        layers = list(dict.fromkeys(name.partition(".")[0] for name in mean))
        here = [name for name in mean if name.partition(".")[0] == layers[which]]
        mean = mean | {k: of_mean(mean[k], n) for k in here}
        ddof0 = ddof0 | {k: of_variance(ddof0[k], n) for k in here}
        return from_moments(case, mean, ddof0, sample_variance(case, ddof0))

    return wrong


def noise(case: GoldenCase, size: float) -> Callable[..., Any]:
    rng = np.random.default_rng(zlib.crc32(case.id.encode()))
    return lambda v: np.asarray(v) * (1 + size * rng.standard_normal(np.shape(v)))


def same(value: Any, *_: Any) -> Any:
    return value


# Constants that have no name.
several(
    gradients_times_3=on_gradients(lambda g: 3 * g),
    gradients_negated=on_gradients(lambda g: -g),
    gradients_times_0_7=on_gradients(lambda g: 0.7 * g),
    losses_times_3=only("losses", lambda v: 3 * v),
    losses_times_2=only("losses", lambda v: 2 * v),
    losses_halved=only("losses", lambda v: v / 2),
    all_losses_and_gradients_doubled=lambda case: (
        from_gradients(case, map_structure(lambda g: 2 * g, gradients_of(case)))
        | {"losses": 2 * case.expected["losses"]}
    ),
    variance_times_pi=on_moments(lambda g: g.mean(axis=0), lambda g: np.pi * g.var(axis=0)),
    variance_doubled=on_moments(lambda g: g.mean(axis=0), lambda g: 2 * g.var(axis=0)),
    mean_halved=on_moments(lambda g: g.mean(axis=0) / 2, lambda g: g.var(axis=0)),
    gsnr_times_0_9=only("gsnr_ddof0", lambda v: 0.9 * v),
    gsnr_times_1_1=only("gsnr_ddof0", lambda v: 1.1 * v),
    gsnr_halved=only("gsnr_ddof0", lambda v: v / 2),
    coherence_doubled=only("coherence", lambda v: 2 * v),
    noise_scale_doubled=only("noise_scale", lambda v: 2 * v),
    everything_times_2=every(lambda v: 2 * np.asarray(v)),
    everything_times_1_0001=every(lambda v: 1.0001 * np.asarray(v)),
    everything_negated=every(lambda v: -np.asarray(v)),
)

# One quantity only.
several(
    mean_only_over_b=only("mean", lambda v: v / 7),
    mean_only_absolute=only("mean", np.abs),
    variance_only_squared=only("variance_ddof0", np.square),
    variance_only_rooted=only("variance_ddof0", np.sqrt),
    sample_variance_only_rooted=only("variance_ddof1", np.sqrt),
    gsnr_only_logarithm=only("gsnr_ddof0", lambda v: np.log(v)),
    gsnr_only_log1p=only("gsnr_ddof0", np.log1p),
    gsnr_only_inverted=only("gsnr_ddof0", lambda v: 1 / v),
    gsnr_only_clipped=only("gsnr_ddof0", lambda v: np.clip(v, 0, 1)),
    gsnr_only_in_decibels=only("gsnr_ddof0", lambda v: 10 * np.log10(v)),
    weights_only_uniform=only("osgr_weights", lambda v: np.full(np.shape(v), 1 / np.size(v))),
    predicted_only_clipped=only("predicted_osgr", lambda v: np.minimum(v, 0.5)),
    predicted_only_complement=only("predicted_osgr", lambda v: 1 - np.asarray(v)),
    coherence_only_rooted=only("coherence", np.sqrt),
    noise_scale_only_inverted=only("noise_scale", lambda v: 1 / np.float64(v)),
    debiased_only_negated=only("debiased_gsnr", np.negative),
    debiased_only_absolute=only("debiased_gsnr", np.abs),
    debiased_only_shifted=only("debiased_gsnr", lambda v: v + 0.1),
    debiased_osgr_only_squared=only("debiased_osgr", np.square),
    enumerated_only_inverted=only("enumerated_osgr", lambda v: 1 / np.asarray(v)),
    losses_only_rooted=only("losses", np.sqrt),
    losses_only_in_bits=only("losses", lambda v: np.log2(np.e) * v),
)

# Truncation, precision and noise.
several(
    twelve_digits=every(lambda v: np.vectorize(lambda x: float(f"{x:.11e}"))(v)),
    six_digits=every(lambda v: np.vectorize(lambda x: float(f"{x:.5e}"))(v)),
    ten_decimals=every(lambda v: np.round(v, 10)),
    sixteen_decimals=every(lambda v: np.round(v, 16)),
    noise_of_1e_13=lambda case: {
        q: map_structure(noise(case, 1e-13), v) for q, v in case.expected.items()
    },
    noise_of_1e_6=lambda case: {
        q: map_structure(noise(case, 1e-6), v) for q, v in case.expected.items()
    },
    noise_of_a_tenth=lambda case: {
        q: map_structure(noise(case, 0.1), v) for q, v in case.expected.items()
    },
    noisy_gradients=lambda case: from_gradients(
        case, map_structure(noise(case, 1e-3), gradients_of(case))
    ),
    noisy_variance=lambda case: {
        q: map_structure(noise(case, 1e-12), case.expected[q])
        for q in ("variance_ddof0", "variance_ddof1", "gsnr_ddof0", "gsnr_ddof1")
        if q in case.expected
    },
    absolute_noise_in_the_gradients=lambda case: from_gradients(
        case, map_structure(lambda g: g + 1e-12, gradients_of(case))
    ),
)

# Samples: dropped, doubled, weighted, sorted.
several(
    last_sample_dropped=on_moments(
        lambda g: g[: max(1, len(g) - 1)].mean(axis=0),
        lambda g: g[: max(1, len(g) - 1)].var(axis=0),
    ),
    first_sample_twice=on_moments(
        lambda g: np.concatenate([g, g[:1]]).mean(axis=0),
        lambda g: np.concatenate([g, g[:1]]).var(axis=0),
    ),
    medians=on_moments(lambda g: np.median(g, axis=0), lambda g: g.var(axis=0)),
    around_the_median=on_moments(
        lambda g: g.mean(axis=0), lambda g: ((g - np.median(g, axis=0)) ** 2).mean(axis=0)
    ),
    absolute_deviations=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.abs(g - g.mean(axis=0)).mean(axis=0)
    ),
    mean_of_absolute_values=on_moments(lambda g: np.abs(g).mean(axis=0), lambda g: g.var(axis=0)),
    half_the_range_squared=on_moments(
        lambda g: g.mean(axis=0), lambda g: (np.ptp(g, axis=0) / 2) ** 2
    ),
    successive_differences=on_moments(
        lambda g: g.mean(axis=0),
        lambda g: (np.diff(g, axis=0, prepend=g[:1]) ** 2).mean(axis=0) / 2,
    ),
    exponentially_weighted=on_moments(
        lambda g: np.average(g, axis=0, weights=0.9 ** np.arange(len(g))), lambda g: g.var(axis=0)
    ),
    gradients_sorted=only("per_sample_gradients", lambda g: np.sort(g, axis=0)),
    by_n_plus_1=on_moments(
        lambda g: g.sum(axis=0) / (len(g) + 1), lambda g: g.var(axis=0) * len(g) / (len(g) + 1)
    ),
    mean_by_n_minus_1=on_moments(
        lambda g: g.sum(axis=0) / max(1, len(g) - 1), lambda g: g.var(axis=0)
    ),
    variance_of_the_mean=on_moments(lambda g: g.mean(axis=0), lambda g: g.var(axis=0) / len(g)),
    trimmed=on_moments(
        lambda g: np.sort(g, axis=0)[1:-1].mean(axis=0) if len(g) > 2 else g.mean(axis=0),
        lambda g: g.var(axis=0),
    ),
    clipped_at_a_half=on_gradients(lambda g: np.clip(g, -0.5, 0.5)),
    positive_part=on_gradients(lambda g: np.maximum(g, 0)),
    signs=on_gradients(np.sign),
)

# Axes and layouts.
several(
    flipped=every(lambda v: np.flip(v) if np.ndim(v) else v),
    rows_reversed=on_gradients(lambda g: g[:, ::-1]),
    variance_over_everything=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.full(g.shape[1:], g.var())
    ),
    mean_over_everything=on_moments(
        lambda g: np.full(g.shape[1:], g.mean()), lambda g: g.var(axis=0)
    ),
    variance_over_the_last_axis=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.broadcast_to(g.var(axis=-1).mean(), g.shape[1:])
    ),
    gsnr_averaged=only("gsnr_ddof0", lambda v: np.full(np.shape(v), np.mean(v))),
    flattened=every(np.ravel),
    row_vectors_for_biases=every(lambda v: np.atleast_2d(v)),
)

# One layer only.
several(
    first_layer_doubled=in_one_layer(0, lambda m, n: 2 * m, lambda v, n: 4 * v),
    last_layer_variance_over_n=in_one_layer(-1, same, lambda v, n: v / n),
    first_layer_biased=in_one_layer(0, same, lambda v, n: v * n / max(1, n - 1)),
    last_layer_biased=in_one_layer(-1, same, lambda v, n: v * n / max(1, n - 1)),
    first_layer_over_n_squared=in_one_layer(0, same, lambda v, n: v / n**2),
    last_layer_summed=in_one_layer(-1, lambda m, n: n * m, same),
    first_layer_without_mean=in_one_layer(0, lambda m, n: 0 * m, same),
)


@unlisted
def biases_forgotten(case: GoldenCase) -> Values:
    g = {k: v * (not k.endswith("bias")) for k, v in gradients_of(case).items()}
    return from_gradients(case, g)


@unlisted
def only_weights_doubled(case: GoldenCase) -> Values:
    return from_gradients(
        case, {k: v * (1 + k.endswith("weight")) for k, v in gradients_of(case).items()}
    )


@unlisted
def parameters_permuted(case: GoldenCase) -> Values:
    g = gradients_of(case)
    rolled = {k: np.roll(v.reshape(len(v), -1), 1, 1).reshape(v.shape) for k, v in g.items()}
    return from_gradients(case, rolled)


@unlisted
def variances_swapped(case: GoldenCase) -> Values:
    e = case.expected
    if "variance_ddof1" not in e:
        return {}
    return {"variance_ddof0": e["variance_ddof1"], "variance_ddof1": e["variance_ddof0"]}


@unlisted
def variances_and_gsnr_swapped(case: GoldenCase) -> Values:
    e = case.expected
    if "variance_ddof1" not in e:
        return {}
    swapped = {"variance": ("ddof0", "ddof1"), "gsnr": ("ddof0", "ddof1")}
    return {f"{q}_{a}": e[f"{q}_{b}"] for q, (x, y) in swapped.items() for a, b in ((x, y), (y, x))}


@unlisted
def mean_for_variance(case: GoldenCase) -> Values:
    mean, _, ddof1 = right_moments(case)
    return from_moments(case, mean, mean, None if ddof1 is None else mean)


@unlisted
def noise_scale_for_coherence(case: GoldenCase) -> Values:
    e = case.expected
    return {"noise_scale": e["coherence"], "coherence": e["noise_scale"]}


@unlisted
def weights_by_mean_alone(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    squares = map_structure(np.abs, mean)
    total = sum(float(s.sum()) for s in squares.values())
    w = map_structure(lambda s: s / total, squares)
    return {
        "osgr_weights": by_n(case, lambda n: w),
        "predicted_osgr": by_n(case, lambda n: predicted(w, mean, ddof0, n)),
    }


@unlisted
def weights_by_variance_alone(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    total = sum(float(s.sum()) for s in ddof0.values())
    w = map_structure(lambda s: s / total, ddof0)
    return {
        "osgr_weights": by_n(case, lambda n: w),
        "predicted_osgr": by_n(case, lambda n: predicted(w, mean, ddof0, n)),
    }


@unlisted
def weights_with_n_squared(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    return {
        "osgr_weights": by_n(case, lambda n: weights_of(mean, ddof0, n * n)),
        "predicted_osgr": by_n(
            case, lambda n: predicted(weights_of(mean, ddof0, n * n), mean, ddof0, n)
        ),
    }


@unlisted
def predicted_for_twice_n(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    return {
        "predicted_osgr": by_n(
            case, lambda n: predicted(weights_of(mean, ddof0, n), mean, ddof0, 2 * n)
        )
    }


@unlisted
def without_the_spread_between_batches(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    edges = np.cumsum([0, *case.batches])

    def within(g: Any) -> Any:
        parts = [g[a:b] for a, b in pairwise(edges)]
        return sum(len(p) * p.var(axis=0) for p in parts) / len(g)

    return on_moments(lambda g: g.mean(axis=0), within)(case)


@unlisted
def last_batch_only(case: GoldenCase) -> Values:
    if case.batches is None:
        return {}
    n = case.batches[-1]
    return on_moments(lambda g: g[-n:].mean(axis=0), lambda g: g[-n:].var(axis=0))(case)


@unlisted
def probabilities_squared(case: GoldenCase) -> Values:
    if case.probabilities is None:
        return {}
    p = shares_of(case) ** 2 / np.sum(shares_of(case) ** 2)
    mean = map_structure(lambda g: np.tensordot(p, g, 1), gradients_of(case))
    second = map_structure(lambda g: np.tensordot(p, g**2, 1), gradients_of(case))
    return from_moments(case, mean, map_structure(lambda s, m: s - m * m, second, mean), None)


@unlisted
def relative_epsilon(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    spread = {"gsnr_ddof0": ddof0} | ({} if ddof1 is None else {"gsnr_ddof1": ddof1})
    return {
        q: ratio(mean, map_structure(lambda v: v + 1e-3 * v.max(), variance))
        for q, variance in spread.items()
    }


@unlisted
def epsilon_by_layer(case: GoldenCase) -> Values:
    mean, ddof0, ddof1 = right_moments(case)
    spread = {"gsnr_ddof0": ddof0} | ({} if ddof1 is None else {"gsnr_ddof1": ddof1})
    return {
        q: {k: mean[k] ** 2 / (v[k] + 1e-6 * (1 + i)) for i, k in enumerate(v)}
        for q, v in spread.items()
    }


@unlisted
def epsilon_in_the_numerator(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    return {"gsnr_ddof0": map_structure(lambda m, v: (m * m + 1e-6) / v, mean, ddof0)}


@unlisted
def variance_bounded_below(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    return {"gsnr_ddof0": map_structure(lambda m, v: m * m / np.maximum(v, 0.1), mean, ddof0)}


@unlisted
def nan_for_0(case: GoldenCase) -> Values:
    return only("gsnr_ddof0", lambda r: np.where(np.isnan(r), 0.0, r))(case)


@unlisted
def numpy_nan_to_num(case: GoldenCase) -> Values:
    return {q: map_structure(np.nan_to_num, v) for q, v in case.expected.items()}


@unlisted
def everything_nan(case: GoldenCase) -> Values:
    return every(lambda v: np.full(np.shape(v), np.nan))(case)


@unlisted
def everything_0(case: GoldenCase) -> Values:
    return every(lambda v: np.zeros(np.shape(v)))(case)


@unlisted
def everything_1(case: GoldenCase) -> Values:
    return every(lambda v: np.ones(np.shape(v)))(case)


@unlisted
def wrong_in_every_second_case(case: GoldenCase) -> Values:
    if zlib.crc32(case.id.encode()) % 2:
        return {}
    mean, _, ddof1 = right_moments(case)
    return {} if ddof1 is None else from_moments(case, mean, ddof1, ddof1)


@unlisted
def wrong_in_cross_entropy(case: GoldenCase) -> Values:
    if case.model["loss"]["type"] != "cross_entropy":
        return {}
    return on_gradients(lambda g: g / len(g))(case)


# Other statistics of the same gradients.
several(
    variance_of_absolute_gradients=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.abs(g).var(axis=0)
    ),
    root_of_the_second_moment=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.sqrt((g * g).mean(axis=0))
    ),
    third_moment=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.abs((g - g.mean(axis=0)) ** 3).mean(axis=0)
    ),
    median_of_squares=on_moments(
        lambda g: g.mean(axis=0), lambda g: np.median((g - g.mean(axis=0)) ** 2, axis=0)
    ),
    middle_of_the_range=on_moments(
        lambda g: (g.min(axis=0) + g.max(axis=0)) / 2, lambda g: g.var(axis=0)
    ),
    root_mean_square_for_mean=on_moments(
        lambda g: np.sqrt((g * g).mean(axis=0)), lambda g: g.var(axis=0)
    ),
    last_sample_for_mean=on_moments(lambda g: g[-1], lambda g: g.var(axis=0)),
    variance_around_the_first_sample=on_moments(
        lambda g: g.mean(axis=0), lambda g: ((g - g[0]) ** 2).mean(axis=0)
    ),
    variances_of_pairs=on_moments(
        lambda g: g.mean(axis=0),
        lambda g: np.mean([p.var(axis=0) for p in np.array_split(g, -(-len(g) // 2))], axis=0),
    ),
    means_without_one_sample=on_moments(
        lambda g: g.mean(axis=0),
        lambda g: ((g.sum(axis=0) - g) / max(1, len(g) - 1)).var(axis=0),
    ),
    moving_averages=on_moments(
        lambda g: _moving_average(g) / (1 - 0.9 ** len(g)),
        lambda g: _moving_average(g * g) / (1 - 0.999 ** len(g)),
    ),
    welford_with_the_old_mean_twice=on_moments(
        lambda g: g.mean(axis=0), lambda g: _welford(g, old_mean_twice=True)
    ),
    welford_with_the_new_mean_twice=on_moments(
        lambda g: g.mean(axis=0), lambda g: _welford(g, old_mean_twice=False)
    ),
    summed_in_float16=on_moments(
        lambda g: g.astype(np.float16).sum(axis=0).astype(float) / len(g), lambda g: g.var(axis=0)
    ),
    gradients_divided_by_their_norm=on_gradients(
        lambda g: (
            g
            / np.sqrt((g.reshape(len(g), -1) ** 2).sum(axis=1) + 1e-12).reshape(
                -1, *[1] * (g.ndim - 1)
            )
        )
    ),
    gradients_without_their_mean=on_gradients(lambda g: g - g.mean(axis=0) / 2),
    one_sample_zeroed=on_gradients(lambda g: np.concatenate([0 * g[:1], g[1:]])),
    gsnr_over_3=only("gsnr_ddof0", lambda v: v / 3),
    gsnr_as_a_share=only("gsnr_ddof0", lambda v: v / (1 + v)),
    noise_scale_only_rooted=only("noise_scale", np.sqrt),
    coherence_only_complement=only("coherence", lambda v: 1 - np.asarray(v)),
)


def _moving_average(values: Any) -> Any:
    decay = 0.9 if (values < 0).any() else 0.999
    total = np.zeros(values.shape[1:])
    for value in values:
        total = decay * total + (1 - decay) * value
    return total


def _welford(values: Any, old_mean_twice: bool) -> Any:
    mean, squares = np.zeros(values.shape[1:]), np.zeros(values.shape[1:])
    for n, value in enumerate(values, start=1):
        old = mean
        mean = old + (value - old) / n
        squares = squares + (value - (old if old_mean_twice else mean)) ** 2
    return squares / len(values)


@unlisted
def gradients_with_the_noise_of_privacy(case: GoldenCase) -> Values:
    rng = np.random.default_rng(zlib.crc32(case.id.encode()))
    g = {k: v + 0.01 * rng.standard_normal(v.shape) for k, v in gradients_of(case).items()}
    return from_gradients(case, g)


@unlisted
def gsnr_of_each_array_as_that_of_its_values(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    return {
        "gsnr_ddof0": {
            k: np.full(mean[k].shape, (mean[k] ** 2).sum() / ddof0[k].sum()) for k in mean
        }
    }


@unlisted
def one_variance_for_all_layers(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    shared = np.mean(np.concatenate([np.ravel(v) for v in ddof0.values()]))
    ddof0 = {k: np.full(v.shape, shared) for k, v in ddof0.items()}
    return from_moments(case, mean, ddof0, sample_variance(case, ddof0))


@unlisted
def noise_scale_by_the_norm_not_squared(case: GoldenCase) -> Values:
    mean, ddof0, _ = right_moments(case)
    norm = np.sqrt(sum(float((m**2).sum()) for m in mean.values()))
    return {"noise_scale": float(sum(float(v.sum()) for v in ddof0.values()) / norm)}


@unlisted
def gradients_at_the_updated_parameters(case: GoldenCase) -> Values:
    mean, _, _ = right_moments(case)
    stepped = case.params | {k: case.params[k] - 0.1 * mean[k] for k in mean}
    found = run(ChangedModel(case), stepped, case)
    return from_gradients(case, found.gradients)


@unlisted
def loss_with_a_temperature(case: GoldenCase) -> Values:
    model = ChangedModel(case, outputs=lambda outputs, y: outputs / 2)
    found = run(model, case.params, case)
    return {"losses": found.losses, **from_gradients(case, found.gradients)}
