"""``gsnr-ref golden``, and results files from strangers."""

import json
import math
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from gsnr_ref import InputError, cli, golden
from gsnr_ref.contract import map_structure
from gsnr_ref.golden.case import every_case, folder
from gsnr_ref.golden.reading import read_bounded, refuse
from gsnr_ref.golden.results import Results, parse_results, wanted_cases
from tests.backends import reference
from tests.backends.run import as_document


def run(capsys, *arguments):
    try:
        code = cli.main(["golden", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def right():
    """The package's own results, as a document."""
    return json.loads(as_document(reference, "float64"))


@pytest.fixture
def file(tmp_path):
    def write(document):
        path = tmp_path / "results.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


def test_list_show_and_export(capsys, tmp_path):
    code, out, _ = run(capsys, "list")
    assert code == 0
    n_cases = len(golden.cases()) + len(golden.cases("refused"))
    assert f"{n_cases} cases" in out
    assert run(capsys, "list", "--flag", "frozen")[1].startswith("mlp2-tanh-frozen  core ")
    assert "half-missing" in run(capsys, "list", "--mistakes")[1]
    assert "zero-mean" in run(capsys, "list", "--flags")[1]
    code, out, _ = run(capsys, "show", "location")
    assert json.loads(out)["id"] == "location"
    code, out, _ = run(capsys, "export", tmp_path / "cases")
    assert code == 0
    assert out == f"{n_cases} cases, their schema, flags and mistakes: {tmp_path / 'cases'}\n"
    exported = sorted(p.relative_to(tmp_path / "cases") for p in tmp_path.rglob("*.json"))
    assert len(exported) == n_cases + 4
    code, _, err = run(capsys, "export", tmp_path / "cases")
    assert code == 2
    assert "there and not empty; expected a new folder" in err


def test_a_list_has_columns(capsys):
    *lines, blank, _ = run(capsys, "list")[1].splitlines()
    width = max(len(line.partition(" ")[0]) for line in lines)
    for line in lines:
        case = every_case()[line.partition(" ")[0]]
        told = f"{case.level:<9}  {case.description} [{', '.join(case.flags)}]"
        assert line == f"{case.id:<{width}}  {told}"
    assert blank == "" and len(lines) > 100
    for what, texts in (
        ("--flags", golden.flag_reasons()),
        ("--mistakes", {id: m.title for id, m in golden.mistakes().items()}),
    ):
        width = max(map(len, texts))
        told = [f"{name:<{width}}  {text}" for name, text in texts.items()]
        assert run(capsys, "list", what) == (0, "\n".join(told) + "\n", "")
    assert run(capsys, "list", "--flags", "--mistakes")[0] == 2


def test_a_case_is_printed_as_its_file_stands(capsys):
    text = (folder() / "cases" / "location.json").read_text(encoding="utf-8")
    assert run(capsys, "show", "location") == (0, text, "")


@pytest.mark.parametrize(
    ("action", "usage"),
    [
        ([], "ACTION ... Certified values"),
        (["list"], "[--flag F | --flags | --mistakes] options:"),
        (["show"], "ID positional"),
        (["export"], "DIR positional"),
        (["check"], "[--report FILE] [--xfail FILE] [--tolerance T] RESULTS.json Check a results"),
    ],
)
def test_the_usage(capsys, action, usage):
    code, out, _ = run(capsys, *action, "--help")
    said = " ".join(["usage: gsnr-ref golden", *action, "[-h]", usage])
    assert code == 0 and " ".join(out.split()).startswith(said)


def test_an_export_that_fails_leaves_nothing_and_says_why(capsys, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left on device")

    for name in ("replace", "mkdir"):  # at the end, and before there is anything
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, full)
            code, _, err = run(capsys, "export", tmp_path / "new")
        assert code == 2 and "no space left on device" in err
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "lienar"], "id is 'lienar'; expected a golden case, such as linear"),
        (["list", "--flag", "nothing"], "no golden case has them"),
        (["check", "no-such.json"], "No such file"),
        (["check", "."], "Is a directory"),
        (["check", "x.json", "--report", "r.pdf"], "expected a name ending in .md, .json or .xml"),
        (["check", "x.json", "--report", "no/such/r.md"], "its folder is missing"),
        (["check", "x.json", "--tolerance", "-1"], "argument --tolerance: is '-1'"),
        (["export", "no/such/folder"], "its folder is missing"),
    ],
)
def test_bad_usage_is_one_clear_line(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_right_results_pass(capsys, file, right):
    code, out, _ = run(capsys, "check", file(right))
    assert code == 0
    n = len(golden.cases())
    assert f"{n} of {n} declared cases passed" in out


def test_a_wrong_value_fails_with_its_diagnosis_in_every_report(capsys, file, right, tmp_path):
    wrong = json.loads(json.dumps(right))
    for name, values in wrong["results"]["linear-eight-samples"]["gsnr_ddof0"].items():
        flat = values if name.endswith("bias") else [v for row in values for v in row]
        scaled = [64 * v for v in flat]
        wrong["results"]["linear-eight-samples"]["gsnr_ddof0"][name] = (
            scaled if name.endswith("bias") else [[v] for v in scaled]
        )
    path = file(wrong)
    code, out, _ = run(capsys, "check", path)
    assert code == 1
    assert "gsnr_ddof0 is too large by exactly B² = 64" in out
    assert "1 failed" in out
    for suffix in (".md", ".json", ".xml"):
        report = tmp_path / f"report{suffix}"
        assert run(capsys, "check", path, "--report", report) == (1, out, f"report: {report}\n")
        assert "linear-eight-samples" in report.read_text()
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["passed"] is False
    outcome = {case["id"]: case["outcome"] for case in document["cases"]}
    assert outcome["linear-eight-samples"] == "failed"
    suite = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(golden.cases())), "1")
    assert "B² = 64" in (tmp_path / "report.md").read_text()


def listed(tree):
    """Arrays as JSON can hold them."""
    if isinstance(tree, dict):
        return {key: listed(part) for key, part in tree.items()}
    if isinstance(tree, list):
        return [listed(part) for part in tree]
    return tree if math.isfinite(tree) else str(tree)


def test_the_suite_is_diagnosed_as_a_whole(capsys, file, right, tmp_path):
    wrong = golden.mistakes()["bessel-for-population"].wrong
    results = {
        case.id: right["results"][case.id]
        | listed(map_structure(lambda v: np.asarray(v).tolist(), wrong(case)))
        for case in golden.cases()
    }
    report = tmp_path / "report.json"
    _, out, _ = run(capsys, "check", file(right | {"results": results}), "--report", report)
    assert "diagnosis: ddof confused" in out
    (diagnosis,) = json.loads(report.read_text())["diagnoses"]
    assert set(diagnosis) == {"mistake", "quantities", "cases"}
    assert diagnosis["mistake"] == "bessel-for-population"
    assert {"variance_ddof0", "gsnr_ddof0"} <= set(diagnosis["quantities"])
    assert "linear" in diagnosis["cases"]


def test_a_report_says_levels_and_what_was_left_out_and_undecided(capsys, file, right, tmp_path):
    kept = {"losses", "mean"}
    some = {
        "results": {
            id: {q: v for q, v in quantities.items() if q in kept}
            for id, quantities in right["results"].items()
            if golden.load(id).level != "deep"
        },
        "leaves_out": {
            "quantities": [q for q in golden.QUANTITIES if q not in kept],
            "cases": [c.id for c in golden.cases() if c.level == "deep"],
        },
    }
    report = tmp_path / "report.json"
    code, out, _ = run(capsys, "check", file(right | some), "--report", report)
    assert code == 0
    n = sum(c.level == "core" for c in golden.cases())
    assert f"levels: core {n} of {n}, tails " in out
    assert "deep left out" in out
    assert "values of 2 quantities, none undecided; left out: per_sample_gradients, " in out
    levels = json.loads(report.read_text())["levels"]
    assert levels["core"] == {"passed": n, "declared": n, "left_out": 0}
    single = right | some | {"backend": right["backend"] | {"dtype": "float32"}}
    assert "of them undecided" in run(capsys, "check", file(single))[1]


def test_expected_failures(capsys, file, right, tmp_path):
    wrong = json.loads(json.dumps(right))
    wrong["results"]["linear"]["coherence"] = 0.5
    listed = tmp_path / "xfail.txt"
    listed.write_text("linear  # known\n")
    code, out, _ = run(capsys, "check", file(wrong), "--xfail", listed)
    assert code == 0
    assert "1 failed as expected" in out
    code, out, _ = run(capsys, "check", file(right), "--xfail", listed)
    assert code == 1
    assert "is on the list of expected failures; take it off" in out
    listed.write_text("linear\n")
    assert "has no reason" in run(capsys, "check", file(wrong), "--xfail", listed)[2]
    listed.write_text("no-such-* # why\n")
    assert "no declared case is so" in run(capsys, "check", file(wrong), "--xfail", listed)[2]


def test_values_for_a_case_that_must_be_refused_fail(capsys, file, right):
    given = right["results"] | {"batch-norm-training": {"losses": [0.0, 0.0, 0.0, 0.0]}}
    code, out, _ = run(capsys, "check", file(right | {"results": given}))
    assert code == 1
    assert "losses given, where it must be refused. Each loss depends on every sample" in out


def test_fewer_cases_than_declared_fail(capsys, file, right):
    fewer = right | {"results": dict(list(right["results"].items())[1:])}
    code, out, _ = run(capsys, "check", file(fewer))
    assert code == 1
    gone = next(iter(right["results"]))
    assert f"declared cases are not in the results: {gone}\n" in out
    declared = fewer | {"leaves_out": {"cases": [gone]}}
    assert run(capsys, "check", file(declared))[0] == 0
    both = right | {"leaves_out": {"cases": [gone]}}
    message = f"leaves_out leaves out ({gone} by its id); expected one of both"
    assert message in run(capsys, "check", file(both))[2]


def test_whole_levels_can_be_left_out(capsys, file, right):
    core = {case.id for case in golden.cases() if case.level == "core"}
    results = {id: given for id, given in right["results"].items() if id in core}
    declared = {"levels": ["tails", "deep", "sequence", "attention", "large"]}
    code, out, _ = run(capsys, "check", file(right | {"results": results, "leaves_out": declared}))
    assert code == 0
    assert f"core {len(core)} of {len(core)}" in out
    unknown = right | {"leaves_out": {"levels": ["easy"]}}
    assert "$.leaves_out.levels[0]: 'easy' is not one of" in run(capsys, "check", file(unknown))[2]


def test_an_export_keeps_to_the_umask_and_to_the_folder_that_is_there(capsys, tmp_path):
    before = os.umask(0o077)
    try:
        assert run(capsys, "export", tmp_path / "new")[0] == 0
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "empty").mkdir(0o750)
    (tmp_path / "link").symlink_to("empty")
    assert run(capsys, "export", tmp_path / "link")[0] == 0
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "link").is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "link", "new"]


def test_nothing_to_run_is_an_error(capsys, file, right):
    nothing = right | {"leaves_out": {"cases": [case.id for case in golden.cases()]}}
    code, _, err = run(capsys, "check", file(nothing))
    assert code == 2
    assert "leaves nothing to run" in err


@pytest.mark.parametrize("text", ["1", "1.5", "-1e-9", "nan", "abc", "-0.5"])
def test_a_tolerance_that_is_no_relative_error_is_refused(capsys, text):
    code, _, err = run(capsys, "check", "no-such.json", f"--tolerance={text}")
    assert code == 2
    assert f"argument --tolerance: is {text!r}; expected a relative error, 0 to 1" in err


def test_a_tolerance_may_be_0(capsys):
    for text in ("0", "0.999"):
        assert "No such file" in run(capsys, "check", "no-such.json", f"--tolerance={text}")[2]


def test_an_overridden_tolerance_is_printed(capsys, file, right):
    code, out, _ = run(capsys, "check", file(right), "--tolerance", "1e-3")
    assert code == 0
    assert "tolerance overridden: 0.001 instead of each case's own" in out


def with_value(value):
    return lambda right: right | {"results": {"linear": {"coherence": value}}}


def nested(depth):
    return "[" * depth + "]" * depth


HOSTILE = [
    (lambda _: "", "is not JSON"),
    (lambda _: "{", "is not JSON"),
    (lambda _: "\ufeff{}", "is not JSON"),
    (lambda _: "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    (lambda _: '{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
    (lambda _: "[]", r"\$: \[\] is not of type 'object'"),
    (lambda _: "1" * 10_000, "is no float64"),
    (lambda _: "[1e999]", "is no float64"),
    (lambda _: "[NaN]", 'NaN is not JSON; write the string "nan"'),
    (lambda _: "[-Infinity]", 'write the string "-inf"'),
    (lambda _: '{"a": 1, "a": 2}', "the key 'a' stands twice"),
    (lambda right: right | {"format": "other"}, "format"),
    (lambda right: right | {"pickle": "gASV"}, "'pickle' was unexpected"),
    (lambda right: right | {"results": {}}, r"\$.results"),
    (lambda right: right | {"results": {"no-such-case": {"mean": 1}}}, "'no-such-case'; expected"),
    (lambda right: right | {"results": {"linear": {"gnsr": 1}}}, "unknown quantities"),
    (lambda right: right | {"leaves_out": {"flags": ["x"]}}, "unknown flags"),
    (lambda _: nested(900), "is not of type 'object'|does not fit 'type'|nested too deeply"),
    (lambda _: '{"a": 1, "\\u001b[2J": 1, "\\u001b[2J": 2}', r"key '\\x1b\[2J' stands twice"),
    (lambda _: '{"\\u001b[2J": 1}', "required property"),
    (
        lambda _: "{" + ", ".join(f'"{i}": 1' for i in range(200_000)) + ', "199999": 1}',
        "'199999' stands twice",
    ),
    (lambda right: right | {"leaves_out": {"cases": [*range(1001)]}}, "a list of 1001; expected"),
    (lambda right: right | {"results": {"\x1b[2J": {}}}, r"\$.results"),
    (lambda right: right | {"results": {"a" * 10**6: {"mean": 1}}}, "expected a golden case"),
    (lambda right: right | {"results": {"linear": {"\x1b" * 10**6: 1}}}, "unknown quantities"),
    (with_value({"\x1b" * 10**6: 1}), r"has the key '\\x1b"),
    (with_value("\x1b" * 10**6), r"holds '\\x1b"),
    (
        lambda right: with_value(1)(right) | {"leaves_out": {"quantities": ["coherence"]}},
        r"results\['linear'\] has \['coherence'\], which leaves_out leaves out; expected one of",
    ),
    (with_value(None), "holds None; expected numbers"),
    (with_value(True), "holds True; expected numbers"),
    (with_value("__import__('os')"), "expected numbers"),
    (with_value([[1], [2, 3]]), "rows of different lengths"),
    (with_value([[[[[[[[[[1]]]]]]]]]]), "nested deeper than 8"),
    (with_value({"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}), "nested deeper"),
]


@pytest.mark.parametrize(("make", "message"), HOSTILE)
def test_a_hostile_file_is_one_clear_line(capsys, file, right, make, message):
    code, out, err = run(capsys, "check", file(make(right)))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert len(err) < 1000
    assert re.search(message, err), err
    assert err.strip().isprintable()
    assert "results.json" in err


def parsed(values=1.0, **more):
    """A document with these values of one quantity, read."""
    document = {
        "format": "gsnr-ref-results/v1",
        "backend": {"name": "mine", "version": "1", "dtype": "float64"},
        "results": {"linear": {"coherence": values}},
    }
    return parse_results("FILE", json.dumps(document | more).encode())


def in_lists(depth):
    return [in_lists(depth - 1)] if depth else 1.0


def in_objects(depth):
    return {"a": in_objects(depth - 1)} if depth else 1.0


def test_bounds_are_where_they_are_said_to_be():
    for nest in (in_lists, in_objects):
        parsed(nest(8))
        with pytest.raises(InputError, match="is nested deeper than 8"):
            parsed(nest(9))
    parsed({"a": {"a": in_lists(6)}})
    with pytest.raises(InputError, match="is nested deeper than 8"):
        parsed({"a": {"a": in_lists(7)}})
    parsed({"k" * 200: 1.0})
    place = f"results['linear']['coherence']['{'k' * 200}']"
    for nest, end in ((in_lists, "... is nested"), (in_objects, "... is nested")):
        with pytest.raises(InputError, match=f"^FILE: {re.escape(place[:80] + end)}"):
            parsed({"k" * 200: nest(8)})
    with pytest.raises(InputError, match=f"^FILE: {re.escape(place[:200])} has the key"):
        parsed({"k" * 200: {"k" * 201: 1.0}})
    with pytest.raises(
        InputError, match=f"^FILE: {re.escape(place[:200])} holds 'x{{39}}; expected"
    ):
        parsed({"k" * 200: "x" * 50})
    with pytest.raises(InputError, match=r"has the key 'k{60}'\.\.\.; expected 200 letters"):
        parsed({"k" * 201: 1.0})
    flags = sorted(golden.flag_reasons())
    with pytest.raises(
        InputError, match=r"leaves_out\.cases: .*(has non-unique elements|does not fit)"
    ):
        parsed(leaves_out={"cases": ["linear"] * 1000})
    with pytest.raises(InputError, match="has a list of 1001; expected at most 1000"):
        parsed(leaves_out={"cases": ["linear"] * 1001})
    assert parsed(leaves_out={"flags": flags}).flags == tuple(flags)


def test_a_message_of_the_schema_is_shown_if_it_is_short():
    told = " is not of type 'string'"
    for length, shown in ((199, True), (200, False)):
        name = ["x" * (length - len(told) - 4)]
        backend = {"name": name, "version": "1", "dtype": "float64"}
        with pytest.raises(InputError) as error:
            parsed(backend=backend)
        what = f"{name}{told}" if shown else "does not fit 'type'"
        assert str(error.value) == f"FILE: $.backend.name: {what}"


def test_three_unknown_names_are_told_and_sixty_letters_of_each():
    with pytest.raises(InputError) as error:
        parsed(leaves_out={"quantities": ["d", "c", "b", "a" * 61]})
    known = list(golden.QUANTITIES)
    assert str(error.value).startswith(
        f"FILE: leaves_out has unknown quantities {['a' * 60, 'b', 'c']}; expected some of {known}"[
            :600
        ]
    )
    with pytest.raises(InputError, match=r"the number 1{20}\.\.\. is no float64"):
        parse_results("FILE", b"1" * 400)
    with pytest.raises(InputError, match=r"the key 'k{60}' stands twice"):
        parse_results("FILE", b'{"' + b"k" * 61 + b'": 1, "' + b"k" * 61 + b'": 2}')


def test_six_hundred_letters_of_an_error_are_shown():
    for n, shown in ((600, "x" * 600), (601, "x" * 600 + " ...")):
        with pytest.raises(InputError) as error:
            refuse("FILE", "x" * n)
        assert str(error.value) == f"FILE: {shown}"


def test_a_case_of_which_nothing_is_computed_is_not_wanted():
    case = golden.load("linear")
    for quantities, wanted in ((tuple(case.expected)[1:], True), (tuple(case.expected), False)):
        results = Results("a", "1", "float64", "gsnr_ref", quantities, (), (), (), {})
        assert (case.id in {c.id for c in wanted_cases(results)[0]}) == wanted


def test_any_depth_is_one_clear_line(tmp_path):
    """The parser, the schema and the message of an error each have a limit of their own."""
    for depth in range(50, 1200, 25):
        for text in (
            nested(depth),
            f'{{"format": {nested(depth)}}}',
            f'{{"leaves_out": {nested(depth)}}}',
        ):
            with pytest.raises(InputError, match=r"^FILE: .+$"):
                parse_results("FILE", text.encode())


def test_bytes_that_are_no_text(capsys, tmp_path):
    path = tmp_path / "results.json"
    path.write_bytes(b"\x80\x04\x95pickle")
    code, _, err = run(capsys, "check", path)
    assert code == 2
    assert "is not UTF-8 text" in err


def test_a_gigabyte_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "results.json"
    with path.open("wb") as file:
        file.truncate(2**30)  # sparse: takes no disk
    code = "import sys; from gsnr_ref.cli import main; sys.exit(main())"
    limit = 2**30  # bytes of address space above what an import takes would be exceeded by a read

    def bound():
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    command = [sys.executable, "-c", code, "golden", "check", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, preexec_fn=bound)
    assert result.returncode == 2
    assert "is larger than 16 MiB" in result.stderr


@pytest.mark.parametrize(
    ("most", "size"), [(2**12, "4 KiB"), (2**20 - 1, "1023 KiB"), (2**20, "1 MiB")]
)
def test_how_much_is_read_is_said_in_units_that_fit(tmp_path, most, size):
    path = tmp_path / "file"
    path.write_bytes(bytes(most))
    assert read_bounded(path, most, "zeros") == bytes(most)
    path.write_bytes(bytes(most + 1))
    with pytest.raises(InputError, match=f"is larger than {size}; expected zeros"):
        read_bounded(path, most, "zeros")


def test_a_missing_jsonschema_names_the_extra(capsys, file, right, monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    code, _, err = run(capsys, "check", file(right))
    assert code == 2
    assert 'pip install "gsnr-ref[golden]"' in err


@pytest.mark.parametrize("option", ["results", "xfail"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("zero", "/dev/zero is no regular file; expected a"),
        ("pipe", "pipe is no regular file; expected a"),
        ("circle", "Too many levels of symbolic links"),
        ("folder", "Is a directory"),
        ("missing", "No such file"),
        ("bytes", "bytes is not UTF-8 text"),
        ("large", "large is larger than "),
    ],
)
def test_what_is_no_file_of_words_is_told_at_once(
    capsys, file, right, tmp_path, option, kind, message
):
    path = tmp_path / kind if kind != "zero" else "/dev/zero"
    if kind == "pipe":  # without a writer: to open it would wait for one
        os.mkfifo(path)
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff")
    elif kind == "large":
        path.write_bytes(b" " * (17 << 20))
    arguments = [path] if option == "results" else [file(right), "--xfail", path]
    code, out, err = run(capsys, "check", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_control_characters_reach_no_terminal_and_no_report(capsys, file, tmp_path):
    """Whatever a file calls itself, its keys and its reasons, what comes out can be printed."""
    evil = "\x1b[2J\x9b\r\x00\u202e\ud800<script>`|"
    document = {
        "format": "gsnr-ref-results/v1",
        "backend": {"name": evil, "version": evil, "dtype": "float64"},
        "results": {
            "linear": {"coherence": {evil: 1}},
            "location": {"mean": {evil: [evil[:0] or "nan"]}},
        },
    }
    listed = tmp_path / "xfail.txt"
    listed.write_text("linear # known \x1b[2J\x9b\u202e<script>")
    path = file(document)
    outputs = []
    for suffix in (".md", ".json", ".xml"):
        report = tmp_path / f"report{suffix}"
        code, out, err = run(capsys, "check", path, "--xfail", listed, "--report", report)
        assert code == 1
        outputs += [out, err, report.read_text(encoding="utf-8")]
    for text in outputs:
        assert text.replace("\n", "").isprintable()
    assert all("\\x1b[2J\\x9b" in out for out in outputs[::3])
    assert "\\<script>" in outputs[2]
    assert not re.search(r"(?<!\\)<", outputs[2])  # no HTML in Markdown
    ElementTree.fromstring(outputs[8].partition("?>")[2])


def test_a_report_never_replaces_what_is_read(capsys, file, right, tmp_path):
    path = file(right)
    content = path.read_bytes()
    listed = tmp_path / "xfail.md"
    listed.write_text("linear # known\n")
    (tmp_path / "link.json").symlink_to(path)
    (tmp_path / "hard.json").hardlink_to(path)
    (tmp_path / "sub").mkdir()
    others = ("link.json", "hard.json", "sub/../results.json", "xfail.md")
    for report in (path, *(tmp_path / name for name in others)):
        code, out, err = run(capsys, "check", path, "--xfail", listed, "--report", report)
        assert (code, out) == (2, "")
        assert "which is read; expected another file" in err
    assert path.read_bytes() == content
    assert listed.read_text() == "linear # known\n"


def test_a_report_that_cannot_be_written_is_told_before_the_work(capsys, tmp_path):
    """The results file is not even looked at: there is none."""
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "circle.md").symlink_to(tmp_path / "circle.md")
    (tmp_path / "file").write_text("")
    for name, message in (
        ("folder.md", "is a folder"),
        ("circle.md", "Too many levels of symbolic links"),
        ("no/such/report.md", "its folder is missing"),
        ("file/report.md", "Not a directory"),
    ):
        code, out, err = run(capsys, "check", "no-such.json", "--report", tmp_path / name)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


def test_too_little_memory_is_one_clear_line(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("[" + "[]," * 5_000_000 + "[]]")

    def bound():
        resource.setrlimit(resource.RLIMIT_DATA, (2**28, 2**28))

    code = "import sys; from gsnr_ref.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "golden", "check", str(path)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=bound, env=environment
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"gsnr-ref: error: {path}: takes more memory than there is\n"


def test_a_list_of_expected_failures_names_a_case_once(capsys, file, right, tmp_path):
    listed = tmp_path / "xfail.txt"
    listed.write_text("linear # a\n\nlinear # b\n")
    code, _, err = run(capsys, "check", file(right), "--xfail", listed)
    assert code == 2
    assert "xfail.txt: line 3: 'linear' stands there twice" in err


def test_an_export_into_a_circle_of_links_is_one_clear_line(capsys, tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for target in ("circle", "circle/cases"):
        code, out, err = run(capsys, "export", tmp_path / target)
        assert (code, out) == (2, "")
        assert "Too many levels of symbolic links" in err
        assert err.count("\n") == 1


def test_an_export_that_fails_leaves_nothing(capsys, tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError("no space")

    monkeypatch.setattr(type(tmp_path), "replace", fail)
    code, out, err = run(capsys, "export", tmp_path / "cases")
    assert (code, out) == (2, "")
    assert "no space" in err
    assert list(tmp_path.iterdir()) == []
