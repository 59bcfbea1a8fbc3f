"""The command ``gsnr-ref``: its parser, and every error in one line.

Imports ``interrupts``, ``terminal``, and ``claims/command``, ``experiments/command`` or
``golden/command``: only the one that is asked for, since help does not wait for the others.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from gsnr_ref import __version__
from gsnr_ref.interrupts import INTERRUPTED, MESSAGE, never_lost
from gsnr_ref.terminal import ReaderGone, one_line, output_told, signs_spelled_out

USAGE = 2
READER_GONE = 141  # as a shell reports a program that a closed pipe has ended
COMMANDS = {
    "verify": "check every claim from per-sample gradients to the identity",
    "golden": "is my GSNR right? certified values, and the check of a backend against them",
    "reproduce": "reproduce the paper's figures, and go where it did not",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong, and what to do, in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, one_line(f"{self.prog}: error: {message} (see {self.prog} --help)") + "\n")


def _parser(words: Sequence[str]) -> _Parser:
    """The parser of these words of a command line: it knows all commands, and one in full."""
    parser = _Parser(
        prog="gsnr-ref",
        description="Gradient signal-to-noise ratio and one-step generalization ratio: "
        "see the theory hold, or fail, on data.",
    )
    version = f"gsnr-ref {__version__}"
    parser.add_argument("--version", action="version", version=version, help="print it and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose)
        if name == asked:
            _add_arguments(name, command)
    return parser


def _add_arguments(name: str, command: argparse.ArgumentParser) -> None:
    if name == "verify":
        from gsnr_ref.claims.command import add_arguments
    elif name == "golden":
        from gsnr_ref.golden.command import add_arguments
    else:
        from gsnr_ref.experiments.command import add_arguments
    add_arguments(command)


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
    words = sys.argv[1:] if argv is None else argv
    with signs_spelled_out():
        try:
            with never_lost(), output_told():
                arguments = _parser(words).parse_args(words)
                return int(arguments.run(arguments))
        except KeyboardInterrupt:
            _tell(MESSAGE)
            return INTERRUPTED
        except ReaderGone:
            return READER_GONE
        except MemoryError as error:
            _tell(f"gsnr-ref: error: not enough memory{f': {error}' if str(error) else ''}")
            return USAGE
        except (OSError, ValueError, ArithmeticError, ImportError, RecursionError) as error:
            _tell(f"gsnr-ref: error: {error}")
            return USAGE


def _tell(message: str) -> None:
    with suppress(OSError):  # where nobody reads that either
        print(one_line(message), file=sys.stderr, flush=True)
