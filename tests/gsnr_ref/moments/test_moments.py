from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref import (
    GradientMoments,
    InputError,
    PrecisionWarning,
    RangeError,
    gradient_moments,
    gsnr,
    per_sample_gradients,
)
from tests.oracles.exact import exact_linear_gradients, exact_moments, fractions
from tests.strategies import cuts, problems
from toy_models import MLP, LinearRegression


@given(problems(), st.data())
def test_streaming_equals_all_gradients_at_once(problem, data):
    model, params, x, y = problem
    whole = GradientMoments.from_samples(per_sample_gradients(model, params, x, y, "loop"))
    batches = [(x[piece], y[piece]) for piece in data.draw(cuts(len(x)))]
    size = data.draw(st.integers(1, 20), label="chunk_size")
    for moments in (
        gradient_moments(model, params, iter(batches), chunk_size=size),
        gradient_moments(model, params, x, y, chunk_size=size),
        gradient_moments(model, params, x, y, method="loop", chunk_size=size),
    ):
        assert moments.count == len(x)
        for name in whole.mean:
            # Two routes to a gradient differ by rounding, of the layer's largest gradient.
            scale = np.sqrt((whole.m2[name] / len(x) + whole.mean[name] ** 2).max())
            assert np.abs(moments.mean[name] - whole.mean[name]).max() <= 1e-11 * scale
            difference = np.abs(moments.m2[name] - whole.m2[name])
            assert difference.max() <= 1e-10 * scale**2 * len(x)


@given(problems(), st.data())
def test_integer_weights_are_repetitions(problem, data):
    model, params, x, y = problem
    repeats = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))
    repeats[0] += 1
    weighted = gradient_moments(model, params, x, y, weights=repeats, chunk_size=3)
    repeated = gradient_moments(model, params, np.repeat(x, repeats, 0), np.repeat(y, repeats, 0))
    assert weighted.count == repeated.count
    for name in weighted.mean:
        scale = max(np.abs(repeated.mean[name]).max(), np.sqrt(repeated.m2[name].max()), 1e-300)
        assert np.abs(weighted.mean[name] - repeated.mean[name]).max() <= 1e-12 * scale
        assert np.abs(weighted.m2[name] - repeated.m2[name]).max() <= 1e-10 * scale**2


@pytest.mark.parametrize("target", [1e-8, 1e-3, 1.0, 1e2, 1e4, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("n", [5, 300, 2500])
@pytest.mark.parametrize("where", ["inputs", "deltas", "both"])
def test_gsnr_is_accurate_whatever_its_size(target, n, where):
    rng = np.random.default_rng(n)
    spread = target**-0.5
    x = np.ones((n, 2)) + (where != "deltas") * spread * rng.standard_normal((n, 2))
    y = 1 + (where != "inputs") * spread * rng.standard_normal((n, 1))
    weight, bias = np.array([[1e-3], [2e-3]]), np.array([3.0])
    moments = gradient_moments(
        LinearRegression(2), {"linear.weight": weight, "linear.bias": bias}, x, y, chunk_size=400
    )
    ratios = gsnr(moments)
    samples = zip(("weight", "bias"), exact_linear_gradients(weight, bias, x, y), strict=True)
    for name, gradients in samples:
        count, mean, m2 = exact_moments(gradients)
        exact = (mean * mean / (m2 / count)).astype(float)
        checked = exact <= 1e12
        assert np.allclose(ratios[f"linear.{name}"][checked], exact[checked], rtol=1e-9, atol=0)


def test_parameters_of_very_different_gsnr_in_one_layer():
    rng = np.random.default_rng(0)
    x = np.c_[1 + 1e-6 * rng.standard_normal(500), rng.standard_normal(500), np.full(500, 3.0)]
    weight, bias = np.full((3, 1), 0.5), np.zeros(1)
    y = x @ weight - 1  # all deltas are about 1
    moments = gradient_moments(
        LinearRegression(3), {"linear.weight": weight, "linear.bias": bias}, x, y
    )
    count, mean, m2 = exact_moments(exact_linear_gradients(weight, bias, x, y)[0])
    exact = (mean * mean / (m2 / count)).astype(float)
    checked = exact <= 1e12
    assert checked.sum() == 2
    ratios = gsnr(moments)["linear.weight"]
    assert np.allclose(ratios[checked], exact[checked], rtol=1e-9, atol=0)


@pytest.mark.parametrize("scale", [1e-150, 1e-120, 1e-75, 1e75, 1e140, 1e150])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_extreme_gradients_keep_their_gsnr(scale, share):
    """Gradients of size `scale`, made by the inputs (share 0), the deltas (1), or both (0.5)."""
    rng = np.random.default_rng(0)
    base_x, base_y = rng.standard_normal((50, 2)), rng.standard_normal((50, 1))
    model, params = LinearRegression(2, bias=False), {"linear.weight": np.zeros((2, 1))}
    expected = gsnr(gradient_moments(model, params, base_x, base_y))["linear.weight"]
    x, y = base_x * scale ** (1 - share), base_y * scale**share
    ratios = gsnr(gradient_moments(model, params, x, y))["linear.weight"]
    assert np.allclose(ratios, expected, rtol=1e-11, atol=0)


def test_beyond_the_range_of_float64_is_said():
    rng = np.random.default_rng(0)
    x, y = np.ones((20, 1)), rng.standard_normal(20)
    model, params = LinearRegression(1, bias=False), {"linear.weight": np.zeros((1, 1))}
    with pytest.raises(RangeError, match=r"'linear\.weight' exceed float64"):
        gradient_moments(model, params, x, y * 1e153 * 1e3)
    for tiny in (1e-160, 1e-200, 1e-300):
        with pytest.warns(PrecisionWarning, match="underflow float64"):
            moments = gradient_moments(model, params, x, y * tiny)
        assert moments.m2["linear.weight"] > 0  # lost digits, but not turned into a zero
        with pytest.warns(PrecisionWarning, match="underflow float64"):
            assert GradientMoments.from_samples(y * tiny).m2 > 0


def test_dead_inputs_and_disjoint_supports_have_exactly_zero_moments():
    x = np.zeros((40, 3))
    x[:20, 0], x[20:, 1] = 1.0, 1e-200
    y = np.r_[np.ones(20), np.zeros(20)]  # deltas vanish where x[:, 1] does not
    params = {"linear.weight": np.zeros((3, 1))}
    moments = gradient_moments(LinearRegression(3, bias=False), params, x, y)
    assert moments.mean["linear.weight"].ravel().tolist() == [-0.5, 0.0, 0.0]
    assert moments.m2["linear.weight"].ravel().tolist() == [10.0, 0.0, 0.0]
    assert np.isnan(gsnr(moments)["linear.weight"][1:]).all()


def test_float32_is_accumulated_in_float64():
    rng = np.random.default_rng(0)
    model = LinearRegression(3)
    params = {k: v.astype(np.float32) for k, v in model.init(0).items()}
    x, y = (rng.standard_normal(s).astype(np.float32) for s in ((3000, 3), (3000, 1)))
    moments = gradient_moments(model, params, x, y)
    exact = GradientMoments.from_samples(
        {k: g.astype(np.float64) for k, g in per_sample_gradients(model, params, x, y).items()}
    )
    assert moments.mean["linear.weight"].dtype == np.float64
    # Products of float32 numbers are exact in float64; the gradients themselves round to float32.
    assert np.allclose(moments.m2["linear.weight"], exact.m2["linear.weight"], rtol=1e-7, atol=0)


def test_fractions_stay_exact():
    x, y = fractions([[1, 2], [3, -1], [0, 5]]), fractions([[1], [2], [-1]])
    params = {"linear.weight": fractions([[1], [2]]) / 3, "linear.bias": fractions([1]) / 7}
    weights = np.array([Fraction(1, 6), Fraction(1, 2), Fraction(1, 3)])
    gradients = exact_linear_gradients(params["linear.weight"], params["linear.bias"], x, y)
    for size in (1, 2, 3):
        moments = gradient_moments(
            LinearRegression(2), params, x, y, weights=weights, chunk_size=size
        )
        for name, g in zip(("weight", "bias"), gradients, strict=True):
            total, mean, m2 = exact_moments(g, weights)
            assert moments.count == total == 1
            assert (moments.mean[f"linear.{name}"] == mean).all()
            assert (moments.m2[f"linear.{name}"] == m2).all()


class DLPackOnly:
    """An array of another framework: speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_from_samples_reads_foreign_arrays_and_nested_dicts():
    g = np.array([[1.0, 2.0], [3.0, 2.0]])
    nested = {"layer": {"weight": DLPackOnly(g), "bias": g.tolist()}}
    moments = GradientMoments.from_samples(nested)
    assert moments.mean["layer"]["weight"].tolist() == [2.0, 2.0]
    assert gsnr(moments)["layer"]["bias"].tolist() == [4.0, np.inf]
    assert "count=2" in repr(moments)


def test_moments_can_be_made_from_their_parts():
    one = GradientMoments(2, np.array([1.0]), np.array([4.0]))
    two = GradientMoments(2, np.array([3.0]), np.array([0.0]))
    both = one.merge(two)
    assert (both.count, both.mean[0], both.m2[0]) == (4, 2.0, 8.0)


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("requires grad")


MODEL = LinearRegression(1)
PARAMS = MODEL.init(0)
X, Y = np.ones((3, 1)), np.arange(3.0)
BAD_CALLS = [
    (lambda: GradientMoments.from_samples(np.array(1.0)), r"expected \(n_samples, ...\)"),
    (lambda: GradientMoments.from_samples({"a": X, "b": X[:2]}), "shapes"),
    (lambda: GradientMoments.from_samples([1.0, np.nan]), "samples .* holds 1 NaN"),
    (lambda: GradientMoments.from_samples(Unreadable()), "cannot be read: requires grad"),
    (lambda: GradientMoments.from_samples(np.ones(2, complex)), "dtype complex128"),
    (lambda: GradientMoments.from_samples([1.0, 2.0], [1.0]), "weights has shape"),
    (lambda: GradientMoments.from_samples([1.0, 2.0], [1.0, -1.0]), "minimum -1.0"),
    (lambda: GradientMoments.from_samples([1.0]).variance(ddof=1), "ddof is 1 and count 1"),
    (lambda: GradientMoments.from_samples(np.ones((0, 2))).variance(), "ddof is 0 and count 0"),
    (lambda: GradientMoments(-1, X, X), "count is -1"),
    (lambda: GradientMoments(1, X, -X), "no m2 below 0"),
    (
        lambda: GradientMoments.from_samples(X).merge(GradientMoments.from_samples(Y)),
        "shapes differ",
    ),
    (
        lambda: GradientMoments.from_samples({"a": X}).merge(
            GradientMoments.from_samples({"b": X})
        ),
        "structures differ",
    ),
    (lambda: gradient_moments(MODEL, PARAMS, X), "y is left out and x is ndarray"),
    (lambda: gradient_moments(MODEL, PARAMS, [X]), "a batch is ndarray"),
    (lambda: gradient_moments(MODEL, PARAMS, []), "holds no sample"),
    (lambda: gradient_moments(MODEL, PARAMS, [(X, Y)], weights=Y), "weights is given with"),
    (lambda: gradient_moments(MODEL, PARAMS, X, Y, weights=[0, 0, 0]), "holds no sample"),
    (lambda: gradient_moments(MODEL, PARAMS, X[:0], Y[:0]), "at least one sample"),
    (lambda: gradient_moments(MODEL, PARAMS, X, Y, chunk_size=0), "chunk_size is 0"),
    (lambda: gradient_moments(MODEL, PARAMS, X, Y, method="vmap"), "method is 'vmap'"),
    (lambda: gradient_moments(MODEL, PARAMS, X * np.nan, Y), "x holds 3 NaN"),
    (lambda: gradient_moments(MODEL, PARAMS, X, Y * np.inf), "y holds"),
]


@pytest.mark.parametrize(("call", "message"), BAD_CALLS)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_frozen_first_layer_does_not_hide_bad_inputs(value):
    model = MLP((1, 2, 1), frozen=("layer1",))
    with pytest.raises(InputError, match="NaN or infinite"):
        gradient_moments(model, model.init(0), np.array([[value]]), np.zeros(1))


def test_empty_pieces_change_nothing():
    empty = GradientMoments.from_samples(np.ones((0, 2)))
    piece = GradientMoments.from_samples(np.ones((3, 2)))
    assert empty.merge(piece) is piece
    assert piece.merge(empty) is piece
    assert empty.merge(empty).count == 0
