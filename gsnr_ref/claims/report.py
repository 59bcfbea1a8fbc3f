"""The table of outcomes, whole or fitted to a terminal, and the same as JSON."""

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from fractions import Fraction
from itertools import zip_longest
from unicodedata import combining

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.terminal import spelled


def table(claims: Iterable[Claim], encoding: str = "utf-8") -> str:
    """Format claims as an aligned text table; what the encoding has no sign for is written out.

    Examples
    --------
    >>> print(table([Claim("1 + 1 = 2", "-", 2.0, 2.0, 0.0, "exact")]))
    claim      eq.  case  n  learning rate  left  right  difference  allowed  why    verdict
    ---------  ---  ----  -  -------------  ----  -----  ----------  -------  -----  -------
    1 + 1 = 2  -          -  -              2     2      0           0        exact  holds
    """
    cells = [[spelled(c(claim), encoding) for c in COLUMNS.values()] for claim in claims]
    rows = [list(COLUMNS), *cells]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    """Columns that a text takes on a terminal: the tilde of g̃ takes none."""
    return sum(not combining(character) for character in text)


def _cell(value: float | Fraction | str | None, digits: int = 6) -> str:
    if value is None:
        return "-"
    if isinstance(value, Fraction):
        text = str(value)
        return text if len(text) <= 20 else f"{float(value):.{digits}g} (fraction)"
    return value if isinstance(value, str) else f"{value:.{digits}g}"


COLUMNS: dict[str, Callable[[Claim], str]] = {
    "claim": lambda claim: claim.name,
    "eq.": lambda claim: claim.equation,
    "case": lambda claim: claim.case,
    "n": lambda claim: _cell(claim.n),
    "learning rate": lambda claim: _cell(claim.learning_rate),
    "left": lambda claim: _cell(claim.left),
    "right": lambda claim: _cell(claim.right),
    "difference": lambda claim: _cell(claim.difference, digits=2),
    "allowed": lambda claim: _cell(claim.error_bound, digits=2),
    "why": lambda claim: claim.explanation,
    "verdict": lambda claim: claim.verdict,
}


#: Columns for a terminal, beside the claim and in the order in which they are given up: what they
#: are, what they are called, and how wide they are.
NARROW: dict[str, tuple[str, int]] = {
    "verdict": ("verdict", 8),
    "left": ("left", 9),
    "right": ("right", 9),
    "difference": ("differ by", 7),
    "allowed": ("allowed", 7),
    "n": ("n", 5),
    "case": ("case", 15),
    "eq.": ("eq.", 6),
    "learning rate": ("learning rate", 8),
    "why": ("why", 40),
}
GAP, LEAST_CLAIM, MOST_CLAIM = 2, 22, 90
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[1;31m", "\x1b[0m"


def fitted_table(
    claims: Iterable[Claim], width: int, encoding: str = "utf-8", coloured: bool = False
) -> Iterator[str]:
    """Yield the table as lines of at most `width` columns, each claim's as soon as it is there.

    Texts are wrapped, numbers shortened. What finds no column stands below the claim, but for
    "why", which is left out. Below 20 columns lines are of 20.

    Examples
    --------
    >>> claims = [Claim("1 + 1 = 2", "-", 2.0, 2.0, 0.0, "exact", "digits/mlp")]
    >>> print("\\n".join(fitted_table(claims, width=40)))
    claim                           verdict
    ------------------------------  --------
    1 + 1 = 2                       holds
      digits/mlp, left 2, right 2,
      differ by 0, allowed 0
    """
    room = max(width, 20) - LEAST_CLAIM
    kept: list[str] = []
    for column, (_, wide) in NARROW.items():
        room -= GAP + wide
        if room < 0 and kept:
            room += GAP + wide
            break
        kept.append(column)
    columns = [column for column in COLUMNS if column in kept]
    widths = [min(LEAST_CLAIM + room, MOST_CLAIM), *(NARROW[column][1] for column in columns)]
    heads = ["claim", *(NARROW[column][0] for column in columns)]
    yield from _beside([[head] for head in heads], widths)
    yield (" " * GAP).join("-" * wide for wide in widths)
    for claim in claims:
        texts = {column: spelled(_short(column, claim), encoding) for column in COLUMNS}
        below = ", ".join(
            text if column == "case" else f"{NARROW[column][0]} {text}"
            for column, text in texts.items()
            if column in NARROW and column not in (*columns, "why") and text not in ("", "-")
        )
        colour = (GREEN if claim.as_expected else RED) if coloured else ""
        first = [texts["claim"], *([f"  {below}"] if below else [])]
        yield from _beside([first, *([texts[column]] for column in columns)], widths, colour)


def _beside(cells: list[list[str]], widths: list[int], colour: str = "") -> Iterator[str]:
    """Wrap the paragraphs of each cell, and put the cells beside each other; colour the last."""
    wrapped = [
        [
            line
            for paragraph in cell
            for line in textwrap.wrap(paragraph, wide, subsequent_indent="  " * (i == 0)) or [""]
        ]
        for i, (cell, wide) in enumerate(zip(cells, widths, strict=True))
    ]
    for parts in zip_longest(*wrapped, fillvalue=""):
        padded = [p + " " * (wide - _width(p)) for p, wide in zip(parts, widths, strict=True)]
        if colour and parts[-1]:
            padded[-1] = f"{colour}{parts[-1]}{PLAIN}"
        yield (" " * GAP).join(padded).rstrip()


def _short(column: str, claim: Claim) -> str:
    """A cell of `COLUMNS` in the width of `NARROW`, if it is a number."""
    value = {"left": claim.left, "right": claim.right, "learning rate": claim.learning_rate}.get(
        column
    )
    text = COLUMNS[column](claim)
    if value is None or isinstance(value, str) or len(text) <= NARROW[column][1]:
        return text
    return f"{float(value):.{3 if value < 0 else 4}g}"


def as_json(claims: Iterable[Claim], settings: Settings) -> str:
    """Return claims and settings as JSON; fractions as strings.

    Examples
    --------
    >>> json.loads(as_json([], Settings()))["settings"]["seed"]
    0
    """
    rows = [
        asdict(c) | {"difference": c.difference, "holds": c.holds, "verdict": c.verdict}
        for c in claims
    ]
    return json.dumps({"settings": asdict(settings), "claims": rows}, default=str, indent=1)
