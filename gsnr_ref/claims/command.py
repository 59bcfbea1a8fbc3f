"""``gsnr-ref verify``: what it takes, and what it prints."""

import argparse
import shutil
import sys
import textwrap
from itertools import tee
from pathlib import Path

from gsnr_ref.claims.claim import Settings, title
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.claims.report import as_json, fitted_table, table
from gsnr_ref.claims.tasks import (
    CASE_CHECKS,
    CONTROLS,
    REPAIRS,
    SMALL_CHECKS,
    plan,
    plan_equations,
    run,
)
from gsnr_ref.files import check_writable, write_atomically
from gsnr_ref.options import jobs, number, seed
from gsnr_ref.terminal import is_terminal, shows_colours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and what it runs."""
    parser.description = (
        "Check the claims of the theory on data and print one table. Without options: "
        "handwritten digits as a finite population, small synthetic populations, two controls "
        "that must break the identity, and what repairs the first. Exit code 0 if every claim "
        "holds and every control breaks, 1 if one does not, 2 for bad usage or data."
    )
    parser.add_argument(
        "--data",
        choices=("digits", "mnist", "product", "gaussian"),
        help="one kind (default: all but MNIST, and the controls)",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    parser.add_argument(
        "--model",
        choices=("mlp", "softmax", "linear"),
        help="one model (default: with --data, each that fits it)",
    )
    size = number(int, 1, "a whole number, 1 or more")
    parser.add_argument(
        "--n", type=size, nargs="+", metavar="N", help="training-set sizes (default: 10 100 1000)"
    )
    rate = number(float, 5e-324, "a positive number")
    parser.add_argument(
        "--learning-rate", type=rate, default=1e-4, metavar="RATE", help="default: 1e-4"
    )
    trials = number(int, 4, "a whole number, 4 or more")
    parser.add_argument(
        "--trials",
        type=trials,
        metavar="T",
        help="steps per measurement (500; mnist, quick: 100)",
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="default: 0")
    parser.add_argument("--jobs", type=jobs, default=1, metavar="J", help="processes (default: 1)")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and steps, in seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcome to FILE")
    parser.add_argument(
        "--equation",
        choices=tuple(EQUATIONS),
        nargs="+",
        metavar="E",
        help="only these equations, on small cases, in fractions where possible (see --list)",
    )
    parser.add_argument("--all", action="store_true", help="everything, and every equation")
    parser.add_argument("--list", action="store_true", help="list the claims and stop")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.list:
        _list_claims()
        return 0
    _check(arguments)
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError('verify needs tqdm: pip install "gsnr-ref[experiments]"') from error
    settings = _settings(arguments)
    if arguments.equation:
        tasks = plan_equations(arguments.equation, settings)
    else:
        tasks = plan(arguments.data, arguments.model, settings, arguments.data_dir)
    if arguments.all:
        tasks += plan_equations(EQUATIONS, settings)
    width = max(shutil.get_terminal_size().columns, 20)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with tqdm(tasks, desc="verify", unit="check", leave=False, disable=None) as bar:
        streamed, kept = tee(run(bar))
        if is_terminal():
            for line in fitted_table(streamed, width, encoding, shows_colours()):
                bar.write(line)
        claims = list(kept)
    try:
        if not is_terminal():
            print(table(claims, encoding))
        n_failed = sum(not claim.as_expected for claim in claims)
        n_controls = sum(claim.control for claim in claims)
        summary = f"{len(claims) - n_controls} claims and {n_controls} controls: " + (
            f"{n_failed} NOT as the theory says" if n_failed else "all as the theory says"
        )
        print("\n" + (textwrap.fill(summary, width) if is_terminal() else summary))
    finally:  # a reader of the table that has gone away does not cost the file
        if arguments.json is not None:
            write_atomically(arguments.json, as_json(claims, settings))
    return 1 if n_failed else 0


def _list_claims() -> None:
    print("On data, and on small populations:")
    small = tuple(dict.fromkeys(c for checks in SMALL_CHECKS.values() for c in checks))
    for check in (*CASE_CHECKS, *small, *CONTROLS, *REPAIRS):
        print(f"  {title(check)}")
    print("By equation (--equation E):")
    for equation, checks in EQUATIONS.items():
        for check, _ in checks:
            print(f"  {equation:<5} {title(check)}")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before any work, options that do not go together."""
    if arguments.json is not None:
        check_writable("--json", arguments.json)
    if arguments.data_dir is not None and arguments.data != "mnist":
        raise ValueError("--data-dir is given without --data mnist, which alone reads files")
    if arguments.equation and (arguments.all or arguments.data or arguments.model):
        raise ValueError("--equation is given with --all, --data or --model; expected it alone")
    if arguments.all and (arguments.data or arguments.model):
        raise ValueError("--all is given with --data or --model; expected one of them")


def _settings(arguments: argparse.Namespace) -> Settings:
    few = arguments.quick or arguments.data == "mnist"
    return Settings(
        ns=tuple(arguments.n or ((10, 100) if arguments.quick else (10, 100, 1000))),
        learning_rate=arguments.learning_rate,
        n_trials=arguments.trials or (100 if few else 500),
        seed=arguments.seed,
        n_jobs=arguments.jobs,
    )
