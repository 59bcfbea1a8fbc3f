"""The command ``gsnr-ref``."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.claims.verify import (
    CASE_CHECKS,
    CONTROLS,
    SMALL_CHECKS,
    as_json,
    plan,
    plan_equations,
    table,
)
from gsnr_ref.experiments.command import add_parser as add_reproduce
from gsnr_ref.experiments.harness import GridError
from gsnr_ref.files import check_writable, write_atomically
from gsnr_ref.golden.command import add_parser as add_golden

USAGE, INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong, and what to do, in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _number(kind: Callable[[str], Any], minimum: float, wanted: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not minimum <= value < math.inf:
            raise argparse.ArgumentTypeError(f"is {text!r}; expected {wanted}")
        return value

    return parse


def _jobs(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1 and value != -1:
        raise argparse.ArgumentTypeError(f"is {text!r}; expected 1 or more, or -1 for all cores")
    return value


def _parser() -> _Parser:
    parser = _Parser(
        prog="gsnr-ref",
        description="Gradient signal-to-noise ratio and one-step generalization ratio: "
        "see the theory hold, or fail, on data.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    verify = commands.add_parser(
        "verify",
        help="check every claim from per-sample gradients to the identity",
        description="Check the claims of the theory on data and print one table. Without options: "
        "handwritten digits as a finite population, small synthetic populations, and two controls "
        "that must break the identity. Exit code 0 if every claim holds and every control breaks, "
        "1 if one does not, 2 for bad usage or data.",
    )
    verify.add_argument("--data", choices=("digits", "mnist", "product", "gaussian"))
    verify.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    verify.add_argument("--model", choices=("mlp", "softmax", "linear"))
    size = _number(int, 1, "a whole number, 1 or more")
    verify.add_argument(
        "--n", type=size, nargs="+", metavar="N", help="training-set sizes (default: 10 100 1000)"
    )
    rate = _number(float, 5e-324, "a positive number")
    verify.add_argument(
        "--learning-rate", type=rate, default=1e-4, metavar="RATE", help="default: 1e-4"
    )
    trials = _number(int, 4, "a whole number, 4 or more")
    verify.add_argument(
        "--trials",
        type=trials,
        metavar="T",
        help="steps per measurement (500; mnist, quick: 100)",
    )
    seed = _number(int, 0, "a whole number, 0 or more")
    verify.add_argument("--seed", type=seed, default=0, metavar="S", help="default: 0")
    verify.add_argument("--jobs", type=_jobs, default=1, metavar="J", help="processes (default: 1)")
    verify.add_argument("--quick", action="store_true", help="fewer sizes and steps, in seconds")
    verify.add_argument("--json", type=Path, metavar="FILE", help="also write the outcome to FILE")
    verify.add_argument(
        "--equation",
        choices=tuple(EQUATIONS),
        nargs="+",
        metavar="E",
        help="only these equations, on small cases, in fractions where possible (see --list)",
    )
    verify.add_argument("--all", action="store_true", help="everything, and every equation")
    verify.add_argument("--list", action="store_true", help="list the claims and stop")
    verify.set_defaults(run=_verify)
    add_golden(commands)
    add_reproduce(commands, _jobs, seed)
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    few = arguments.quick or arguments.data == "mnist"
    return Settings(
        ns=tuple(arguments.n or ((10, 100) if arguments.quick else (10, 100, 1000))),
        learning_rate=arguments.learning_rate,
        n_trials=arguments.trials or (100 if few else 500),
        seed=arguments.seed,
        n_jobs=arguments.jobs,
    )


def _list_claims() -> None:
    print("On data, and on small populations:")
    small = tuple(dict.fromkeys(c for checks in SMALL_CHECKS.values() for c in checks))
    for check in (*CASE_CHECKS, *small, *CONTROLS):
        print(f"  {check.__doc__}")
    print("By equation (--equation E):")
    for equation, checks in EQUATIONS.items():
        for claim, _ in checks:
            print(f"  {equation:<5} {claim.__doc__}")


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.list:
        _list_claims()
        return 0
    if arguments.json is not None:
        check_writable("--json", arguments.json)
    if arguments.data_dir is not None and arguments.data != "mnist":
        raise ValueError("--data-dir is given without --data mnist, which alone reads files")
    if arguments.equation and (arguments.all or arguments.data or arguments.model):
        raise ValueError("--equation is given with --all, --data or --model; expected it alone")
    if arguments.all and (arguments.data or arguments.model):
        raise ValueError("--all is given with --data or --model; expected one of them")
    settings = _settings(arguments)
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError('verify needs tqdm: pip install "gsnr-ref[experiments]"') from error
    if arguments.equation:
        tasks = plan_equations(arguments.equation, settings)
    else:
        tasks = plan(arguments.data, arguments.model, settings, arguments.data_dir)
    if arguments.all:
        tasks += plan_equations(EQUATIONS, settings)
    claims: list[Claim] = []
    for task in tqdm(tasks, desc="verify", unit="check", leave=False, disable=None):
        claims += task.run()
    print(table(claims))
    failed = [claim for claim in claims if not claim.as_expected]
    controls = sum(claim.control for claim in claims)
    print(
        f"\n{len(claims) - controls} claims and {controls} controls: "
        + (f"{len(failed)} NOT as the theory says" if failed else "all as the theory says")
    )
    if arguments.json is not None:
        write_atomically(arguments.json, as_json(claims, settings))
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    Examples
    --------
    >>> main(["verify", "--list"])
    On data, and on small populations:
      Tapped gradients equal the loop's
    ...
    0
    """
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("gsnr-ref: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (OSError, ValueError, ArithmeticError, ImportError, GridError) as error:
        print(f"gsnr-ref: error: {error}", file=sys.stderr)
        return USAGE
