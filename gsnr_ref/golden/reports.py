"""A suite report as text, Markdown, JSON and JUnit XML.

Imports ``contract`` and, of ``golden``, ``conformance``, ``quantity`` and ``suite``.
"""

import json
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gsnr_ref.contract import InputError
from gsnr_ref.golden.conformance import CaseReport
from gsnr_ref.golden.quantity import QUANTITIES
from gsnr_ref.golden.suite import SuiteReport

NO_DIAGNOSIS = "no known mistake, and no two, account for what failed"
NO_VALUES = "what failed is missing, not asked for, or of another shape: no values to diagnose"
#: So many ids of cases that did not run are named, level by level.
NAMED = 5


def _no_diagnosis(suite: SuiteReport) -> str:
    """Why nothing is named."""
    failing = [q for report in suite.failed for q in report.quantities if not q.passed]
    return NO_VALUES if all(q.problem for q in failing) else NO_DIAGNOSIS


def _not_run(suite: SuiteReport) -> list[str]:
    """What is not in the results, a line a level."""
    lines = []
    for level, (_, declared, _) in suite.levels.items():
        missing = [case.id for case in suite.not_run if case.level == level]
        names = "" if len(missing) == declared else f": {', '.join(missing[:NAMED])}"
        more = f", and {len(missing) - NAMED} more" if names and len(missing) > NAMED else ""
        what = f"{len(missing)} of {declared} declared cases are not in the results{names}{more}"
        lines += [f"{level}: {what}"] if missing else []
    return lines


def digits_by_quantity(suite: SuiteReport) -> dict[str, tuple[float, int, int, int]]:
    """Digits of the worst passing case, cases passed and run, undecided values, by quantity."""
    table = {}
    for quantity in QUANTITIES:
        ran = [q for r in suite.reports for q in r.quantities if q.quantity == quantity]
        if ran:
            passed = [q for q in ran if q.passed]
            digits = min((q.digits for q in passed if not math.isnan(q.digits)), default=math.nan)
            n_undecided = sum(q.n_undecided for q in ran)
            table[quantity] = (digits, len(passed), len(ran), n_undecided)
    return table


def as_text(suite: SuiteReport) -> str:
    """For a terminal: failures, what accounts for them, digits by quantity, and the verdict."""
    lines = [str(report) for report in suite.failed]
    lines += [f"{r.case.id}: failed as expected: {suite.expected_reason(r)}" for r in suite.known]
    lines += [
        f"{r.case.id}: passed, but is on the list of expected failures; take it off"
        for r in suite.unexpected_passes
    ]
    lines += _not_run(suite)
    if suite.failed:
        lines += ["", *(f"diagnosis: {d}" for d in suite.diagnoses)]
        if not suite.diagnoses:
            lines.append(_no_diagnosis(suite))
    if lines:
        lines.append("")
    width = max(map(len, QUANTITIES))
    lines.append(f"{'quantity':<{width}}  passed  undecided  digits of the worst case that passed")
    for quantity, (digits, passed, ran, undecided) in digits_by_quantity(suite).items():
        counts = f"{f'{passed}/{ran}':<6}  {undecided:<9}"
        lines.append(f"{quantity:<{width}}  {counts}  {_digits(digits)}")
    if suite.tolerance is not None:
        lines += ["", f"tolerance overridden: {suite.tolerance:.3g} instead of each case's own"]
    r = suite.results
    verdict = f"{r.name} {r.version} ({r.dtype}): {suite.summary}"
    return "\n".join([*lines, "", f"levels: {suite.by_level}", verdict])


def _digits(digits: float) -> str:
    return "-" if math.isnan(digits) else f"{digits:.1f}"


def as_markdown(suite: SuiteReport) -> str:
    """For people: a page."""
    r = suite.results
    lines = [
        f"# {_markdown(f'{r.name} {r.version} ({r.dtype})')}",
        "",
        f"**{'Passed' if suite.passed else 'FAILED'}**: {suite.summary}.",
        "",
        f"Levels: {suite.by_level}.",
        "",
    ]
    if suite.failed:
        lines += [f"Diagnosis: {_markdown(str(d))}\n" for d in suite.diagnoses] or [
            f"{_no_diagnosis(suite)[0].upper()}{_no_diagnosis(suite)[1:]}.\n"
        ]
    if suite.tolerance is not None:
        lines += [f"Tolerance overridden: {suite.tolerance:.3g}.", ""]
    if left_out := ", ".join((*r.quantities, *r.flags, *r.cases)):
        lines += [f"Left out: {left_out}.", ""]
    lines += [
        "| quantity | cases passed | values undecided | digits, worst case that passed |",
        "|---|---|---|---|",
    ]
    for quantity, (digits, passed, ran, undecided) in digits_by_quantity(suite).items():
        lines.append(f"| {quantity} | {passed} of {ran} | {undecided} | {_digits(digits)} |")
    for title, reports in (("Failures", suite.failed), ("Expected failures", suite.known)):
        if reports:
            lines += ["", f"## {title}"]
        for report in reports:
            lines += ["", f"### {report.case.id}", "", report.case.description, ""]
            if why := suite.expected_reason(report):
                lines += [f"Expected: {_markdown(why)}", ""]
            lines += [f"- {_markdown(line)}" for line in report.explanation()]
    if suite.unexpected_passes or suite.not_run:
        lines += ["", "## Out of step", ""]
        lines += [f"- {x.case.id} passed against expectation" for x in suite.unexpected_passes]
        lines += [f"- {line}" for line in _not_run(suite)]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """Words of a file as text: no markup, and no HTML."""
    return re.sub(r"([\\`*<&\[])", r"\\\1", text)


def _outcome(suite: SuiteReport, report: CaseReport) -> str:
    expected = suite.expected_reason(report) is not None
    if report.passed:
        return "passed against expectation" if expected else "passed"
    return "failed as expected" if expected else "failed"


def as_json(suite: SuiteReport) -> str:
    """For programs."""
    r = suite.results

    def number(value: float) -> float | str:
        return value if math.isfinite(value) else str(value)

    def quantity(q: Any) -> dict[str, Any]:
        entry = {
            "quantity": q.quantity,
            "passed": q.passed,
            "values": q.n_values,
            "wrong": q.n_wrong,
            "undecided": q.n_undecided,
            "digits": None if math.isnan(q.digits) else round(q.digits, 2),
            "problem": q.problem,
        }
        if q.worst is not None:
            entry["worst"] = {
                "path": list(q.worst.path),
                "index": list(q.worst.index),
                "got": number(q.worst.got),
                "expected": number(q.worst.expected),
                "ratio": number(q.worst.ratio),
                "allowed": number(q.worst.allowed),
            }
        return entry

    document = {
        "backend": {"name": r.name, "version": r.version, "dtype": r.dtype, "layout": r.layout},
        "passed": suite.passed,
        "summary": suite.summary,
        "diagnoses": [
            {"mistake": d.mistake.id, "quantities": d.quantities, "cases": d.cases}
            for d in suite.diagnoses
        ],
        "levels": {
            level: {"passed": passed, "declared": declared, "left_out": known - declared}
            for level, (passed, declared, known) in suite.levels.items()
        },
        "tolerance_override": suite.tolerance,
        "left_out": {"quantities": r.quantities, "flags": r.flags, "cases": r.cases},
        "not_run": [case.id for case in suite.not_run],
        "out_of_range": [case.id for case in suite.out_of_range],
        "cases": [
            {
                "id": report.case.id,
                "level": report.case.level,
                "outcome": _outcome(suite, report),
                "tolerance": report.tolerance,
                "quantities": [quantity(q) for q in report.quantities],
                "consistent_with": [
                    {"mistake": d.mistake.id, "quantities": d.quantities, "whole": d.whole}
                    for d in report.diagnoses
                ],
            }
            for report in suite.reports
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(suite: SuiteReport) -> str:
    """For continuous integration: JUnit XML."""
    root = ElementTree.Element(
        "testsuite",
        name=f"gsnr_ref golden values: {suite.results.name}",
        tests=str(suite.n_declared),
        failures=str(len(suite.failed) + len(suite.unexpected_passes)),
        errors=str(len(suite.not_run)),
        skipped=str(len(suite.known)),
    )
    for report in suite.reports:
        element = ElementTree.SubElement(
            root, "testcase", classname="gsnr_ref.golden.v1", name=report.case.id
        )
        outcome = _outcome(suite, report)
        if outcome == "failed as expected":
            reason = suite.expected_reason(report) or ""
            ElementTree.SubElement(element, "skipped", message=reason)
        elif outcome != "passed":
            failure = ElementTree.SubElement(element, "failure", message=outcome)
            failure.text = str(report)
    for case in suite.not_run:
        element = ElementTree.SubElement(
            root, "testcase", classname="gsnr_ref.golden.v1", name=case.id
        )
        ElementTree.SubElement(element, "error", message="declared, but not in the results")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


WRITERS = {".md": as_markdown, ".json": as_json, ".xml": as_junit}


def check_report_path(path: Path, sources: Iterable[Path | None] = ()) -> None:
    """Refuse a report whose format its name does not tell, or that would replace what is read.

    Raises
    ------
    OSError
        If it cannot be told what the path leads to, as in a circle of links.
    InputError
        If the name has another ending, is that of a folder, or leads to one of `sources`.

    Examples
    --------
    >>> check_report_path(Path("report.pdf"))
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: --report report.pdf: expected a name ending in .md, .json or .xml
    """
    if path.suffix not in WRITERS:
        raise InputError(f"--report {path}: expected a name ending in .md, .json or .xml")
    try:
        path.stat()
    except FileNotFoundError:
        return
    if path.is_dir():
        raise InputError(f"--report {path}: is a folder; expected a file, new or to be replaced")
    for source in sources:
        if source is not None and source.exists() and os.path.samefile(path, source):
            raise InputError(f"--report {path}: is {source}, which is read; expected another file")
