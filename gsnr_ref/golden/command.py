"""``gsnr-ref golden list | show | export | check``.

Imports ``contract``, ``files`` and most of ``golden``.
"""

import argparse
import contextlib
import math
import shutil
import sys
from pathlib import Path

from gsnr_ref.contract import InputError
from gsnr_ref.files import check_folder_writable, check_writable, name_beside, write_atomically
from gsnr_ref.golden.case import cases, every_case, flag_reasons, folder, load, n_values
from gsnr_ref.golden.diagnosis import mistakes
from gsnr_ref.golden.reports import WRITERS, as_text, check_report_path
from gsnr_ref.golden.results import read_results
from gsnr_ref.golden.suite import read_expected_failures, run_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and what it runs."""
    parser.description = (
        "Certified values of GSNR, OSGR and all that leads to them, for backends in "
        "any language: export the cases, compute them, and check the results."
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the cases, the flags or the known mistakes")
    what = listing.add_mutually_exclusive_group()
    what.add_argument("--flag", metavar="F", help="only cases with this flag")
    what.add_argument("--flags", action="store_true", help="list the flags and what they mean")
    what.add_argument("--mistakes", action="store_true", help="list the mistakes that are known")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="print a case, as it stands in its JSON file")
    show.add_argument("id", metavar="ID", help="of the case; see: gsnr-ref golden list")
    show.set_defaults(run=_show)
    export = actions.add_parser("export", help="write all JSON files into a new folder")
    export.add_argument("directory", type=Path, metavar="DIR", help="new, or empty")
    export.set_defaults(run=_export)
    check = actions.add_parser(
        "check",
        help="check a results file",
        description="Check a results file (see results.schema.json among the exported files). Exit "
        "code 0 if every declared case passed, 1 if not, 2 for bad usage or a file that is no "
        "results file.",
        epilog="Digits are correct decimal digits, -log10 of the relative error, at most 17, of "
        "the worst value. A value is undecided if the error that its condition allows is more than "
        "a tenth of it: it passes if it is finite, within that error, and not below 0 if it is a "
        "square, which says little, so it is counted apart and has no digits.",
    )
    check.add_argument(
        "results", type=Path, metavar="RESULTS.json", help="what the backend computed"
    )
    check.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="also write FILE: .md, .json or .xml (JUnit)",
    )
    check.add_argument(
        "--xfail", type=Path, metavar="FILE", help="cases that may fail: ID or pattern, # and why"
    )
    check.add_argument(
        "--tolerance", type=_tolerance, metavar="T", help="instead of each case's own; is printed"
    )
    check.set_defaults(run=_check)


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"is {text!r}; expected a relative error, 0 to 1")
    return value


def _list(arguments: argparse.Namespace) -> int:
    if arguments.flags or arguments.mistakes:
        texts = {id: m.title for id, m in mistakes().items()}
        texts = texts if arguments.mistakes else flag_reasons()
        width = max(map(len, texts))
        print("\n".join(f"{name:<{width}}  {text}" for name, text in texts.items()))
        return 0
    chosen = cases(arguments.flag) if arguments.flag else list(every_case().values())
    width = max(len(case.id) for case in chosen)
    for case in chosen:
        print(f"{case.id:<{width}}  {case.level:<9}  {case.description} [{', '.join(case.flags)}]")
    print(f"\n{len(chosen)} cases, {sum(map(n_values, chosen))} certified values")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    case = load(arguments.id)
    print((folder() / "cases" / f"{case.id}.json").read_text(encoding="utf-8"), end="")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    target: Path = arguments.directory
    with contextlib.suppress(FileNotFoundError):
        target.stat()  # a circle of links is an error of its own
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OSError(f"{target} is there and not empty; expected a new folder")
    check_folder_writable("DIR", target)
    place = target.resolve()
    temporary = name_beside(place)
    try:
        (temporary / "cases").mkdir(parents=True)
        for source, copy in ((folder(), temporary), (folder() / "cases", temporary / "cases")):
            for part in source.iterdir():
                if part.name.endswith(".json"):
                    (copy / part.name).write_text(
                        part.read_text(encoding="utf-8"), encoding="utf-8"
                    )
        if place.exists():  # empty, and with a mode of its own
            temporary.chmod(place.stat().st_mode)
        temporary.replace(place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    print(f"{len(every_case())} cases, their schema, flags and mistakes: {target}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    if arguments.report is not None:
        check_report_path(arguments.report, (arguments.results, arguments.xfail))
        check_writable("--report", arguments.report)
    expected = None if arguments.xfail is None else read_expected_failures(arguments.xfail)
    try:
        suite = run_suite(read_results(arguments.results), expected, arguments.tolerance)
    except MemoryError:
        raise InputError(f"{arguments.results}: takes more memory than there is") from None
    print(as_text(suite))
    if arguments.report is not None:
        write_atomically(arguments.report, WRITERS[arguments.report.suffix](suite))
        print(f"report: {arguments.report}", file=sys.stderr)
    return 0 if suite.passed else 1
