"""Weights of any dtype, counts against probabilities, and what else moments may be made of."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsnr_ref import GradientMoments, gradient_moments
from gsnr_ref.contract import InputError, is_exact
from gsnr_ref.moments import mixed_moments
from toy_models import LinearRegression

DTYPES = [
    np.dtype(t)
    for t in ("bool", "u1", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "longdouble", "object")
]


def same(one, other):
    return (
        one.count == other.count
        and type(one.count) is type(other.count)
        and (one.mean == other.mean).all()
        and (one.m2 == other.m2).all()
        and one.m2.dtype == other.m2.dtype
    )


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(DTYPES), st.integers(1, 40), st.integers(1, 40))
def test_weights_of_any_dtype_give_what_the_same_float64_weights_give(data, dtype, n, size):
    most = {"b": 1, "u": 255, "i": 127, "f": 255, "O": 255}[dtype.kind]
    weights = np.array(data.draw(st.lists(st.integers(0, most), min_size=n, max_size=n)))
    weights[0] = 1
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    model = LinearRegression(2)
    params = model.init(0)
    plain, cast = weights.astype(float), weights.astype(dtype)

    assert same(GradientMoments.from_samples(x, plain), GradientMoments.from_samples(x, cast))
    for method in ("tapped", "loop"):
        one, other = (
            gradient_moments(model, params, x, y, w, size, method, check=False)
            for w in (plain, cast)
        )
        assert same(flat_of(one), flat_of(other))
    assert type(GradientMoments.from_samples(x, cast).count) is int


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 60_000, width=16), min_size=1, max_size=30),
    st.sampled_from([np.float16, np.float32, np.longdouble]),
    st.integers(1, 30),
)
def test_weights_that_are_not_whole_give_what_float64_gives(weights, dtype, size):
    weights = np.array([1.5, *weights])
    x = np.random.default_rng(size).normal(size=(len(weights), 2))
    one, other = (GradientMoments.from_samples(x, w) for w in (weights, weights.astype(dtype)))
    assert same(one, other)
    model = LinearRegression(2)
    one, other = (
        gradient_moments(model, model.init(0), x, x[:, 0], w, size, check=False)
        for w in (weights, weights.astype(dtype))
    )
    assert same(flat_of(one), flat_of(other))


def flat_of(moments):
    return GradientMoments(
        moments.count,
        np.concatenate([np.ravel(v) for v in moments.mean.values()]),
        np.concatenate([np.ravel(v) for v in moments.m2.values()]),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), min_size=1, max_size=9),
    st.sampled_from(["u1", "f4", "f8", "object", "half"]),
)
def test_exact_samples_stay_exact_beside_weights_of_any_dtype(pairs, dtype):
    samples = np.array([Fraction(s, 3) for s, _ in pairs])
    repeats = [w + 1 for _, w in pairs]
    scale = Fraction(1, 2) if dtype == "half" else 1
    weights = np.array(repeats) / 2 if dtype == "half" else np.array(repeats).astype(dtype)
    moments = GradientMoments.from_samples(samples, weights)
    total = sum(repeats)
    mean = sum(s * w for s, w in zip(samples, repeats, strict=True)) / total
    m2 = sum(w * (s - mean) ** 2 for s, w in zip(samples, repeats, strict=True)) * scale
    assert moments.count == total * scale
    assert is_exact(moments.mean)
    assert moments.mean == mean
    assert moments.m2 == m2
    assert isinstance(moments.variance().item(), Fraction)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 10**6), st.booleans())
def test_probabilities_never_have_a_variance_with_ddof_1(n, size, seed, equal):
    rng = np.random.default_rng(seed)
    p = np.full(n, 1 / n) if equal else rng.dirichlet(np.ones(n))
    x, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    model = LinearRegression(2)
    params = model.init(0)
    whole = GradientMoments.from_samples(x, p)
    pieces = [
        GradientMoments.from_samples(x[i : i + size], p[i : i + size]) for i in range(0, n, size)
    ]
    merged = pieces[0]
    for piece in pieces[1:]:
        merged = merged.merge(piece)
    several = [
        whole,
        merged,
        whole.merge(whole) if n > 1 else whole,
        gradient_moments(model, params, x, y, p, size, check=False),
        gradient_moments(model, params, x, y, 2 * p, size, check=False) if n > 2 else whole,
        gradient_moments(model, params, x, y, p, check=False).select(["linear.weight"]),
        GradientMoments(whole.count, whole.mean, whole.m2),
        mixed_moments(whole, whole, 0.5).merge(mixed_moments(whole, whole, 0.5)),
    ]
    for moments in several:
        assert moments.variance() is not None
        with pytest.raises(InputError, match="ddof"):
            moments.variance(ddof=1)


@pytest.mark.parametrize("ddof", [-1, 0.5, 1.0, True, None, "1", np.bool_(True)])
def test_a_ddof_that_is_no_whole_number_is_refused(ddof):
    moments = GradientMoments.from_samples(np.arange(4.0))
    for call in (moments.variance, moments.signal_and_noise):
        with pytest.raises(InputError, match="ddof is"):
            call(ddof)


@pytest.mark.parametrize("dtype", DTYPES)
def test_moments_of_their_parts_are_float64_copies(dtype):
    mean, m2 = np.array([1, 0]).astype(dtype), np.array([1, 1]).astype(dtype)
    moments = GradientMoments(3, {"w": mean}, {"w": m2})
    mean[:], m2[:] = 0, 0
    assert moments.mean["w"].tolist() == [1, 0]
    assert moments.m2["w"].tolist() == [1, 1]
    wanted = object if dtype.kind == "O" else np.float64
    assert moments.mean["w"].dtype == moments.m2["w"].dtype == wanted


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [float, object])
def test_moments_of_parts_that_are_not_finite_are_refused(bad, dtype):
    good = np.ones(2, dtype)
    wrong = np.array([1.0, bad], dtype)
    for name, parts in {"mean": (3, wrong, good), "m2": (3, good, wrong)}.items():
        with pytest.raises(InputError, match=name):
            GradientMoments(*parts)


@pytest.mark.parametrize("count", [np.nan, np.inf, -1, None, "3", True, 1j])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(InputError, match="count is"):
        GradientMoments(count, np.ones(2), np.ones(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, object])
def test_what_is_handed_out_cannot_change_the_moments(dtype):
    moments = GradientMoments.from_samples(np.array([[1, 2], [3, 2]], dtype))
    for handed_out in (moments.mean, moments.m2):
        with pytest.raises(ValueError, match="read-only"):
            handed_out[0] = 7
    assert (moments.mean.tolist(), moments.m2.tolist()) == ([2, 2], [2, 0])


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_moments_of_their_parts_are_of_samples_where_the_count_is_whole(count):
    moments = GradientMoments(count, [0.0], [1.0])
    assert moments.variance(ddof=1).tolist() == [1 / (count - 1)]
