"""What one mistake, or two at once, must say of every quantity. The mistakes are made up."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.diagnosis import Compared, hypotheses
from gsnr_ref.golden.diagnosis.hypotheses import accounts_for, has_one_constant
from tests.gsnr_ref.golden.diagnosis.made_up import report_of

PLAIN = golden.mistakes()["half-missing"]


class Suite:
    """A case, made-up mistakes, and what a hypothesis says of values with these changes."""

    def __init__(self, monkeypatch, **mistakes):
        self.case = golden.load("linear")  # a new one: what is known of a case is kept
        self.known = {
            id: replace(PLAIN, id=id, **(m if isinstance(m, dict) else {"wrong": m}))
            for id, m in mistakes.items()
        }
        monkeypatch.setattr(hypotheses, "mistakes", lambda: self.known)
        monkeypatch.setattr(hypotheses, "wrong_values", lambda id, case: self.known[id].wrong(case))

    def compared(self, **changes):
        values = self.case.expected | changes
        reports = tuple(report_of(self.case, v, q) for q, v in values.items())
        return Compared(self.case, reports)

    def accounts(self, *hypothesis, **changes):
        says = accounts_for(hypothesis, self.compared(**changes))
        assert says in (True, False)  # and not nothing
        return says


def of_losses(function):
    return lambda case: {"losses": function(case.expected["losses"])}


def of_coherence(factor):
    return lambda case: {"coherence": factor * case.expected["coherence"]}


DOUBLED, PLUS_1, HALVED = (
    of_losses(f) for f in (lambda v: 2 * v, lambda v: v + 1, lambda v: v / 2)
)
LOSSES = golden.load("linear").expected["losses"]
COHERENCE = float(golden.load("linear").expected["coherence"])


def test_what_failed_and_passed_and_the_tolerance(monkeypatch):
    c = Suite(monkeypatch).compared(losses=2 * LOSSES)
    assert c.failing == {"losses"} and "mean" in c.passing
    assert c.failing | c.passing == set(c.case.expected) and not c.failing & c.passing
    assert c.tolerance == 1e-12 and Compared(c.case, ()).tolerance == 0.0
    coarse = report_of(c.case, LOSSES, tolerance=1e-5)
    assert Compared(c.case, (*c.reports, coarse)).tolerance == 1e-5


def test_what_follows_is_made_of_the_losses_and_the_gradients_that_are_given():
    case = golden.load("linear")
    tripled = {k: 3 * v for k, v in case.expected["per_sample_gradients"].items()}

    def own(**given):
        reports = tuple(report_of(case, v, q) for q, v in given.items())
        return Compared(case, reports).own

    both = own(losses=LOSSES, per_sample_gradients=tripled)
    for name, mean in case.expected["mean"].items():
        np.testing.assert_allclose(both["mean"][name], 3 * mean, rtol=1e-12)
    assert "losses" not in both and "per_sample_gradients" not in both
    assert "enumerated_osgr" in both  # of right losses the model is known
    wrong = own(losses=2 * LOSSES, per_sample_gradients=tripled)
    assert set(wrong) == set(both) - {"enumerated_osgr"}
    assert own(losses=LOSSES) == own(per_sample_gradients=tripled) == own() == {}
    assert own(losses=LOSSES[1:], per_sample_gradients=tripled) == {}


def test_one_mistake_says_what_each_value_is(monkeypatch):
    suite = Suite(monkeypatch, a=DOUBLED, b=of_coherence(0.5))
    assert suite.accounts("a", losses=2 * LOSSES)
    assert not suite.accounts("a", losses=2.1 * LOSSES)
    assert not suite.accounts("a")  # a right value contradicts
    assert not suite.accounts("a", losses=2 * LOSSES, coherence=0.5 * COHERENCE)
    assert not suite.accounts("b", losses=2 * LOSSES)


def test_what_a_mistake_leaves_as_it_is_may_be_right(monkeypatch):
    assert Suite(monkeypatch, a=of_losses(lambda v: v * 1)).accounts("a")


def test_two_make_their_values_side_by_side(monkeypatch):
    suite = Suite(monkeypatch, a=DOUBLED, b=of_coherence(0.5))
    wrong = {"losses": 2 * LOSSES, "coherence": 0.5 * COHERENCE}
    assert suite.accounts("a", "b", **wrong) and suite.accounts("b", "a", **wrong)
    assert not suite.accounts("a", "b", losses=2 * LOSSES)
    assert not suite.accounts("a", "b", coherence=0.5 * COHERENCE)


def test_the_second_is_made_of_the_values_of_the_first_or_of_the_right_ones(monkeypatch):
    suite = Suite(monkeypatch, a=DOUBLED, b=PLUS_1)
    assert suite.accounts("a", "b", losses=2 * LOSSES + 1)
    assert suite.accounts("b", "a", losses=2 * (LOSSES + 1))
    assert suite.accounts("a", "b", losses=LOSSES + 1)
    assert not suite.accounts("a", "b", losses=2 * LOSSES + 2)
    assert not suite.accounts("a", "b", losses=2 * LOSSES)


def test_the_second_may_make_right_again_what_the_first_makes_wrong(monkeypatch):
    def first(case):
        return DOUBLED(case) | of_coherence(0.5)(case)

    suite = Suite(monkeypatch, a=first, b=HALVED)
    assert suite.accounts("a", "b", coherence=0.5 * COHERENCE)
    # But what only the first makes is wrong.
    assert not suite.accounts("b", "a", losses=LOSSES / 2)


@pytest.mark.parametrize("error", [ValueError, IndexError])
def test_the_second_stands_beside_the_first_where_it_cannot_take_its_shapes(monkeypatch, error):
    def second(case):
        if len(case.expected["losses"]) != len(LOSSES):
            raise error
        return of_coherence(0.5)(case)

    suite = Suite(monkeypatch, a=of_losses(lambda v: v[1:]), b=second)
    assert suite.accounts("a", "b", losses=LOSSES[1:], coherence=0.5 * COHERENCE)


def judged_by(judge, wrong=DOUBLED, judged=("losses",), constant=None):
    options = {"judge": judge, "can_make": judge, "judged": judged, "constant": constant}
    return options | {"wrong": wrong}


def test_a_judge_says_what_can_be(monkeypatch):
    def is_above(case, report, tolerance):
        return bool((report.got[()] > case.expected["losses"]).all())

    suite = Suite(monkeypatch, a=judged_by(is_above), b=of_coherence(0.5))
    assert suite.accounts("a", losses=3 * LOSSES)
    assert not suite.accounts("a", losses=0.3 * LOSSES)
    assert suite.accounts("a")  # nothing fails: it need not show
    assert not suite.accounts("a", losses=3 * LOSSES, coherence=0.5 * COHERENCE)
    # On top of another: what that makes is as it says, and taken for right.
    assert suite.accounts("b", "a", losses=3 * LOSSES, coherence=0.5 * COHERENCE)
    assert not suite.accounts("b", "a", losses=3 * LOSSES, coherence=0.6 * COHERENCE)
    assert not suite.accounts("b", "a", losses=3 * LOSSES)


def test_a_judge_takes_the_values_of_the_first_for_right(monkeypatch):
    def is_a_little_above(case, report, tolerance):
        ratio = report.got[()] / case.expected["losses"]
        return bool(((ratio > 1) & (ratio < 1.5)).all())

    suite = Suite(monkeypatch, a=DOUBLED, b=judged_by(is_a_little_above))
    assert suite.accounts("a", "b", losses=2.4 * LOSSES)  # 1.2 of 2
    assert suite.accounts("a", "b", losses=1.2 * LOSSES)  # 1.2 of 1, beside it
    assert not suite.accounts("a", "b", losses=1.7 * LOSSES)
    assert not suite.accounts("a", "b", losses=4 * LOSSES)
    assert suite.accounts("a", "b", losses=2 * LOSSES)  # nothing left to judge


def test_a_judge_has_no_say_where_the_first_leaves_other_shapes(monkeypatch):
    suite = Suite(monkeypatch, a=of_losses(lambda v: v[1:]), b=judged_by(lambda *_: True))
    assert not suite.accounts("a", "b", losses=LOSSES[1:])


def test_something_that_is_judged_must_fail_if_anything_does(monkeypatch):
    def wrong(case):
        return DOUBLED(case) | of_coherence(0.5)(case)

    suite = Suite(monkeypatch, a=judged_by(lambda *_: True, wrong))
    assert suite.accounts("a", losses=3 * LOSSES, coherence=0.1)  # follows: anything may be there
    assert not suite.accounts("a", coherence=0.1)


def test_where_gradients_are_judged_they_have_made_everything_else(monkeypatch):
    def of_gradients(case, report, tolerance):
        return report.quantity == "per_sample_gradients"

    def wrong(case):
        return DOUBLED(case) | {"per_sample_gradients": case.expected["per_sample_gradients"]}

    both = ("losses", "per_sample_gradients")
    suite = Suite(monkeypatch, a=judged_by(of_gradients, wrong, both))
    g = {k: 3 * v for k, v in suite.case.expected["per_sample_gradients"].items()}
    assert suite.accounts("a", losses=3 * LOSSES, per_sample_gradients=g)
    assert not suite.accounts("a", losses=3 * LOSSES)


def test_a_judged_one_may_come_first_and_the_second_is_made_of_what_it_left(monkeypatch):
    def is_above(case, report, tolerance):
        return bool((report.got[()] > case.expected["losses"]).all())

    def of_sums(case):
        return {"coherence": case.expected["losses"].sum()}

    suite = Suite(monkeypatch, a=judged_by(is_above), b=of_sums, c=judged_by(is_above))
    assert suite.accounts("a", "b", losses=3 * LOSSES, coherence=3 * LOSSES.sum())
    assert not suite.accounts("a", "b", losses=3 * LOSSES, coherence=LOSSES.sum())
    assert not suite.accounts("a", "b", losses=0.3 * LOSSES, coherence=0.3 * LOSSES.sum())
    assert not suite.accounts("a", "c", losses=3 * LOSSES)  # of two at most one has a judge


def test_what_a_second_had_follows_from_the_gradients_that_are_given(monkeypatch):
    def of_gradients(case):
        e = case.expected
        return {k: e[k] for k in ("per_sample_gradients", "mean", "variance_ddof0")}

    def twice_the_mean(case):
        return {"mean": {k: 2 * v for k, v in case.expected["mean"].items()}}

    judged = judged_by(lambda *_: True, of_gradients, ("per_sample_gradients",))
    suite = Suite(monkeypatch, a=judged, b=twice_the_mean)
    e = suite.case.expected

    def says(factor):
        changes = {
            "per_sample_gradients": {k: 3 * v for k, v in e["per_sample_gradients"].items()},
            "variance_ddof0": {k: 9 * v for k, v in e["variance_ddof0"].items()},
            "mean": {k: factor * v for k, v in e["mean"].items()},
        }
        return suite.accounts("a", "b", **changes)

    assert says(6) and not says(2) and not says(3)


def ranges(*by_case, judged=("losses",), wrong=DOUBLED, monkeypatch, **changes):
    """Whether a constant that lies between these bounds, case by case, is one."""
    known = {}

    def constant(case, report, tolerance):
        low_high = known[case]
        return low_high[report.quantity] if isinstance(low_high, dict) else low_high

    suite = Suite(monkeypatch, a=judged_by(lambda *_: True, wrong, judged, constant), b=DOUBLED)
    cases = []
    for bounds in by_case:
        suite.case = golden.load("linear")
        known[suite.case] = bounds
        cases.append(suite.compared(**({"losses": 3 * LOSSES} | changes)))
    says = has_one_constant(("a",), cases)
    assert says in (True, False)
    return says


def test_a_constant_is_positive_and_the_same_in_all_cases(monkeypatch):
    Suite(monkeypatch, b=DOUBLED)
    assert has_one_constant(("b",), [])  # it has none
    assert ranges((1, 2), (2, 3), monkeypatch=monkeypatch)
    assert not ranges((1, 2), (2.5, 3), monkeypatch=monkeypatch)
    assert not ranges((2.5, 3), (1, 2), monkeypatch=monkeypatch)
    assert not ranges((0, 2), (0, 3), monkeypatch=monkeypatch)
    assert not ranges((1, 2), (np.inf, 0), monkeypatch=monkeypatch)
    assert ranges((1, 2), (0, np.inf), monkeypatch=monkeypatch)
    assert ranges((0.5, 0.6), (0.5, 0.6), monkeypatch=monkeypatch)
    assert not ranges((1, 2), judged=(), monkeypatch=monkeypatch)  # nothing tells it


def test_what_passes_may_tell_nothing_but_what_it_tells_counts(monkeypatch):
    both = ("losses", "coherence")
    told = {"losses": (1, 2), "coherence": (np.inf, 0)}
    assert ranges(told, judged=both, monkeypatch=monkeypatch)
    assert not ranges(told, judged=both, coherence=0.1, monkeypatch=monkeypatch)
    for exact in ((3, 4), (3, 3)):
        told["coherence"] = exact
        assert not ranges(told, judged=both, monkeypatch=monkeypatch)


def test_gradients_that_fail_tell_the_constant_alone(monkeypatch):
    both = ("losses", "per_sample_gradients")
    told = {"losses": (5, 6), "per_sample_gradients": (1, 2)}
    g = golden.load("linear").expected["per_sample_gradients"]
    wrong = {k: 3 * v for k, v in g.items()}
    assert ranges(told, judged=both, per_sample_gradients=wrong, monkeypatch=monkeypatch)
    assert not ranges(told, judged=both, monkeypatch=monkeypatch)


def test_a_constant_on_top_of_another_mistake_is_that_of_its_values(monkeypatch):
    """The values of the first are taken for right, in all cases or in none."""

    def constant(case, report, tolerance):
        ratio = float((report.got[()] / case.expected["losses"]).mean())
        return ratio - 1e-9, ratio + 1e-9

    suite = Suite(monkeypatch, a=DOUBLED, b=judged_by(lambda *_: True, DOUBLED, constant=constant))

    def is_one(*factors):
        cases = []
        for factor in factors:
            suite.case = golden.load("linear")
            cases.append(suite.compared(losses=factor * LOSSES))
        return has_one_constant(("a", "b"), cases)

    assert is_one(3, 3) and not is_one(3, 4) and not is_one(3, 6)


def test_a_constant_beneath_another_mistake_is_that_of_right_values(monkeypatch):
    """The first alone has a constant: nothing was wrong before it. With a second, what was."""

    def constant(case, report, tolerance):
        if (case.expected["losses"] == 2 * LOSSES).all():
            return 1.0, 1.0
        ratio = float((report.got[()] / LOSSES).mean())
        return ratio, ratio

    judged = judged_by(lambda *_: True, DOUBLED, constant=constant)
    suite = Suite(monkeypatch, a=judged, b=of_coherence(0.5), c=DOUBLED)
    cases = [suite.compared(losses=factor * LOSSES) for factor in (3, 4)]
    assert has_one_constant(("a", "b"), cases[:1]) is True
    assert has_one_constant(("a", "b"), cases) is False
    assert has_one_constant(("c", "a"), cases) is True


def test_the_second_is_made_of_what_the_first_left(monkeypatch):
    """Of what follows from the gradients of the backend, if the first made these wrong."""

    def wrong(case):
        return {"per_sample_gradients": case.expected["per_sample_gradients"]} | DOUBLED(case)

    is_third = judged_by(
        lambda case, report, _: bool(np.allclose(report.got[()], 3 * LOSSES)), DOUBLED
    )
    suite = Suite(
        monkeypatch,
        a=judged_by(lambda *_: True, wrong, ("losses", "per_sample_gradients")),
        b=of_coherence(0.5),
        c=is_third,
    )
    tripled = {k: 3 * v for k, v in suite.case.expected["per_sample_gradients"].items()}

    def accounts(first, own, coherence, **changes):
        c = suite.compared(coherence=coherence, **changes)
        c.__dict__["own"] = {"coherence": own}  # what follows of its gradients
        says = accounts_for((first, "b"), c)
        assert says in (True, False)
        return says

    gradients = {"per_sample_gradients": tripled}
    assert accounts("a", 0.4, 0.2, **gradients)
    assert not accounts("a", 0.4, 0.5 * COHERENCE, **gradients)
    assert accounts("a", 0.4, 0.5 * COHERENCE, losses=3 * LOSSES)
    assert not accounts("a", 0.4, 0.2, losses=3 * LOSSES)
    assert accounts("c", 0.4, 0.5 * COHERENCE, losses=3 * LOSSES)
    assert not accounts("c", 0.4, 0.5 * COHERENCE, losses=4 * LOSSES)


@pytest.mark.parametrize("error", [ValueError, IndexError])
def test_a_second_that_cannot_take_what_the_first_left_was_not_made_of_it(monkeypatch, error):
    def second(case):
        if (case.expected["losses"] != LOSSES).any():
            raise error
        return of_coherence(0.5)(case)

    suite = Suite(monkeypatch, a=judged_by(lambda *_: True), b=second)
    assert not suite.accounts("a", "b", losses=3 * LOSSES, coherence=0.5 * COHERENCE)
