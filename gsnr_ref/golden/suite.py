"""All cases of a results file, and the verdict.

Imports ``contract`` and, of ``golden``, ``case``, ``conformance``, ``diagnosis``, ``reading`` and
``results``.
"""

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from gsnr_ref.contract import InputError
from gsnr_ref.golden.case import GoldenCase, every_case
from gsnr_ref.golden.conformance import CaseReport, compare
from gsnr_ref.golden.diagnosis import Compared, SuiteDiagnosis, diagnose_suite
from gsnr_ref.golden.reading import printable, read_bounded, refuse
from gsnr_ref.golden.results import Results, wanted_cases

#: What a backend needs for a case, in the order of ease; `schema.json` explains each.
LEVELS = ("core", "tails", "deep", "sequence", "attention", "large")
#: A list of every case, each with its reason, takes about 10 KB.
MAX_LIST_BYTES = 2**16


@dataclass(frozen=True, eq=False)
class SuiteReport:
    """What became of a backend.

    Attributes
    ----------
    results : Results
    reports : tuple of CaseReport
        Of the cases that ran.
    not_run : tuple of GoldenCase
        Declared, and not there.
    out_of_range : tuple of GoldenCase
        Whose numbers leave the range of the backend's dtype: not asked for.
    expected_failures : dict of str to str
        Case id, or pattern, and reason, of failures that are known.
    tolerance : float or None
        Where it overrides those of the cases.
    diagnoses : tuple of SuiteDiagnosis
        Known mistakes that account for nearly all failures that were not expected.
    """

    results: Results
    reports: tuple[CaseReport, ...]
    not_run: tuple[GoldenCase, ...]
    out_of_range: tuple[GoldenCase, ...]
    expected_failures: dict[str, str]
    tolerance: float | None
    diagnoses: tuple[SuiteDiagnosis, ...]

    def expected_reason(self, report: CaseReport) -> str | None:
        """Why a case is expected to fail, if it is."""
        patterns = self.expected_failures.items()
        return next((why for what, why in patterns if fnmatch(report.case.id, what)), None)

    @property
    def failed(self) -> list[CaseReport]:
        """Cases that failed and were not expected to."""
        return [r for r in self.reports if not r.passed and self.expected_reason(r) is None]

    @property
    def known(self) -> list[CaseReport]:
        """Cases that failed as expected."""
        return [r for r in self.reports if not r.passed and self.expected_reason(r) is not None]

    @property
    def unexpected_passes(self) -> list[CaseReport]:
        """Cases that were expected to fail, and passed: the list is out of date."""
        return [r for r in self.reports if r.passed and self.expected_reason(r) is not None]

    @property
    def n_passed(self) -> int:
        """Number of cases that passed."""
        return sum(r.passed for r in self.reports)

    @property
    def n_declared(self) -> int:
        """Number of cases that the backend says it runs."""
        return len(self.reports) + len(self.not_run)

    @property
    def passed(self) -> bool:
        """Whether every declared case ran, and none failed or passed against expectation."""
        return not (self.failed or self.not_run or self.unexpected_passes) and bool(self.reports)

    @property
    def levels(self) -> dict[str, tuple[int, int, int]]:
        """Cases passed, declared and known, by level in the order of ease."""
        ran = Counter(r.case.level for r in self.reports)
        declared = ran + Counter(case.level for case in self.not_run)
        passed = Counter(r.case.level for r in self.reports if r.passed)
        refused = {c.id for c in every_case().values() if c.refused}  # nothing is to be there
        refused -= {r.case.id for r in self.reports}
        known = Counter(c.level for c in every_case().values() if c.id not in refused)
        return {k: (passed[k], declared[k], known[k]) for k in LEVELS if known[k]}

    @property
    def by_level(self) -> str:
        """What passed at each level: "core 61 of 61, tails 8 of 10, deep left out"."""
        parts = []
        for level, (passed, declared, known) in self.levels.items():
            left_out = f" ({known - declared} left out)" if declared < known else ""
            parts.append(
                f"{level} {passed} of {declared}{left_out}" if declared else f"{level} left out"
            )
        return ", ".join(parts)

    @property
    def compared(self) -> str:
        """What the verdict is about: quantities, values, and what was not decided or left out."""
        quantities = [q for r in self.reports for q in r.quantities]
        n_undecided = sum(q.n_undecided for q in quantities)
        names = {q.quantity for q in quantities}
        left_out = [q for q in self.results.quantities if q not in names]
        text = f"{sum(q.n_values for q in quantities)} values of {len(names)} quantities"
        text += f", {n_undecided} of them undecided" if n_undecided else ", none undecided"
        text += f"; left out: {', '.join(left_out)}" if left_out else ""
        n_more = sum(len(r.passed_over) for r in self.reports)
        return text + (f"; {n_more} given where their case does not state them" if n_more else "")

    @property
    def summary(self) -> str:
        """One line."""
        refused = sum(bool(case.refused) for case in every_case().values())
        refused -= sum(bool(report.case.refused) for report in self.reports)
        left_out = len(every_case()) - refused - self.n_declared - len(self.out_of_range)
        parts = [
            f"{self.n_passed} of {self.n_declared} declared cases passed",
            f"{len(self.failed)} failed",
            f"{len(self.known)} failed as expected",
            f"{len(self.unexpected_passes)} passed against expectation",
            f"{len(self.not_run)} did not run",
            f"{left_out} left out",
            f"{len(self.out_of_range)} out of the range of {self.results.dtype}",
        ]
        cases = ", ".join(p for p in parts if not p.startswith("0 ") or p is parts[0])
        return f"{cases}; {self.compared}"


def run_suite(
    results: Results,
    expected_failures: dict[str, str] | None = None,
    tolerance: float | None = None,
) -> SuiteReport:
    """Compare every declared case.

    Raises
    ------
    InputError
        If no case is left to run, a case is both left out and there, or a value cannot be compared.
    """
    wanted, out_of_range = wanted_cases(results)
    if not wanted:
        raise InputError("leaves_out leaves nothing to run; expected at least one case")
    ids = {case.id for case in wanted}
    if both := sorted(set(results.values) - ids - {c.id for c in out_of_range}):
        why = results.why_left_out(every_case()[both[0]]) or "its quantities"
        raise InputError(
            f"results has {both[:5]}, which leaves_out leaves out ({both[0]} by {why}); expected "
            "one of both"
        )
    for pattern in expected_failures or {}:
        if not any(fnmatch(id, pattern) for id in ids):
            raise InputError(
                f"the list of expected failures has {pattern[:60]!r}; no declared case is so"
            )
    reports = [
        compare(
            case,
            results.values[case.id],
            layout=results.layout,
            leave_out=results.quantities,
            dtype=results.dtype,
            tolerance=tolerance,
        )
        for case in wanted
        if case.id in results.values
    ]
    not_run = [case for case in wanted if case.id not in results.values]
    expected = expected_failures or {}
    unexpected = [
        Compared(r.case, tuple(q for q in r.quantities if q.got))
        for r in reports
        if r.passed or not any(fnmatch(r.case.id, pattern) for pattern in expected)
    ]
    parts = tuple(reports), tuple(not_run), tuple(out_of_range)
    return SuiteReport(results, *parts, expected, tolerance, diagnose_suite(unexpected))


def read_expected_failures(path: Path) -> dict[str, str]:
    """Read a list of expected failures: a case id, or a pattern such as mlp*, then # and why.

    Raises
    ------
    OSError
        If it cannot be read.
    InputError
        If it is no regular file, too large, no text, or a line has no reason or comes twice.
    """
    raw = read_bounded(path, MAX_LIST_BYTES, "a list of expected failures: about 10 KB")
    return parse_expected_failures(path, raw)


def parse_expected_failures(name: Path | str, raw: bytes) -> dict[str, str]:
    """Read the content of such a list; `name` is for errors, which are `InputError`."""
    try:
        lines = raw.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: {error}") from None
    expected: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        what, _, why = (part.strip() for part in line.partition("#"))
        if what and not why:
            refuse(name, f"line {number}: {what[:60]!r} has no reason; expected ID # why")
        if what in expected:
            refuse(name, f"line {number}: {what[:60]!r} stands there twice")
        if what:
            expected[what] = printable(why)
    return expected
