"""One case, one mistake or two: what they must account for. The mistakes are made up."""

from dataclasses import replace

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.diagnosis import diagnose, explanation, matching
from tests.gsnr_ref.golden.diagnosis.made_up import report_of

CASE = golden.load("linear")
E = CASE.expected
PLAIN = golden.mistakes()["half-missing"]
LOSSES, MEAN, COHERENCE = (
    {"losses": 2 * E["losses"]},
    {"mean": {k: 3 * v for k, v in E["mean"].items()}},
    {"coherence": 0.5 * E["coherence"]},
)


def reports_of(*wrong):
    values = E
    for part in wrong:
        values = values | part
    return [report_of(CASE, v, q) for q, v in values.items()]


@pytest.fixture
def named(monkeypatch):
    """Quantities and wholeness, by mistake, of the diagnoses of these mistakes and no other."""

    def diagnoses(reports, **mistakes):
        known = {
            id: replace(m, id=id) if isinstance(m, golden.Mistake) else made_up(id, m)
            for id, m in mistakes.items()
        }
        for module in (explanation, matching):
            monkeypatch.setattr(module, "mistakes", lambda: known)
        monkeypatch.setattr(explanation, "wrong_values", lambda id, case: known[id].wrong(case))
        return {d.mistake.id: (d.quantities, d.whole) for d in diagnose(CASE, reports)}

    return diagnoses


def made_up(id, wrong, **more):
    return replace(PLAIN, id=id, wrong=lambda case: wrong, **more)


def test_nothing_accounts_for_what_does_not_fail(named):
    assert named(reports_of(), a={}) == {}


def test_a_mistake_that_makes_all_of_it_is_named_and_every_such(named):
    whole = ("losses", "mean"), True
    assert named(reports_of(LOSSES, MEAN), a=LOSSES | MEAN) == {"a": whole}
    both = {"a": LOSSES | MEAN, "b": LOSSES | MEAN, "c": LOSSES}
    assert named(reports_of(LOSSES, MEAN), **both) == {"a": whole, "b": whole}


def test_two_side_by_side_are_named_where_no_one_makes_all(named):
    reports = reports_of(LOSSES, MEAN)
    assert named(reports, a=LOSSES, b=MEAN) == {"a": (("losses",), False), "b": (("mean",), False)}
    assert named(reports, a=LOSSES) == {}
    assert named(reports, a=LOSSES, b=COHERENCE) == {}
    assert named(reports_of(LOSSES, MEAN, COHERENCE), a=LOSSES, b=MEAN) == {}


def test_two_pairs_are_one_too_many(named):
    assert named(reports_of(LOSSES, MEAN), a=LOSSES, b=MEAN, c=MEAN) == {}


def test_of_two_each_may_reach_what_the_other_makes(named):
    """The mean is as b makes it, though a would change it as well."""
    other = {"mean": {k: 5 * v for k, v in E["mean"].items()}}
    assert named(reports_of(LOSSES, MEAN), a=LOSSES | other, b=MEAN) == {
        "a": (("losses",), False),
        "b": (("mean",), False),
    }


def test_what_passes_contradicts_either_of_two(named):
    assert named(reports_of(LOSSES, MEAN), a=LOSSES | COHERENCE, b=MEAN) == {}


def judged_by(judge, constant=None, judged=("losses",)):
    return made_up("judged", LOSSES, judge=judge, judged=judged, constant=constant)


def test_wrong_values_are_named_before_what_a_judge_takes_for_possible(named):
    yes, no = (lambda *_: True), (lambda *_: False)
    assert named(reports_of(LOSSES), a=judged_by(yes)) == {"a": (("losses",), True)}
    assert named(reports_of(LOSSES), a=judged_by(no)) == {}
    assert set(named(reports_of(LOSSES), a=judged_by(yes), b=LOSSES)) == {"b"}
    assert named(reports_of(LOSSES, MEAN), a=judged_by(yes), b=MEAN) == {}  # of two, none judged


def test_a_constant_must_be_positive_and_the_same_in_all_quantities(named):
    def found(*ranges, quantities=("losses", "mean"), wrong=(LOSSES, MEAN)):
        by_quantity = dict(zip(quantities, ranges, strict=True))
        mistake = replace(
            judged_by(lambda *_: True, lambda case, r, t: by_quantity[r.quantity], quantities),
            wrong=lambda case: LOSSES | MEAN | COHERENCE,
        )
        return bool(named(reports_of(*wrong), a=mistake))

    assert found((1.0, 2.0), (1.5, 3.0)) and found((1.0, 2.0), (2.0, 3.0))
    assert not found((1.0, 2.0), (2.1, 3.0)) and not found((2.1, 3.0), (1.0, 2.0))
    assert not found((0.0, 2.0), (0.0, 3.0)) and not found((np.inf, 0.0), (1.0, 2.0))
    one = {"quantities": ("coherence",), "wrong": (COHERENCE,)}
    assert not found((1.0, 2.0), **one)  # a constant always explains one value
    two = {"quantities": ("coherence", "losses"), "wrong": (COHERENCE, LOSSES)}
    assert found((9.0, 9.0), (1.0, 2.0), **two)


def test_a_diagnosis_reads_as_a_sentence_with_its_source():
    (found,) = golden.compare(CASE, E | golden.mistakes()["half-missing"].wrong(CASE)).diagnoses
    quantities = ", ".join(found.quantities)
    assert str(found) == (
        f"{quantities}: {PLAIN.title} [half-missing]. {PLAIN.remedy} See {PLAIN.seen[0]}"
    )
