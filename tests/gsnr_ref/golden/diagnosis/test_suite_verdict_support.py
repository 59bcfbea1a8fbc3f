"""When a hypothesis has support in a suite. What accounts for which case is a table here."""

import pytest

from gsnr_ref import golden
from gsnr_ref.golden.case import n_values
from gsnr_ref.golden.diagnosis import diagnose_suite, suite_verdict
from gsnr_ref.golden.quantity import QUANTITIES

A, B, JUDGED = "no-bessel-for-sample", "half-missing", "weight-decay-in-gradient"
BOTH = sorted(
    (c for c in golden.cases() if {A, B} <= set(c.mistakes)),
    key=lambda c: (-len(c.mistakes), n_values(c)),
)
NEITHER = [c for c in golden.cases() if not {A, B} & set(c.mistakes)]


class Case:
    """A case of the suite: which quantities fail."""

    def __init__(self, case, failing=("losses", "variance_ddof1")):
        self.case, self.failing, self.tolerance = case, frozenset(failing), 1e-12


@pytest.fixture
def named(monkeypatch):
    """Ids that a suite is given if these hypotheses account for these cases."""

    def verdict(suite, *accounts, one_constant=True):
        table = {hypothesis: {c.case.id for c in cases} for hypothesis, cases in accounts}
        monkeypatch.setattr(
            suite_verdict, "accounts_for", lambda h, c: c.case.id in table.get(h, ())
        )
        monkeypatch.setattr(suite_verdict, "has_one_constant", lambda h, cases: one_constant)
        return diagnose_suite(suite)

    return lambda *a, **k: [d.mistake.id for d in verdict(*a, **k)]


@pytest.mark.parametrize(("n_explained", "is_named"), [(18, True), (17, False), (20, True)])
def test_nine_of_ten_failing_cases_have_to_be_explained(named, n_explained, is_named):
    suite = [Case(c) for c in BOTH[:20]]
    assert named(suite, ((A,), suite[:n_explained])) == [A] * is_named
    assert named(suite, ((A,), suite[::-1][:n_explained])) == [A] * is_named


LISTING = [c for c in golden.cases() if B in c.mistakes][:10]
OTHERS = [c for c in golden.cases() if B not in c.mistakes][:30]


def test_and_nine_of_ten_of_those_that_list_it(named):
    listing, others = [Case(c) for c in LISTING], [Case(c) for c in OTHERS]
    assert named(listing + others, ((B,), others + listing[1:])) == [B]
    assert named(listing + others, ((B,), others + listing[2:])) == []


def test_what_fails_elsewhere_counts_as_well(named):
    listing, others = [Case(c) for c in LISTING], [Case(c) for c in OTHERS]
    assert named(listing + others, ((B,), listing + others[4:])) == [B]
    assert named(listing + others, ((B,), listing + others[5:])) == []


def test_a_mistake_is_needed_in_two_cases_that_list_it(named, monkeypatch):
    others = [Case(c) for c in NEITHER[:3]]
    for n, is_named in ((1, False), (2, True)):
        suite = [Case(c) for c in BOTH[:n]] + others
        assert named(suite, ((A,), suite)) == [A] * is_named
    monkeypatch.setattr(suite_verdict, "_n_listing", lambda id: 1)
    suite = [Case(BOTH[0]), *others]
    assert named(suite, ((A,), suite)) == [A]  # no other lists it


def test_as_many_cases_list_a_mistake_as_say_so():
    every = golden.cases() + golden.cases("refused")
    assert suite_verdict._n_listing(A) == sum(A in case.mistakes for case in every)


def test_what_passes_has_to_be_accounted_for(named):
    suite = [Case(c) for c in BOTH[:5]]
    right = Case(BOTH[5], failing=())
    assert named([*suite, right], ((A,), [*suite, right])) == [A]
    assert named([*suite, right], ((A,), suite)) == []
    assert named([right], ((A,), [right])) == []


def test_a_constant_that_differs_is_no_support(named):
    suite = [Case(c) for c in BOTH[:5]]
    assert named(suite, ((A,), suite), one_constant=False) == []


def test_two_are_named_where_neither_is_enough(named):
    suite = [Case(c) for c in BOTH[:9]]
    pair = (A, B), suite
    assert named(suite, pair, ((A,), suite[:4]), ((B,), suite[4:])) == [A, B]
    # In all but one, the other is enough: B is not needed.
    assert named(suite, pair, ((A,), suite[:8])) == []
    assert named(suite, pair, ((A,), suite[:7])) == [A, B]


def test_one_that_explains_as_much_is_named_before_two(named):
    suite = [Case(c) for c in BOTH[:20]]
    assert named(suite, ((A,), suite), ((A, B), suite)) == [A]
    one, two = ((A,), suite[:18]), ((A, B), suite[2:])
    assert named(suite, one, two) == [A]
    assert named(suite, one, ((A, B), suite)) == [A, B]
    # As much as the best of the others, not as the least.
    best, least = ((A,), suite[1:]), (("summed-mean",), suite[2:])
    assert named(suite, best, least, ((B, "mean-loss-gradients"), suite[:19])) == [A]


def test_two_are_sought_in_the_two_cases_that_are_hardest(named):
    """Those with the most mistakes listed; of these, with the fewest values."""
    suite = [Case(c) for c in BOTH[:20]]
    for first in (0, 1):
        assert named(suite[::-1], ((A, B), suite[first:])) == [A, B]
    assert named(suite[::-1], ((A, B), suite[2:])) == []
    # Not those that the best single mistake accounts for: then others are the hardest.
    assert named(suite, ((A, B), suite[2:]), ((A,), suite[:2])) == [A, B]


def test_of_two_at_most_one_has_a_judge(named):
    suite = [Case(c) for c in BOTH[:3]]
    assert sorted(named(suite, ((A, JUDGED), suite))) == sorted((A, JUDGED))
    assert sorted(named(suite, ((JUDGED, A), suite))) == sorted((A, JUDGED))
    assert named(suite, ((JUDGED, "epsilon-in-denominator"), suite)) == []


def test_of_hypotheses_that_do_equally_well_only_what_they_share_is_named(named):
    suite = [Case(c) for c in BOTH[:9]]
    assert named(suite, ((A,), suite), ((B,), suite)) == []
    other = "summed-mean"
    pairs = ((A, B), suite), ((A, other), suite)
    assert named(suite, *pairs) == [A]
    assert named(suite, ((A, B), suite), ((B, A), suite)) == [A, B]
    assert named(suite, ((A,), suite), ((JUDGED,), suite)) == [A]  # exact values first


def test_of_equal_hypotheses_the_first_says_where(monkeypatch):
    suite = [Case(c) for c in BOTH[:20]]
    ends = {(A, B): suite[0], (A, "summed-mean"): suite[-1]}  # which each leaves unexplained
    monkeypatch.setattr(suite_verdict, "accounts_for", lambda h, c: h in ends and c is not ends[h])
    monkeypatch.setattr(suite_verdict, "_n_listing", lambda id: 0)
    monkeypatch.setattr(suite_verdict._Evidence, "pairs", lambda self, hardest: list(ends))
    (found,) = diagnose_suite(suite)
    assert found.mistake.id == A
    assert found.cases == tuple(c.case.id for c in suite[1:])


def test_quantities_and_cases_are_those_that_need_it(monkeypatch):
    suite = [Case(c, QUANTITIES) for c in BOTH[:4]]
    monkeypatch.setattr(suite_verdict, "accounts_for", lambda h, c: h == (B,))
    (found,) = diagnose_suite(suite)
    assert found.cases == tuple(c.case.id for c in suite)
    made = set().union(*(golden.mistakes()[B].wrong(c.case) for c in suite))
    assert found.quantities == tuple(q for q in QUANTITIES if q in made)
    suite = [Case(c, ("mean", "losses", "coherence")) for c in BOTH[:4]]
    (found,) = diagnose_suite(suite)
    assert found.quantities == ("losses", "mean")
    assert str(found) == (
        f"{found.mistake.title} [half-missing]: losses, mean in 4 cases. {found.mistake.remedy} "
        f"See {found.mistake.seen[0]}"
    )


def test_what_has_no_support_explains_nothing(monkeypatch):
    suite = [Case(c) for c in BOTH[:3]]
    evidence = suite_verdict._Evidence(suite)
    monkeypatch.setattr(suite_verdict, "accounts_for", lambda h, c: h == (A,))
    assert evidence.explained((A,)) == suite and evidence.explained((B,)) == []
    assert evidence.supports((A,), []) is False
    assert evidence.supports((JUDGED, A), suite) is False  # nothing needs the first
