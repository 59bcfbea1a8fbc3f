"""A mistake with a constant is recognized whatever that is, and no other is taken for it."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import flat_rows, leaves, map_structure
from gsnr_ref.golden.diagnosis.constants import JUDGED, Line, OneConstant, roots
from gsnr_ref.golden.diagnosis.wrong_gradients import clipped, with_penalty
from gsnr_ref.golden.diagnosis.wrong_models import masks_of, smoothed, with_dropout
from gsnr_ref.golden.diagnosis.wrong_norms import with_epsilon
from gsnr_ref.golden.diagnosis.wrong_positions import truncated_after
from gsnr_ref.golden.diagnosis.wrong_precision import FORMATS, TF32, in_format, in_tf32
from gsnr_ref.golden.quantity import compare_quantity

#: One of each kind of model, loss and special input.
CASES = (
    "conv-relu-cross-entropy",
    "elman-squared-error",
    "group-norm-convolution",
    "layer-norm-cross-entropy",
    "linear",
    "linear-dead-input",
    "linear-multi-output-mean-reduced",
    "linear-snr-1e12",
    "linear-tiny-1e-6",
    "linear-weighted",
    "location",
    "location-zero-mean",
    "mlp2-relu-squared-error",
    "mlp3-tanh-cross-entropy",
    "softmax",
    "softmax-saturated",
)
NEW = (
    "truncated-backpropagation",
    "weight-decay-in-gradient",
    "clipped-gradients",
    "rows-in-another-order",
    "label-smoothing",
    "dropout-on",
    "lower-precision",
    "tensor-float-products",
    "another-norm-epsilon",
)


def failing(case, values):
    """A report of each quantity that fails."""
    found = []
    with np.errstate(all="ignore"):
        for quantity in [q for q in values if q in case.expected]:
            value = values[quantity]
            dtype = str(np.asarray(next(iter(leaves(value)))).dtype)
            tolerance = case.tolerance[dtype if dtype == "float32" else "float64"]
            report = compare_quantity(case, quantity, value, dtype, tolerance, "gsnr_ref")
            if not report.passed and not report.problem:
                found.append(report)
    return found


def made(plant, case):
    with np.errstate(all="ignore"):
        return plant(case)


def recognized(id, case, failing):
    """Quantities in which the judge of a mistake recognizes it, and those in which it does not."""
    mistake = golden.mistakes()[id]
    judged = [report for report in failing if report.quantity in mistake.judged]
    with np.errstate(all="ignore"):
        found = {r.quantity: mistake.judge(case, r, r.tolerance) for r in judged}
    return {q for q, yes in found.items() if yes}, {q for q, yes in found.items() if not yes}


def norms_of(case):
    return np.sqrt((flat_rows(case.expected["per_sample_gradients"]) ** 2).sum(axis=1))


PLANTED = {
    "weight-decay-in-gradient": [
        (f"{c}", lambda case, c=c: with_penalty(case, c)) for c in (1e-4, 0.03, 2.0)
    ],
    "clipped-gradients": [
        ("half", lambda case: clipped(case, 0.5 * norms_of(case).max())),
        ("all", lambda case: clipped(case, 0.5 * norms_of(case).min())),
        ("Opacus", lambda case: clipped(case, 0.4 * norms_of(case).max(), epsilon=1e-6)),
    ],
    "label-smoothing": [(f"{c}", lambda case, c=c: smoothed(case, c)) for c in (0.01, 0.1, 0.4)],
    "dropout-on": [
        (f"{c}", lambda case, c=c, s=s: with_dropout(case, c, masks_of(case, c, seed=s)))
        for c, s in ((0.1, 3), (0.5, 4), (0.8, 5))
    ],
    "truncated-backpropagation": [
        (f"{k}", lambda case, k=k: truncated_after(case, k)) for k in (1, 2)
    ],
    "tensor-float-products": [
        (f"{to.__name__}, {last}", lambda case, to=to, last=last: in_tf32(case, to, last))
        for to in (TF32.rounded, TF32.truncated)
        for last in (True, False)
    ],
}
#: In which case, and in which quantities at least.
CLEAR = {
    "weight-decay-in-gradient": (
        "mlp2-tanh-squared-error",
        {"per_sample_gradients", "mean", "gsnr_ddof0"},
    ),
    "clipped-gradients": (
        "mlp2-tanh-squared-error",
        {"per_sample_gradients", "mean", "variance_ddof0", "gsnr_ddof0"},
    ),
    "label-smoothing": (
        "mlp2-tanh-cross-entropy",
        {"losses", "per_sample_gradients", "mean", "variance_ddof0", "gsnr_ddof0"},
    ),
    "dropout-on": ("mlp3-tanh-cross-entropy", {"per_sample_gradients"}),
    "truncated-backpropagation": (
        "elman-cross-entropy",
        {"per_sample_gradients", "mean", "variance_ddof0", "gsnr_ddof0", "coherence"},
    ),
    "tensor-float-products": (
        "mlp2-tanh-squared-error",
        {"per_sample_gradients", "variance_ddof0"},
    ),
}


@pytest.mark.parametrize(
    ("id", "constant", "plant"),
    [(id, constant, plant) for id, made in PLANTED.items() for constant, plant in made],
)
def test_any_constant_is_recognized(id, constant, plant):
    case = golden.load(CLEAR[id][0])
    yes, _ = recognized(id, case, failing(case, made(plant, case)))
    assert yes >= CLEAR[id][1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FORMATS)
def test_lower_precision_is_recognized_and_the_declared_one_is_not(name, dtype):
    for id in ("mlp2-tanh-squared-error", "conv-relu-cross-entropy", "linear-square"):
        case = golden.load(id)
        values = made(lambda case: in_format(case, name), case)
        values = map_structure(lambda v: np.asarray(v, dtype), values)
        yes, _ = recognized("lower-precision", case, failing(case, values))
        expected = {"losses", "per_sample_gradients", "mean", "variance_ddof0", "gsnr_ddof0"}
        assert yes == set() if name == dtype else yes >= expected


@pytest.mark.parametrize("eps", [0.0, 1e-12, 1e-3])
def test_any_usual_epsilon_of_a_norm_is_recognized(eps):
    case = golden.load("layer-norm-squared-error")
    yes, no = recognized("another-norm-epsilon", case, failing(case, with_epsilon(case, eps)))
    assert yes and not no
    values = with_epsilon(case, 1.2345e-4)
    assert not recognized("another-norm-epsilon", case, failing(case, values))[0]


def test_any_order_of_the_samples_is_recognized():
    case = golden.load("linear-duplicated")
    order = np.random.default_rng(0).permutation(len(case.x))
    g = case.expected["per_sample_gradients"]
    values = {
        "losses": case.expected["losses"][order],
        "per_sample_gradients": map_structure(lambda a: a[order], g),
    }
    assert recognized("rows-in-another-order", case, failing(case, values)) == (set(values), set())
    values["losses"][0] *= 1 + 1e-9
    assert recognized("rows-in-another-order", case, failing(case, values))[1] == {"losses"}


@pytest.mark.parametrize("case_id", CASES)
def test_no_other_mistake_is_taken_for_it(case_id):
    case = golden.load(case_id)
    planted = {id: mistake.wrong(case) for id, mistake in golden.mistakes().items()}
    planted |= {
        id: made(PLANTED[id][0][1], case)
        for id in ("weight-decay-in-gradient", "clipped-gradients")
    }
    if case.tolerance["float32"]:
        planted["tensor-float-products"] = made(in_tf32, case)
    false = []
    for other, values in planted.items():
        reports = failing(case, values)
        for id in set(NEW) - {other}:
            false += [(id, other, quantity) for quantity in recognized(id, case, reports)[0]]
    assert false == []


def test_a_constant_needs_two_values_that_are_not_off_by_one_factor():
    case = golden.load("location")  # one parameter: λθ is any number
    reports = failing(case, made(lambda case: with_penalty(case, 0.1), case))
    yes, no = recognized("weight-decay-in-gradient", case, reports)
    assert yes == set() and no >= {"per_sample_gradients", "mean", "gsnr_ddof0"}
    judge = golden.mistakes()["weight-decay-in-gradient"].judge
    for report in reports:  # which other cases have to confirm, with the same constant
        if report.quantity in JUDGED:
            low, high = judge.constant(case, report, report.tolerance)
            assert low <= 0.1 <= high


def test_the_constant_is_the_same_in_every_case():
    judge, found = golden.mistakes()["weight-decay-in-gradient"].judge, []
    for case in map(golden.load, ("mlp2-tanh-squared-error", "softmax", "conv-channels")):
        for report in failing(case, made(lambda case: with_penalty(case, 0.03), case)):
            if report.quantity in JUDGED:
                found.append(judge.constant(case, report, report.tolerance))
    assert max(low for low, _ in found) <= 0.03 <= min(high for _, high in found)
    case = golden.load("linear")
    for report in failing(case, golden.mistakes()["half-missing"].wrong(case)):
        if report.quantity in JUDGED:
            assert judge.constant(case, report, report.tolerance) == (np.inf, 0.0)


def test_one_value_that_does_not_fit_spoils_it():
    case = golden.load("mlp2-tanh-squared-error")
    for id, plant in (("weight-decay-in-gradient", with_penalty), ("clipped-gradients", clipped)):
        values = plant(case, 0.1)
        values["mean"]["layer1.weight"][0, 0] *= 1 + 1e-6
        yes, no = recognized(id, case, failing(case, values))
        assert "mean" in no and "per_sample_gradients" in yes


def test_the_constant_is_found_to_its_digits():
    case = golden.load("mlp2-tanh-squared-error")
    judge = golden.mistakes()["weight-decay-in-gradient"].judge
    for report in failing(case, with_penalty(case, 0.0123)):
        if report.quantity in JUDGED:
            assert judge.constants(case, report) == pytest.approx([0.0123], rel=1e-9)


def test_roots_of_lines_and_parabolas():
    assert roots(1.0, 0.0, 0.0) == [] and roots(1.0, 0.0, 1.0) == []
    assert sorted(roots(2e-20, 1.0, 1.0)) == pytest.approx([-1.0, -2e-20], rel=1e-15)


def test_a_line_that_leads_nowhere_explains_nothing():
    case = golden.load("linear")
    g = case.expected["per_sample_gradients"]
    judge = OneConstant(lambda case, report: [Line(g, map_structure(np.zeros_like, g))])
    for report in failing(case, with_penalty(case, 0.1)):
        assert report.quantity not in JUDGED or not judge(case, report, report.tolerance)
