"""A suite's verdict, its counts, and the list of failures that are expected."""

from dataclasses import replace

import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.golden.reports import as_text
from gsnr_ref.golden.results import Results
from gsnr_ref.golden.suite import (
    LEVELS,
    parse_expected_failures,
    read_expected_failures,
    run_suite,
)

LINEAR = tuple(c.id for c in golden.cases() if c.id.startswith("linear"))
OTHERS = tuple(c.id for c in golden.cases() if c.id not in LINEAR)


def suite_of(ids, dtype="float64", expected=None, **left_out):
    values = {id: golden.load(id).expected for id in ids}
    kinds = {"quantities": (), "flags": (), "levels": (), "cases": OTHERS} | left_out
    return run_suite(Results("mine", "1", dtype, "gsnr_ref", values=values, **kinds), expected)


def test_every_level_is_one_of_those_in_the_order_of_ease():
    assert {case.level for case in golden.cases()} == set(LEVELS)


@pytest.mark.parametrize(("n_gone", "end"), [(5, ""), (6, ", and 1 more")])
def test_five_of_the_missing_cases_of_a_level_are_named(n_gone, end):
    core = [id for id in LINEAR if golden.load(id).level == "core"]
    gone, run = core[:n_gone], [id for id in LINEAR if id not in core[:n_gone]]
    text = as_text(suite_of(run))
    said = f"{n_gone} of {len(core)} declared cases are not in the results: {', '.join(gone[:5])}"
    assert f"core: {said}{end}\n" in text


def test_what_is_passed_left_out_and_out_of_range_is_counted():
    suite = suite_of(["linear", "linear-square"])
    n_every = len(golden.cases())
    assert (suite.n_passed, suite.n_declared) == (2, len(LINEAR))
    assert suite.summary.startswith(
        f"2 of {len(LINEAR)} declared cases passed, {len(LINEAR) - 2} did not run, "
        f"{n_every - len(LINEAR)} left out; "
    )
    assert "linear-huge-1e150" in LINEAR
    single = suite_of(["linear"], "float32")
    n_beyond = sum(golden.load(id).tolerance["float32"] is None for id in LINEAR)
    assert len(single.out_of_range) == n_beyond > 0
    assert f", {n_every - len(LINEAR)} left out, {n_beyond} out of the range of float32; " in (
        single.summary
    )


def test_a_case_that_is_rightly_refused_counts_only_where_it_is_given():
    (refused,) = golden.cases("refused")
    suite = suite_of(["linear"])
    given = {"linear": golden.load("linear").expected, refused.id: {}}
    with_it = run_suite(replace(suite.results, values=given))
    assert with_it.n_passed == suite.n_passed + 1
    for level, (passed, declared, known) in suite.levels.items():
        one = level == refused.level
        assert with_it.levels[level] == (passed + one, declared + one, known + one)
    n_left_out = len(golden.cases()) - len(LINEAR)
    assert f", {n_left_out} left out; " in suite.summary
    assert f", {n_left_out} left out; " in with_it.summary


def test_nothing_that_ran_is_no_pass():
    suite = suite_of(LINEAR)
    assert suite.passed
    assert not replace(suite, reports=()).passed
    assert not replace(suite, not_run=(golden.load("linear"),)).passed


def test_undecided_values_are_counted():
    suite = suite_of(["location-snr-1e12"], "float32", cases=())
    (report,) = suite.reports
    n = sum(q.n_undecided for q in report.quantities)
    n_values = sum(q.n_values for q in report.quantities)
    assert n > 0
    assert suite.compared == (
        f"{n_values} values of {len(report.quantities)} quantities, {n} of them undecided"
    )


def test_what_is_given_and_left_out_is_named_five_at_most():
    given = sorted(OTHERS)[:6]
    with pytest.raises(InputError) as told:
        suite_of(["linear", *given])
    start = f"results has {given[:5]}, which leaves_out leaves out ({given[0]} by its id)"
    assert str(told.value).startswith(start)
    quantities = tuple(golden.load("linear").expected)
    values = {"linear": {}, "softmax": {}}
    wide = Results("mine", "1", "float64", "gsnr_ref", quantities, (), (), (), values)
    beyond = {q for c in golden.cases() for q in c.expected} - set(quantities)
    assert beyond  # else nothing would be left to run
    with pytest.raises(InputError, match=r"\(linear by its quantities\)"):
        run_suite(wide)


def test_a_pattern_that_no_declared_case_fits_is_refused():
    assert suite_of(LINEAR, expected={"linear-s?uare": "why"}).unexpected_passes != []
    with pytest.raises(InputError) as told:
        suite_of(["linear"], expected={"z" * 61: "why"})
    assert f"has {'z' * 60!r}; no declared case is so" in str(told.value)


def test_only_failures_that_are_not_expected_are_diagnosed(monkeypatch):
    monkeypatch.setattr("gsnr_ref.golden.conformance.diagnose", lambda case, compared: ())
    monkeypatch.setattr("gsnr_ref.golden.suite.diagnose_suite", tuple)  # what it is given
    ids = ("linear", "linear-square", "softmax")
    values = {id: dict(golden.load(id).expected) for id in ids}
    for id in ids[1:]:
        del values[id]["mean"]
        values[id]["losses"] = 2 * values[id]["losses"]
    results = Results("mine", "1", "float64", "gsnr_ref", (), (), (), (), values)
    given = run_suite(results, {"linear*": "known"}).diagnoses
    assert [compared.case.id for compared in given] == ["linear", "softmax"]
    softmax = {q.quantity for q in given[1].reports}
    assert softmax == set(golden.load("softmax").expected) - {"mean"}
    assert [c.case.id for c in run_suite(results).diagnoses] == list(ids)


def test_a_list_has_an_id_and_a_reason_a_line():
    raw = b"\n# a comment\n linear-* # known # for long \nlocation#\xc2\xbd\x1b\n"
    assert parse_expected_failures("FILE", raw) == {
        "linear-*": "known # for long",
        "location": "½\\x1b",
    }
    with pytest.raises(
        InputError, match=r"^FILE: line 2: 'y{60}' has no reason; expected ID # why"
    ):
        parse_expected_failures("FILE", b"x # why\n" + b"y" * 61)
    with pytest.raises(InputError, match=r"^FILE: line 2: 'y{60}' stands there twice"):
        parse_expected_failures("FILE", 2 * (b"y" * 61 + b"# why\n"))


def test_a_list_of_64_kib_is_read(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(b"#" * 2**16)
    assert read_expected_failures(path) == {}
    path.write_bytes(b"#" * (2**16 + 1))
    with pytest.raises(InputError, match="is larger than 64 KiB; expected a list of expected"):
        read_expected_failures(path)


def test_levels_are_told_in_words(monkeypatch):
    suite = suite_of(["linear"])
    levels = {"core": (2, 3, 5), "tails": (1, 1, 1), "deep": (0, 0, 4), "large": (0, 1, 2)}
    monkeypatch.setattr(type(suite), "levels", levels)
    assert suite.by_level == (
        "core 2 of 3 (2 left out), tails 1 of 1, deep left out, large 0 of 1 (1 left out)"
    )
