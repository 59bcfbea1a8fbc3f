"""Gradients that are changed afterwards: which are recognized, and the steps that they take."""

from itertools import product

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import flat_rows, map_structure
from gsnr_ref.golden.diagnosis.constants import JUDGED
from gsnr_ref.golden.diagnosis.derived import by_sample
from gsnr_ref.golden.diagnosis.recomputed import from_run
from gsnr_ref.golden.diagnosis.wrong_gradients import MOST_BOUNDS, _bounds, clipped, with_penalty
from tests.gsnr_ref.golden.diagnosis.made_up import judged, report_of, with_losses


def enumerated(case, gradients, key, of=None):
    """OSGR of a linear model with steps along these gradients: each training set, one by one."""
    n, rate = (float(part.partition("=")[2]) for part in key.split())
    k = len(case.x)
    p = np.full(k, 1 / k) if case.probabilities is None else case.probabilities

    def losses(params):
        outputs = case.x @ params["linear.weight"] + params["linear.bias"]
        return ((outputs - case.y) ** 2).sum(axis=1) / 2

    falls = []
    for drawn in product(range(k), repeat=int(n)):
        step = {name: rate * np.mean(g[list(drawn)], axis=0) for name, g in gradients.items()}
        fall = losses(case.params) - losses({m: v - step[m] for m, v in case.params.items()})
        falls.append((np.prod(p[list(drawn)]), fall[list(drawn)].mean(), p @ fall))
    chance, training, test = np.array(falls).T
    return (chance * (test / training)).sum() if of else chance @ test / (chance @ training)


@pytest.mark.parametrize("id", ["linear", "linear-weighted"])
def test_steps_are_taken_along_the_wrong_gradients(id):
    case = golden.load(id)
    g = case.expected["per_sample_gradients"]
    mistakes = golden.mistakes()
    for name, gradients in (
        ("weight-decay-in-gradient", {k: v + 0.01 * case.params[k] for k, v in g.items()}),
        ("rows-in-another-order", {k: np.roll(v, 1, axis=0) for k, v in g.items()}),
    ):
        wrong = mistakes[name].wrong(case)
        np.testing.assert_array_equal(wrong["losses"], case.expected["losses"])
        for key, value in wrong["enumerated_osgr"].items():
            assert value == pytest.approx(enumerated(case, gradients, key), rel=1e-9)
    wrong = mistakes["expectation-of-ratios"].wrong(case)["enumerated_osgr"]
    for key, value in wrong.items():
        assert value == pytest.approx(enumerated(case, g, key, of="ratios"), rel=1e-9)


@pytest.mark.parametrize("id", ["linear-mean-reduced", "linear-sum-reduced", "linear"])
def test_what_is_reduced_follows_from_losses_and_gradients(id):
    case = golden.load(id)
    e = case.expected
    g = map_structure(lambda a: 3 * a, e["per_sample_gradients"])
    values = from_run(case, 2 * e["losses"], g)
    assert ("reduced_loss" in values) == ("reduced_loss" in e) == (id != "linear")
    if id != "linear":
        assert values["reduced_loss"] == pytest.approx(2 * float(e["reduced_loss"]), rel=1e-14)
        for name, gradient in e["reduced_gradient"].items():
            np.testing.assert_allclose(values["reduced_gradient"][name], 3 * gradient, rtol=1e-13)
    assert "enumerated_osgr" not in values


def recognized(id, case, values):
    found = set()
    for quantity in set(values) & set(JUDGED) & set(case.expected):
        report = report_of(case, values[quantity], quantity)
        if not report.passed and judged(id, case, report):
            found.add(quantity)
    return found


def test_a_penalty_of_the_weights_alone_is_recognized():
    case = golden.load("mlp2-tanh-squared-error")
    g = case.expected["per_sample_gradients"]
    weights = {k: v + 0.07 * case.params[k] * k.endswith("weight") for k, v in g.items()}
    biases = {k: v + 0.07 * case.params[k] * k.endswith("bias") for k, v in g.items()}
    wrong = from_run(case, case.expected["losses"], weights)
    assert {"per_sample_gradients", "mean", "gsnr_ddof0"} <= recognized(
        "weight-decay-in-gradient", case, wrong
    )
    wrong = from_run(case, case.expected["losses"], biases)
    assert recognized("weight-decay-in-gradient", case, wrong) == set()
    no_bias = golden.load("mlp2-tanh-no-bias")
    assert recognized("weight-decay-in-gradient", no_bias, with_penalty(no_bias, 0.1))


def norms_of(case):
    return np.sort(np.linalg.norm(flat_rows(case.expected["per_sample_gradients"]), axis=1))


@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
@pytest.mark.parametrize("n_clipped", [1, 2, 3, 4, 5])
def test_a_bound_is_recognized_whomever_it_clips(n_clipped, epsilon):
    case = golden.load("mlp2-tanh-squared-error")
    norms = np.concatenate([[0.0], norms_of(case)])
    bound = norms[-n_clipped - 1 : len(norms) - n_clipped + 1].mean()
    wrong = clipped(case, bound, epsilon)
    judge = golden.mistakes()["clipped-gradients"].judge
    for quantity in ("per_sample_gradients", "mean", "variance_ddof0"):
        report = report_of(case, wrong[quantity], quantity)
        assert judge.constants(case, report)[0] == pytest.approx(bound, rel=1e-5)
        lines = list(_bounds(case, report))
        known = quantity == "per_sample_gradients"  # who was clipped, then
        assert len(lines) == 2 * (1 if known else 5)
        if known:
            assert (lines[0].low, lines[0].high) == pytest.approx(
                tuple(norms[-n_clipped - 1 : len(norms) - n_clipped + 1]), rel=1e-12
            )


def test_a_bound_that_clips_all_may_be_as_small_as_any():
    case = golden.load("mlp2-tanh-squared-error")
    report = report_of(case, clipped(case, 1e-3)["mean"], "mean")
    constants = golden.mistakes()["clipped-gradients"].judge.constants(case, report)
    assert constants[0] == pytest.approx(1e-3, rel=1e-5)


def test_a_clipped_gradient_has_the_norm_of_the_bound():
    case = golden.load("elman-three-hidden")
    norms, bound = norms_of(case), 0.05
    assert norms[0] < bound < norms[1] < 1
    made = np.linalg.norm(flat_rows(clipped(case, bound)["per_sample_gradients"]), axis=1)
    np.testing.assert_allclose(np.sort(made), np.minimum(norms, bound), rtol=1e-13)
    case = golden.load("mlp2-tanh-squared-error")
    norms = norms_of(case)
    made = np.linalg.norm(flat_rows(clipped(case, norms[2])["per_sample_gradients"]), axis=1)
    np.testing.assert_allclose(np.sort(made), np.minimum(norms, norms[2]), rtol=1e-13)
    made = np.linalg.norm(flat_rows(clipped(case, norms[0], 0.5)["per_sample_gradients"]), axis=1)
    np.testing.assert_allclose(np.sort(made), np.sort(norms * norms[0] / (norms + 0.5)), rtol=1e-13)


def test_bounds_are_not_searched_where_they_say_little_or_are_too_many():
    two = golden.load("linear-two-samples")
    wrong = clipped(two, norms_of(two).mean())

    def n_lines(case, quantity):
        right = case.expected[quantity]
        return len(list(_bounds(case, report_of(case, wrong.get(quantity, right), quantity))))

    assert n_lines(two, "gsnr_ddof0") == 0 and n_lines(two, "mean") == 4
    three = golden.load("linear-three-samples")
    wrong = clipped(three, norms_of(three).mean())
    assert n_lines(three, "gsnr_ddof0") == n_lines(three, "mean") == 6
    assert MOST_BOUNDS == 64
    right = three.expected["per_sample_gradients"]  # nobody was clipped
    wrong = {"per_sample_gradients": right}
    assert n_lines(three, "per_sample_gradients") == 0
    case = golden.load("linear-duplicated")  # of two samples with one norm, one alone is clipped
    norms = np.linalg.norm(flat_rows(case.expected["per_sample_gradients"]), axis=1)
    twice = next(i for i, norm in enumerate(norms) if (norms == norm).sum() > 1)
    factors = np.where(np.arange(len(norms)) == twice, 0.5, np.minimum(1, norms[twice] / norms))
    wrong = {"per_sample_gradients": by_sample(case.expected["per_sample_gradients"], factors)}
    assert n_lines(case, "per_sample_gradients") == 0


def test_rows_are_matched_one_to_one():
    case = golden.load("linear-duplicated")
    g = case.expected["per_sample_gradients"]

    def is_another(order):
        values = map_structure(lambda a: a[order], g)
        return judged(
            "rows-in-another-order", case, report_of(case, values, "per_sample_gradients")
        )

    n = len(case.x)
    assert is_another([*range(1, n), 0])
    assert not is_another(list(range(n)))
    assert not is_another([1] * n)  # one row many times is no order
    assert not is_another(list(range(1, n)))


def test_a_row_in_another_place_may_err_ten_times_as_much():
    case = with_losses([1.0, 2.0])
    for n, can_be in ((9.5, True), (10.5, False)):
        report = report_of(case, np.array([2 + n * 2e-12, 1.0]))
        assert judged("rows-in-another-order", case, report) == can_be
