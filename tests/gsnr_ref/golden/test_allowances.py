"""What passes: kinks, zeros and undecided values leave room for rounding, and for nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import map_structure
from gsnr_ref.golden.quantity import SQUARES, compare_quantity

DTYPES = {"float64": np.float64, "float32": np.float32}


def two_pass(g, p):
    mean = (p.reshape(-1, *[1] * (g.ndim - 1)) * g).sum(axis=0)
    return mean, (p.reshape(-1, *[1] * (g.ndim - 1)) * (g - mean) ** 2).sum(axis=0)


def one_by_one(g, p):
    mean = np.zeros_like(g[0])
    for g_i, p_i in zip(g, p, strict=True):
        mean = mean + p_i * g_i
    deviations = np.zeros_like(mean)
    for g_i, p_i in zip(g, p, strict=True):
        deviations = deviations + p_i * (g_i - mean) ** 2
    return mean, deviations


def welford(g, p):
    """West's weighted form of Welford's algorithm."""
    mean, squares, total = g[0], np.zeros_like(g[0]), p[0]
    for g_i, p_i in zip(g[1:], p[1:], strict=True):
        total = total + p_i
        delta = g_i - mean
        mean = mean + delta * (p_i / total)
        squares = squares + p_i * delta * (g_i - mean)
    return mean, squares / total


def pairwise(g, p):
    """Merged in halves (Chan, Golub and LeVeque)."""
    if len(g) == 1:
        return g[0], np.zeros_like(g[0])
    half = len(g) // 2
    (mean_a, var_a), (mean_b, var_b) = pairwise(g[:half], p[:half]), pairwise(g[half:], p[half:])
    a, b = p[:half].sum() / p.sum(), p[half:].sum() / p.sum()
    delta = mean_b - mean_a
    return mean_a + b * delta, a * var_a + b * var_b + a * b * delta**2


def backwards(g, p):
    return one_by_one(g[::-1], p[::-1])


CORRECT = {f.__name__: f for f in (two_pass, one_by_one, welford, pairwise, backwards)}


def moments_of(case, dtype, algorithm):
    """Mean, variances and plug-in GSNR of the case's gradients, all in one dtype."""
    kind, n = DTYPES[dtype], len(case.x)
    p = np.full(n, 1 / n) if case.probabilities is None else case.probabilities
    found = {q: {} for q in ("mean", "variance_ddof0", "variance_ddof1", "gsnr_ddof0")}
    for name, gradients in case.expected["per_sample_gradients"].items():
        mean, variance = algorithm(gradients.astype(kind), p.astype(kind))
        found["mean"][name], found["variance_ddof0"][name] = mean, variance
        with np.errstate(all="ignore"):
            found["gsnr_ddof0"][name] = mean * (mean / variance)
            found["variance_ddof1"][name] = variance * kind(n) / kind(n - 1)
    return {q: v for q, v in found.items() if q in case.expected}


@pytest.mark.parametrize("algorithm", CORRECT)
@pytest.mark.parametrize("dtype", DTYPES)
def test_correct_sums_pass_in_every_case(dtype, algorithm):
    failed = []
    for case in golden.cases():
        if case.tolerance[dtype] is None or case.selected:  # gradients of some samples only
            continue
        result = moments_of(case, dtype, CORRECT[algorithm])
        left_out = [q for q in case.expected if q not in result]
        report = golden.compare(case, result, leave_out=left_out, dtype=dtype)
        failed += [str(report)] * (not report.passed)
    assert failed == []


def without_one(g, p):
    return two_pass(g[1:], p[1:] / p[1:].sum())


def rounded_terms(g, p):
    return two_pass(g * (1 + 1e-9 * np.arange(len(g)).reshape(-1, *[1] * (g.ndim - 1))), p)


def biased(g, p):
    mean, variance = two_pass(g, p)
    return mean + 1e-9 * np.abs(g).max(axis=0), variance


def one_pass(g, p):
    shares = p.reshape(-1, *[1] * (g.ndim - 1))
    mean = (shares * g).sum(axis=0)
    return mean, (shares * g**2).sum(axis=0) - mean**2


ZERO_MEAN = ("softmax-uniform", "location-zero-mean", "linear-zero-mean")


@pytest.mark.parametrize("id", ZERO_MEAN)
@pytest.mark.parametrize("wrong", [without_one, rounded_terms, biased], ids=lambda f: f.__name__)
def test_a_wrong_mean_fails_where_0_is_expected(id, wrong):
    case = golden.load(id)
    mean = {
        name: np.where(right == 0, moments_of(case, "float64", wrong)["mean"][name], right)
        for name, right in case.expected["mean"].items()
    }
    others = set(case.expected) - {"mean"}
    assert not golden.compare(case, {"mean": mean}, leave_out=others).passed


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_of_second_order_are_held_to_the_square_of_the_tolerance(dtype):
    """An error of the size of a rounding is far too much for a variance that is 0."""
    for case in golden.cases("zero-variance"):
        for quantity in ("variance_ddof0", "variance_ddof1"):
            for name, right in case.expected.get(quantity, {}).items():
                size = np.abs(case.expected["per_sample_gradients"][name]).mean(axis=0)
                rounding = np.finfo(DTYPES[dtype]).eps
                wrong = np.where(right == 0, size**2 * rounding, right)
                given = case.expected[quantity] | {name: wrong}
                report = compare_quantity(
                    case, quantity, given, dtype, case.tolerance[dtype], "gsnr_ref"
                )
                assert report.n_wrong == np.sum((right == 0) & (size > 0))


KINK = golden.load("mlp2-relu-kink")


def with_subgradient(slope):
    """Everything that follows of the gradients with another derivative of ReLU at 0."""
    from gsnr_ref.golden.diagnosis.derived import from_gradients

    x, params = KINK.x, KINK.params
    hidden = x @ params["layer1.weight"] + params["layer1.bias"]
    active = np.where(hidden == 0, slope, hidden > 0)
    assert (hidden == 0).sum() == 1
    delta2 = np.maximum(hidden, 0) @ params["layer2.weight"] + params["layer2.bias"] - KINK.y
    with np.errstate(invalid="ignore"):
        delta1 = delta2 @ params["layer2.weight"].T * active
        gradients = {
            "layer1.weight": x[:, :, None] * delta1[:, None, :],
            "layer1.bias": delta1,
            "layer2.weight": np.maximum(hidden, 0)[:, :, None] * delta2[:, None, :],
            "layer2.bias": delta2,
        }
        return KINK.expected | from_gradients(KINK, gradients)


def test_the_derivative_of_relu_at_0_is_0_and_nothing_else():
    assert golden.compare(KINK, with_subgradient(0.0)).passed
    for slope in (0.5, 1.0, 1e-6, np.nan, np.inf):
        report = golden.compare(KINK, with_subgradient(slope))
        wrong = {q.quantity for q in report.quantities if not q.passed}
        assert {"per_sample_gradients", "mean", "variance_ddof0", "gsnr_ddof0"} <= wrong


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_case_takes_nonsense_for_any_value(value, dtype):
    """Each finite value, one after the other in each array, replaced by what it cannot be."""
    for case in golden.cases():
        if case.tolerance[dtype] is None:
            continue

        def spoil(right):
            wrong = np.array(right, dtype=float)
            wrong[np.isfinite(wrong)] = value
            return wrong

        for quantity, right in case.expected.items():
            given = map_structure(spoil, right), dtype, case.tolerance[dtype], "gsnr_ref"
            q = compare_quantity(case, quantity, *given)
            n_finite = sum(int(np.isfinite(v).sum()) for v in _leaves(right))
            assert (q.n_wrong, q.n_undecided) == (n_finite, 0), (case, q.quantity)


def _leaves(tree):
    from gsnr_ref.contract import leaves

    return [np.asarray(leaf) for leaf in leaves(tree)]


@pytest.mark.parametrize("quantity", sorted(SQUARES & set(KINK.expected)))
def test_a_square_below_0_is_wrong_within_any_allowance(quantity):
    case = replace(KINK, condition=map_structure(lambda k: k + 1e16, KINK.condition))
    small = map_structure(lambda v: -1e-3 * np.abs(v), case.expected[quantity])
    report = compare_quantity(case, quantity, small, "float64", 1e-15, "gsnr_ref")
    n_above_0 = sum(int((v > 0).sum()) for v in _leaves(case.expected[quantity]))
    assert report.n_wrong == n_above_0
    report = compare_quantity(
        case, quantity, map_structure(np.negative, small), "float64", 1e-15, "gsnr_ref"
    )
    assert report.n_undecided == n_above_0
