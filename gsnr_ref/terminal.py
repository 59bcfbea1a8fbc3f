"""What is printed, on any terminal and into any pipe. Imports nothing of the package."""

import codecs
import errno
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress

GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "ο": "omicron",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "ς": "sigma",
    "τ": "tau",
    "υ": "upsilon",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
}
SIGNS = {
    "·": "*",
    "×": "x",
    "−": "-",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~=",
    "→": "->",
    "←": "<-",
    "↦": "|->",
    "‖": "|",
    "⟨": "<",
    "⟩": ">",
    "′": "'",
    "√": "sqrt",
    "∂": "d",
    "∞": "inf",
    "∑": "Sum",
    "∏": "Product",
    "∖": " without ",
    "∘": " o ",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat",
    "\N{COMBINING MACRON}": "_bar",
    "\N{FRACTION SLASH}": "/",
    "–": "-",
    "—": "-",
    "…": "...",
}
RAISED = {"<super>": "^", "<sub>": "_"}
ERRORS = "gsnr_ref.spelled"


def spelled(text: str, encoding: str = "ascii") -> str:
    """Return a text with what an encoding has no sign for written out.

    Examples
    --------
    >>> print(spelled("R(λ) = ‖g̃‖²/(‖g̃‖² + tr Σ/n), nα ≤ 10⁻⁵"))
    R(lambda) = |g~|^2/(|g~|^2 + tr Sigma/n), n alpha <= 10^-5
    >>> print(spelled("½ ΔL²", "latin-1"))
    ½ Delta L²
    """
    return text.encode(encoding, ERRORS).decode(encoding)


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    names = [_name(error.object, i) for i in range(error.start, error.end)]
    return "".join(names), error.end


codecs.register_error(ERRORS, _spell)


def _name(text: str, i: int) -> str:
    """The name of a sign, apart from the words that it stands between."""
    sign, last, following = text[i], text[:i][-1:], text[i + 1 :][:1]
    if sign.lower() in GREEK:
        name = GREEK[sign.lower()]
        name = name if sign.islower() else name.capitalize()
        return " " * last.isalnum() + name + " " * (following.isascii() and following.isalnum())
    if sign in SIGNS:
        return SIGNS[sign]
    form, _, _ = unicodedata.decomposition(sign).partition(" ")
    plain = unicodedata.normalize("NFKD", sign)
    if form in RAISED:
        goes_on = unicodedata.decomposition(last).startswith(form) if last else False
        mark = "" if goes_on else RAISED[form]
        return mark + spelled(plain)
    if plain != sign:
        return spelled(plain)
    return sign.encode("ascii", "backslashreplace").decode()


@contextmanager
def signs_spelled_out() -> Iterator[None]:
    """Let nothing that is printed inside fail for a sign that the output has no code for."""
    streams = [s for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)]
    before = [stream.errors for stream in streams]
    try:
        for stream in streams:
            stream.reconfigure(errors=ERRORS)
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


def one_line(text: str) -> str:
    r"""Return a text in one line: what a terminal would obey instead of showing it, escaped.

    Examples
    --------
    >>> print(one_line("no file 'a\x1b[2J\n'"))
    no file 'a\x1b[2J\n'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


class ReaderGone(Exception):
    """Nobody reads the standard output any more, as after ``| head``."""


@contextmanager
def output_told() -> Iterator[None]:
    """Write out what is printed inside, while an error can still be told.

    Raises
    ------
    ReaderGone
    OSError
        That says so, if standard output cannot be written, as on a full disk.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        # A file's error bears its name. Unbuffered output fails where it is printed.
        if error.filename is not None or error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO):
            raise
        with suppress(OSError):  # the interpreter's last flush would fail once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from error
        raise OSError(f"standard output: {error.strerror}") from error


def shows_colours() -> bool:
    """Whether standard output is a terminal that may be coloured: see https://no-color.org."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal() and not plain


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()
