"""What the checker says, word by word, where it once misled."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.contract import InputError, map_structure
from gsnr_ref.golden.command import add_arguments
from gsnr_ref.golden.quantity import Element
from gsnr_ref.golden.reports import NO_DIAGNOSIS, NO_VALUES, as_markdown, as_text
from gsnr_ref.golden.results import Results
from gsnr_ref.golden.suite import run_suite

SOME = ("linear", "location", "softmax", "linear-square", "location-weighted", "softmax-uniform")


def results(values, **left_out):
    kinds = {kind: left_out.get(kind, ()) for kind in ("quantities", "flags", "levels", "cases")}
    return Results("mine", "1", "float64", "gsnr_ref", values=values, **kinds)


def right(*ids):
    return {id: golden.load(id).expected for id in ids}


def all_but(*ids):
    every = {case.id for case in golden.cases()}
    return tuple(sorted(every - set(ids)))


def test_a_case_that_is_rightly_refused_is_not_left_out():
    suite = run_suite(results({case.id: case.expected for case in golden.cases()}))
    assert suite.passed
    assert "left out" not in suite.by_level
    assert "left out" not in suite.summary


def test_a_level_that_is_missing_takes_one_line():
    core = [case.id for case in golden.cases() if case.level == "core"]
    text = as_text(run_suite(results(right(*core))))
    n = sum(case.level == "deep" for case in golden.cases())
    assert f"\ndeep: {n} of {n} declared cases are not in the results\n" in text
    assert len(text.splitlines()) < 40


def test_of_a_level_some_of_whose_cases_are_missing_a_few_are_named():
    given = right(*[case.id for case in golden.cases() if case.level == "core"][8:])
    (line,) = (x for x in as_text(run_suite(results(given))).splitlines() if x.startswith("core:"))
    assert line.count(", ") == 5
    assert line.endswith(", and 3 more")
    given = right(*[case.id for case in golden.cases() if case.level == "core"][5:])
    (line,) = (x for x in as_text(run_suite(results(given))).splitlines() if x.startswith("core:"))
    assert line.count(", ") == 4 and "more" not in line


def test_nothing_is_said_of_mistakes_where_there_are_no_values():
    values = right(*SOME)
    del values["linear"]["coherence"]
    values["softmax"]["losses"] = values["softmax"]["losses"][:1]
    suite = run_suite(results(values, cases=all_but(*SOME)))
    for report in (as_text(suite), as_markdown(suite).lower()):
        assert NO_VALUES.lower() in report.lower()
        assert NO_DIAGNOSIS not in report
    values["linear"]["coherence"] = 0.3
    assert NO_DIAGNOSIS in as_text(run_suite(results(values, cases=all_but(*SOME))))


def test_a_ratio_that_reads_as_1_is_not_printed():
    assert "ratio" not in str(Element((), (), 1 + 1e-13, 1.0, 1e-15))
    assert "ratio 1.00000000001" in str(Element((), (), 1 + 1e-11, 1.0, 1e-15))


def test_transposed_arrays_are_a_hint_at_the_layout():
    case = golden.load("mlp2-tanh-squared-error")

    def transposed(a):
        return np.swapaxes(a, -1, -2) if np.ndim(a) >= 2 else a

    e = case.expected
    torch = {q: e[q] if q == "losses" else map_structure(transposed, v) for q, v in e.items()}
    assert "another layout? Name it" in str(golden.compare(case, torch))
    cut = e | {"mean": map_structure(lambda a: a[:1], e["mean"])}
    assert "another layout" not in str(golden.compare(case, cut))


def test_quantities_that_a_case_does_not_state_are_named():
    case = golden.load("linear-one-sample")
    assert "variance_ddof1" not in case.expected
    more = case.expected | {"variance_ddof1": 1.0}
    assert "not stated by this case: variance_ddof1)" in str(golden.compare(case, more))
    suite = run_suite(results({case.id: more}, cases=all_but(case.id)))
    assert suite.summary.endswith("; 1 given where their case does not state them")


@pytest.mark.parametrize(
    ("left_out", "why"),
    [
        ({"flags": ("weighted",)}, r"\(location-weighted by the flag 'weighted'\)"),
        ({"levels": ("core",)}, r"\(location-weighted by the level 'core'\)"),
        ({"cases": ("location-weighted",)}, r"\(location-weighted by its id\)"),
    ],
)
def test_what_leaves_a_case_out_is_named(left_out, why):
    with pytest.raises(InputError, match=why):
        run_suite(results(right("location-weighted"), **left_out))


def test_digits_and_undecided_are_explained_in_the_help(capsys):
    import argparse

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["check", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Digits are correct decimal digits" in text
    assert "A value is undecided if" in text
