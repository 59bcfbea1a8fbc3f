"""Lower precision: what each rounding makes, and how much of it must be seen."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import leaves, map_structure
from gsnr_ref.golden.diagnosis.derived import from_gradients
from gsnr_ref.golden.diagnosis.recomputed import layers_of
from gsnr_ref.golden.diagnosis.wrong_precision import (
    FORMATS,
    ROUND,
    SEEN,
    SEVERAL,
    TF32,
    Format,
    _are_rounded,
    _cancels,
    _is_off_by_little,
    _is_seen,
    _n_explained,
    in_format,
    in_tf32,
)
from gsnr_ref.golden.quantity import QUANTITIES
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of, with_losses

CASE = golden.load("mlp2-tanh-squared-error")
X, Y, N = CASE.x, CASE.y, len(CASE.x)


def outer(inputs, deltas):
    return inputs[:, :, None] * deltas[:, None, :]


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_a_perceptron_with_every_affine_map_rounded(name):
    to, p = FORMATS[name].rounded, CASE.params
    w1, b1, w2, b2 = (to(p[k]) for k in ("layer1.weight", "layer1.bias", *list(p)[2:]))
    x, hidden = to(X), np.tanh(to(to(X) @ w1 + b1))
    outputs = to(to(hidden) @ w2 + b2)
    delta2 = to(outputs - Y)
    delta1 = to(to(delta2 @ w2.T) * (1 - hidden**2))
    gradients = {
        "layer1.weight": to(outer(x, delta1)),
        "layer1.bias": delta1,
        "layer2.weight": to(outer(to(hidden), delta2)),
        "layer2.bias": delta2,
    }
    made = in_format(CASE, name)
    np.testing.assert_array_equal(made["losses"], to(((outputs - Y) ** 2).sum(axis=1) / 2))
    for key, g in gradients.items():
        np.testing.assert_array_equal(made["per_sample_gradients"][key], g)
    for quantity, tree in from_gradients(CASE, gradients).items():
        for mine, theirs in zip(leaves(tree), leaves(made[quantity]), strict=True):
            np.testing.assert_array_equal(to(mine), theirs)


@pytest.mark.parametrize(
    "id",
    [
        "layer-norm-squared-error",
        "rms-norm-squared-error",
        "mlp2-tanh-no-bias",
        "elman-three-hidden",
    ],
)
def test_with_enough_bits_everything_is_right(id, monkeypatch):
    monkeypatch.setitem(FORMATS, "bfloat16", Format(53, -1074, np.inf))
    case = golden.load(id)
    for made in (in_format(case, "bfloat16"), in_tf32(case, np.asarray)):
        for quantity in ("losses", "per_sample_gradients"):
            right = leaves(case.expected[quantity])
            for mine, want in zip(leaves(made[quantity]), right, strict=True):
                np.testing.assert_allclose(mine, want, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("to", [TF32.rounded, TF32.truncated], ids=["rounded", "truncated"])
@pytest.mark.parametrize("last", [True, False])
def test_a_perceptron_with_factors_in_tf32(to, last):
    p = CASE.params
    w1, b1, w2, b2 = p.values()
    hidden = np.tanh(to(X) @ to(w1) + b1)
    outputs = to(hidden) @ to(w2) + b2
    delta2 = outputs - Y
    delta1 = to(delta2) @ to(w2).T * (1 - hidden**2)
    factor = to if last else np.asarray
    made = in_tf32(CASE, to, last)
    np.testing.assert_allclose(made["losses"], (delta2**2).sum(axis=1) / 2, rtol=1e-13)
    for key, g in (
        ("layer1.weight", outer(factor(X), factor(delta1))),
        ("layer1.bias", delta1),
        ("layer2.weight", outer(factor(hidden), factor(delta2))),
        ("layer2.bias", delta2),
    ):
        np.testing.assert_allclose(made["per_sample_gradients"][key], g, rtol=1e-12, atol=1e-16)


def test_the_mistake_is_in_tf32_in_the_digits_of_float32():
    wrong, made = golden.mistakes()["tensor-float-products"].wrong(CASE), in_tf32(CASE)
    for mine, theirs in zip(leaves(wrong["mean"]), leaves(made["mean"]), strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_array_equal(mine, np.asarray(theirs, np.float32))


def test_rows_of_an_embedding_and_norms_are_no_products():
    """Only what multiplies matrices is rounded: here, the outputs."""
    case = golden.load("embedding-squared-error")
    with np.errstate(invalid="ignore"):
        made = in_tf32(case)["per_sample_gradients"]
    name = next(k for k in case.params if "tokens" in k or "embedding" in k)
    rows = made[name]
    assert not np.array_equal(rows, TF32.rounded(rows))
    norm = golden.load("layer-norm-squared-error")
    scale = next(k for k in norm.params if k.endswith(".scale"))
    rounded = in_format(norm, "bfloat16")["per_sample_gradients"][scale]
    np.testing.assert_array_equal(rounded, FORMATS["bfloat16"].rounded(rounded))
    np.testing.assert_allclose(
        in_tf32(norm, np.asarray)["per_sample_gradients"][scale],
        norm.expected["per_sample_gradients"][scale],
        rtol=1e-10,
        atol=1e-14,
    )


@pytest.mark.parametrize(
    ("name", "largest", "beyond", "smallest"),
    [
        ("float32", 3.4028234663852886e38, 3.40282357e38, 2.0**-149),
        ("float16", 65504.0, 65520.0, 2.0**-24),
        ("bfloat16", 3.3895313892515355e38, 3.397e38, 2.0**-133),
    ],
)
def test_formats_end_where_they_do(name, largest, beyond, smallest):
    form = FORMATS[name]
    assert form.rounded(np.array([largest, beyond, -beyond])).tolist() == [largest, np.inf, -np.inf]
    assert form.rounded(np.array([smallest, 0.51 * smallest, 0.49 * smallest])).tolist() == [
        smallest,
        smallest,
        0.0,
    ]
    assert form.holds(np.array([largest, smallest, 1 / 3])).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("form", "bits"),
    [
        (FORMATS["float32"], 24),
        (FORMATS["float16"], 11),
        (FORMATS["bfloat16"], 8),
        (TF32, 11),
        (ROUND, 3),
    ],
    ids=["float32", "float16", "bfloat16", "tf32", "round"],
)
def test_a_format_has_so_many_bits(form, bits):
    """The next number after 1 is 1 + 2 to the power of 1 − bits."""
    step = 2.0 ** (1 - bits)
    assert form.holds(np.array([1 + step, 1 + step / 2])).tolist() == [True, False]


def test_round_numbers_may_be_as_small_as_any():
    assert ROUND.holds(np.array([5e-324, 1.75 * 2.0**-1022])).all()


def test_precision_is_told_by_what_has_several_values():
    """OSGR by its definition has one for each n too, but each is a quotient of many roundings."""
    one = {q for q, value in CASE.expected.items() if sum(map(np.size, leaves(value))) == 1}
    assert set(QUANTITIES) - set(SEVERAL) == {*one, "enumerated_osgr", "reduced_loss"}


def test_tf32_has_the_range_of_float32():
    numbers = np.array([2.0**-136, 1.4 * 2.0**-136, 0.4 * 2.0**-136, 3.5e38])
    assert TF32.rounded(numbers).tolist() == [2.0**-136, 2.0**-136, 0.0, np.inf]
    assert TF32.truncated(np.array([1.9 * 2.0**-136])).tolist() == [2.0**-136]


def test_where_it_is_seen():
    """Attention multiplies matrices in between, a tied weight is used twice, groups are apart."""
    for case in golden.cases():
        layers = list(layers_of(case.model))
        kinds = {layer["type"] for layer in layers}
        apart = "attention" in kinds or any(layer.get("transposed") for layer in layers)
        apart |= any(layer.get("groups", 1) > 1 for layer in layers)  # no single product
        assert _is_seen(case) == (case.tolerance["float32"] is not None and not apart), case
        if case.level in ("core", "tails"):
            wrong = golden.mistakes()["lower-precision"].wrong(case)
            assert bool(wrong) == _is_seen(case), case
    assert len(SEEN) == 14


def lower(got, right, condition=0.0, dtype="float64", tolerance=1e-14):
    case = with_losses(right, condition)
    report = report_of(case, np.array(got), "losses", tolerance, dtype)
    return judged("lower-precision", case, report)


def third(k, bits):
    """k + 1/3, and the same rounded to so many bits."""
    right = k + 1 / 3
    return right, float(FORMATS[{11: "float16", 24: "float32", 8: "bfloat16"}[bits]].rounded(right))


@pytest.mark.parametrize(("bits", "dtype", "enough"), [(24, "float64", 1), (11, "float32", 2)])
def test_chance_must_be_less_than_one_in_a_million(bits, dtype, enough):
    """Each value lacks 29 bits, or 13: 20 are needed."""
    tolerance = {"float64": 1e-14, "float32": 1e-6}[dtype]
    pairs = [third(k, bits) for k in (1, 2, 4)]
    for n in (1, 2, 3):
        right = [r for r, _ in pairs]
        got = [g for _, g in pairs[:n]]
        others = [1.0] * (3 - n)  # in every format, and right
        assert lower(got + others, right[:n] + others, 0.0, dtype, tolerance) == (n >= enough)
    # The same value again tells nothing more.
    one = pairs[0]
    assert lower([one[1]] * 3, [one[0]] * 3, 0.0, dtype, tolerance) == (enough == 1)


def test_one_value_that_is_none_of_the_format_tells_against_it():
    (a, x), (b, y) = third(1, 24), third(2, 24)
    assert lower([x, y], [a, b])
    assert not lower([x, y + 1e-12], [a, b])
    assert not lower([x, 2.5], [a, b])  # off by more than its roundings make
    assert not lower([x], [a, b])  # of another shape
    assert not lower([x, y], [a, b], dtype="float32", tolerance=1e-9)  # it is what was declared
    case = with_losses([a, b])
    other = report_of(case, np.array([x, 2.5]))
    assert _are_rounded(case, other, FORMATS["float32"]) is False


def test_what_is_right_tells_nothing():
    """A value that may be off by so much, and is in float32 by chance."""
    a, x = third(1, 24)
    for condition, is_lower in ((0.0, True), (1e7, False)):  # 1e-7 is more than the rounding
        assert lower([x, 1.0], [a, 1.0], condition) == is_lower


def test_next_to_0_an_error_may_be_16_of_the_smallest_numbers():
    """Of float16 here: 1e-20 · 2⁴² of each value, which a right one may err by, is much less."""
    smallest = 2.0**-24
    for n, is_lower in ((516, True), (517, False)):
        got, right = n * smallest, 500.7 * smallest
        assert lower([got, 1.0], [right, 1.0], tolerance=1e-20) == is_lower


def test_errors_of_coarser_digits_are_allowed_for():
    """2⁻²⁴ for 2⁻⁵³: so many times what a right value may err, by its condition."""
    step = 2.0**-22  # of float32, next to 2
    right = 2 + 1 / 3
    got = float(FORMATS["float32"].rounded(right))
    units = 1e-14 * 2.0**29 * right / step  # what tolerance 1e-14 allows, in steps
    for n, is_lower in ((units - 1, True), (units + 1, False)):
        assert lower([got + np.floor(n) * step, 1.0], [right, 1.0]) == is_lower


def test_off_by_little_is_a_quarter_of_the_largest_at_most():
    right, allowed = np.array([1.0, 8.0, np.inf]), np.array([3.0, 0.5, 1.0])
    assert _is_off_by_little(np.array([3.0, 8.5, 0.0]), right, allowed)
    assert not _is_off_by_little(np.array([3.1, 8.5, 0.0]), right, allowed)
    assert not _is_off_by_little(np.array([3.0, 8.6, 0.0]), right, allowed)
    assert _is_off_by_little(np.array([-1.0, 7.5, 0.0]), right, allowed)
    small = np.array([0.5, np.nan])  # the largest is below 1
    assert _is_off_by_little(np.array([0.625, 1.0]), small, np.ones(2))
    assert not _is_off_by_little(np.array([0.63, 1.0]), small, np.ones(2))
    assert _is_off_by_little(np.ones(2), np.array([np.inf, np.nan]), np.ones(2))


def with_gsnr(*values):
    case = golden.load("linear-no-bias")
    gsnr = {"linear.weight": np.array(values, float).reshape(-1, 1)}
    return replace(case, expected=case.expected | {"gsnr_ddof0": gsnr})


def test_a_variance_cancels_where_a_gsnr_is_above_1e8():
    for quantity in ("variance_ddof0", "variance_ddof1", "gsnr_ddof0", "gsnr_ddof1", "mean"):
        for values, steady in (
            ((1.0, np.nextafter(1e8, np.inf)), True),
            ((1.0, 1e8), False),
            ((np.inf, 1.0), False),
            ((np.inf, np.nan), False),
        ):
            case = with_gsnr(*values)
            report = report_of(case, case.expected[quantity], quantity)
            assert _cancels(case, report) == (steady and quantity != "mean")
    case = with_gsnr(1.0, 1.1e8)
    assert _cancels(case, report_of(case, case.expected["debiased_gsnr"], "debiased_gsnr"))


def test_float32_is_not_seen_where_a_variance_cancels():
    for gsnr, is_lower in ((1.0, True), (1.1e8, False)):
        case = with_gsnr(1.0, gsnr)
        rounded = map_structure(FORMATS["float32"].rounded, case.expected["variance_ddof0"])
        assert judged("lower-precision", case, report_of(case, rounded, "variance_ddof0")) == (
            is_lower
        )
    assert not judged("lower-precision", case, report_of(case, {}, "variance_ddof0"))


def test_a_small_whole_number_of_roundings_is_a_difference_from_1():
    for dtype, unit in (("float64", 2.0**-53), ("float32", 2.0**-24)):
        for value, cancels in (
            (3 * unit, 3 * unit < 2.0**-29),
            (3.5 * unit, False),
            (2.0**-29, False),
            (2.0**-29 - 2.0**-53, dtype == "float64"),
            (2.0**-29 + 2.0**-53, False),
            (0.0, True),
        ):
            report = report_of(CASE, dict.fromkeys(("1", "8", "1000"), value), "predicted_osgr")
            assert _cancels(CASE, replace(report, dtype=dtype)) == cancels, (dtype, value)
    one_is_not = report_of(CASE, {"1": 0.0, "8": 0.5, "1000": 2.0**-53}, "predicted_osgr")
    assert not _cancels(CASE, one_is_not)


def test_a_value_is_explained_if_it_is_ten_times_nearer_to_what_is_made():
    case = with_losses([1.0] * 4, 1e6 - 1)  # each may err by 1e-6
    made = np.array([2.0, 2.0, 1 + 1.9e-6, 1 + 2.1e-6])
    got = np.array([2.09, 2.11, 1 + 1.9e-6, 1 + 2.1e-6])
    assert _n_explained(case, report_of(case, got), made) == 2


def tf32_judged(change, case=CASE, quantity="per_sample_gradients"):
    values = map_structure(lambda v: np.asarray(change(v), np.float32), in_tf32(case)[quantity])
    report = report_of(case, values, quantity, case.tolerance["float32"], "float32")
    return judged("tensor-float-products", case, report)


def test_tf32_is_known_by_all_values_and_is_no_float16():
    assert tf32_judged(np.asarray)
    assert not tf32_judged(FORMATS["float16"].rounded)
    assert not tf32_judged(lambda v: v * (1 + 1e-2))
    assert not judged("tensor-float-products", CASE, report_of(CASE, {}, "mean"))
    location = golden.load("location")  # too few values
    assert not tf32_judged(np.asarray, location)
    with np.errstate(divide="ignore"):  # the gradients of the biases are in float16 too
        assert tf32_judged(np.asarray, golden.load("softmax-uniform"))


def test_tf32_is_told_by_three_values_or_more():
    case = golden.load("linear")
    made, right = in_tf32(case)["mean"], case.expected["mean"]
    for values, n in ((made, 3), (made | {"linear.bias": right["linear.bias"]}, 2)):
        values = map_structure(np.float32, values)
        report = report_of(case, values, "mean", case.tolerance["float32"], "float32")
        assert _n_explained(case, report, made) == n
        assert judged("tensor-float-products", case, report) == (n == 3)


def test_errors_of_tf32_are_those_of_its_digits():
    """2⁻¹¹ for 2⁻²⁴: so many times what a right value of float32 may err."""
    right, made = CASE.expected["per_sample_gradients"], in_tf32(CASE)["per_sample_gradients"]
    needed = max(
        (np.abs(np.float32(made[k]) - right[k]) / ((1 + c) * np.abs(right[k]))).max()
        for k, c in CASE.condition["per_sample_gradients"].items()
    )
    for share, is_tf32 in ((1.01, True), (0.99, False)):
        tolerance = {"float64": 1e-12, "float32": share * needed / 2.0**13}
        assert tf32_judged(np.asarray, replace(CASE, tolerance=tolerance)) == is_tf32
