"""One suite, with some of everything, in each kind of report: line by line."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import InputError
from gsnr_ref.golden.quantity import QUANTITIES
from gsnr_ref.golden.reports import (
    as_json,
    as_junit,
    as_markdown,
    as_text,
    check_report_path,
    digits_by_quantity,
)
from gsnr_ref.golden.results import Results
from gsnr_ref.golden.suite import run_suite

IDS = ("linear", "linear-square", "location", "location-weighted", "location-snr-1e12", "softmax")
GONE = ("linear-no-bias", "linear-permuted")
EXPECTED = {"linear-square": "known <b>", "location-w*": "long *gone*"}


def suite_of(tolerance=None, expected=EXPECTED, **left_out):
    """One case fails, one as expected, one passes against it, one is undecided, two are gone."""
    values = {id: dict(golden.load(id).expected) for id in IDS}
    for given in values.values():
        del given["noise_scale"]
    values["linear"]["losses"] = values["linear"]["losses"] * np.array([1, 1, np.inf, 1, 1, 1])
    values["linear-square"]["coherence"] = 0.25
    others = tuple(c.id for c in golden.cases() if c.id not in (*IDS, *GONE))
    kinds = {"quantities": ("noise_scale",), "flags": (), "levels": (), "cases": others}
    results = Results("GSNR²", "1*", "float32", "gsnr_ref", **kinds | left_out, values=values)
    return run_suite(results, expected, tolerance)


SUITE = suite_of()


def test_the_suite_has_some_of_everything():
    ids = [[r.case.id for r in part] for part in (SUITE.failed, SUITE.known)]
    assert ids == [["linear"], ["linear-square"]]
    assert sum(row[3] for row in digits_by_quantity(SUITE).values()) > 0  # undecided
    assert [r.case.id for r in SUITE.unexpected_passes] == ["location-weighted"]
    assert tuple(c.id for c in SUITE.not_run) == GONE
    assert not SUITE.passed and not SUITE.diagnoses


def test_digits_are_those_of_the_worst_case_that_passed():
    table = digits_by_quantity(SUITE)
    assert list(table) == [q for q in QUANTITIES if q in table]
    assert "noise_scale" not in table
    for quantity, (digits, n_passed, n_ran, n_undecided) in table.items():
        ran = [q for r in SUITE.reports for q in r.quantities if q.quantity == quantity]
        passed = [q for q in ran if q.passed]
        assert (n_passed, n_ran) == (len(passed), len(ran))
        assert n_undecided == sum(q.n_undecided for q in ran)
        decided = [q.digits for q in passed if not np.isnan(q.digits)]
        assert digits == min(decided)


def test_the_text_is_in_the_order_of_what_matters():
    lines = as_text(SUITE).splitlines()
    heads = [i for i, line in enumerate(lines) if line and not line.startswith(" ")]
    said = [lines[i] for i in heads]
    n_failed = len(SUITE.failed)
    assert all(line.endswith("FAILED") for line in said[:n_failed])
    rest = said[n_failed:]
    assert rest[0] == "linear-square: failed as expected: known <b>"
    assert rest[1].startswith("location-weighted: passed, but is on the list of expected failures")
    assert rest[2] == "core: 2 of 7 declared cases are not in the results: " + ", ".join(GONE)
    assert rest[3] == "no known mistake, and no two, account for what failed"
    assert rest[4] == (
        "quantity              passed  undecided  digits of the worst case that passed"
    )
    table = digits_by_quantity(SUITE)
    for line, (quantity, (digits, passed, ran, undecided)) in zip(
        rest[5:], table.items(), strict=False
    ):
        assert line.split() == [quantity, f"{passed}/{ran}", str(undecided), f"{digits:.1f}"]
        assert line.index(f"{passed}/{ran}") == 22 and line.rindex(f"{digits:.1f}") == 41
    assert rest[5 + len(table) :] == [
        f"levels: {SUITE.by_level}",
        f"GSNR² 1* (float32): {SUITE.summary}",
    ]
    blank = [i for i, line in enumerate(lines) if not line]
    assert [lines[i + 1] for i in blank] == [rest[3], rest[4], rest[-2]]


def test_a_text_without_anything_wrong_begins_with_its_table():
    values = {"location": golden.load("location").expected}
    others = tuple(c.id for c in golden.cases() if c.id != "location")
    results = Results("mine", "1", "float64", "gsnr_ref", (), (), (), others, values)
    suite = run_suite(results)
    assert as_text(suite).startswith("quantity ")
    assert as_markdown(suite).startswith("# mine 1 (float64)\n\n**Passed**: 1 of 1 declared")
    assert "Failures" not in as_markdown(suite) and "Out of step" not in as_markdown(suite)
    assert "Diagnosis" not in as_markdown(suite)
    assert json.loads(as_json(suite))["passed"] is True
    text = as_text(replace(suite, tolerance=0.25))
    assert "\n\ntolerance overridden: 0.25 instead of each case's own\n" in text
    assert "tolerance" not in as_text(suite)


def test_the_page():
    page = as_markdown(SUITE)
    assert page.startswith(f"# GSNR² 1\\* (float32)\n\n**FAILED**: {SUITE.summary}.\n\nLevels: ")
    parts = page.split("\n## ")
    assert [part.partition("\n")[0] for part in parts[1:]] == [
        "Failures",
        "Expected failures",
        "Out of step",
    ]
    assert "No known mistake, and no two, account for what failed.\n\n" in parts[0]
    left_out = ", ".join(("noise_scale", *SUITE.results.cases))
    assert f"\n\nLeft out: {left_out}.\n\n| quantity |" in parts[0]
    for quantity, (digits, passed, ran, undecided) in digits_by_quantity(SUITE).items():
        row = f"| {quantity} | {passed} of {ran} | {undecided} | {digits:.1f} |"
        assert f"\n{row}\n" in f"{parts[0]}\n"
    assert "\n\n### linear\n\n" in parts[1] and "Expected: " not in parts[1]
    assert "\n\n### linear-square\n\n" in parts[2]
    assert "\n\nExpected: known \\<b>\n\n- coherence: " in parts[2]
    assert parts[3].strip().splitlines()[2:] == [
        "- location-weighted passed against expectation",
        "- core: 2 of 7 declared cases are not in the results: " + ", ".join(GONE),
    ]
    only_gone = as_markdown(replace(SUITE, expected_failures={"linear-square": "known"}))
    assert "\n\n## Out of step\n\n- core: 2 of 7 declared cases" in only_gone
    assert "Tolerance overridden: 0.001.\n\n" in as_markdown(suite_of(tolerance=1e-3))
    assert "Tolerance" not in page
    only_flags = suite_of(quantities=(), cases=(), flags=("zero-mean",))
    assert "\n\nLeft out: zero-mean.\n\n" in as_markdown(only_flags)


def test_the_document_for_programs():
    document = json.loads(as_json(SUITE))
    results = SUITE.results
    assert as_json(SUITE).startswith('{\n "backend": {\n  "name": "GSNR²",')
    assert as_json(SUITE).endswith("}\n")
    assert document["backend"] == {
        "name": "GSNR²",
        "version": "1*",
        "dtype": "float32",
        "layout": "gsnr_ref",
    }
    assert (document["passed"], document["summary"]) == (False, SUITE.summary)
    assert document["diagnoses"] == [] and document["tolerance_override"] is None
    assert document["left_out"] == {
        "quantities": ["noise_scale"],
        "flags": [],
        "cases": list(results.cases),
    }
    assert document["not_run"] == list(GONE) and document["out_of_range"] == []
    for level, (passed, declared, known) in SUITE.levels.items():
        assert document["levels"][level] == {
            "passed": passed,
            "declared": declared,
            "left_out": known - declared,
        }
    outcomes = {case["id"]: case["outcome"] for case in document["cases"]}
    assert outcomes["linear"] == "failed" and outcomes["location"] == "passed"
    assert outcomes["linear-square"] == "failed as expected"
    assert outcomes["location-weighted"] == "passed against expectation"
    for case, report in zip(document["cases"], SUITE.reports, strict=True):
        assert (case["level"], case["tolerance"]) == (report.case.level, report.tolerance)
        assert case["consistent_with"] == [
            {"mistake": d.mistake.id, "quantities": list(d.quantities), "whole": d.whole}
            for d in report.diagnoses
        ]
        for entry, q in zip(case["quantities"], report.quantities, strict=True):
            assert entry["digits"] == (None if np.isnan(q.digits) else round(q.digits, 2))
            assert (entry["quantity"], entry["passed"]) == (q.quantity, q.passed)
            assert (entry["values"], entry["wrong"]) == (q.n_values, q.n_wrong)
            assert (entry["undecided"], entry["problem"]) == (q.n_undecided, q.problem)
            assert ("worst" in entry) == (q.worst is not None)
    worst = document["cases"][0]["quantities"][0]["worst"]
    assert worst["path"] == [] and worst["index"] == [2]
    assert worst["got"] == worst["ratio"] == "inf"
    right = golden.load("linear").expected["losses"][2]
    assert worst["expected"] == right
    assert worst["allowed"] == SUITE.reports[0].quantities[0].worst.allowed
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(replace(SUITE, tolerance=np.nan))


def test_the_document_for_continuous_integration():
    text = as_junit(SUITE)
    assert text.startswith("<?xml version=") and text.endswith("</testsuite>\n")
    assert '\n  <testcase classname="gsnr_ref.golden.v1" name="linear">\n    <failure ' in text
    root = ElementTree.fromstring(text.partition("?>")[2])
    assert root.get("name") == "gsnr_ref golden values: GSNR²"
    n_wrong = len(SUITE.failed) + 1
    counts = {"tests": 8, "failures": n_wrong, "errors": 2, "skipped": 1}
    assert {key: int(root.get(key)) for key in counts} == counts
    cases = {e.get("name"): e for e in root}
    assert {e.get("classname") for e in root} == {"gsnr_ref.golden.v1"}
    assert set(cases) == {*IDS, *GONE}
    assert cases["linear"].find("failure").get("message") == "failed"
    assert cases["linear"].find("failure").text == str(SUITE.reports[0])
    against = cases["location-weighted"].find("failure")
    assert against.get("message") == "passed against expectation"
    assert cases["linear-square"].find("skipped").get("message") == "known <b>"
    assert cases[GONE[0]].find("error").get("message") == "declared, but not in the results"
    assert len(cases["location"]) == 0


def test_a_report_replaces_no_folder_and_nothing_that_is_read(tmp_path):
    source, link = tmp_path / "a.json", tmp_path / "b.json"
    source.write_text("{}")
    link.symlink_to(source)
    for path in (source, link):
        with pytest.raises(InputError, match="which is read"):
            check_report_path(path, [None, tmp_path / "gone.json", source])
    other = tmp_path / "c.md"
    check_report_path(other, [source])
    other.write_text("")
    check_report_path(other, [source, None])
    (tmp_path / "d.xml").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_report_path(tmp_path / "d.xml")
