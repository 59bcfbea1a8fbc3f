"""The table of outcomes, and the same as JSON."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from fractions import Fraction
from unicodedata import combining

from gsnr_ref.claims.claim import Claim, Settings


def table(claims: Iterable[Claim]) -> str:
    """Format claims as an aligned text table.

    Examples
    --------
    >>> print(table([Claim("1 + 1 = 2", "-", 2.0, 2.0, 0.0, "exact")]))
    claim      eq.  case  n  learning rate  left  right  difference  allowed  why    verdict
    ---------  ---  ----  -  -------------  ----  -----  ----------  -------  -----  -------
    1 + 1 = 2  -          -  -              2     2      0           0        exact  holds
    """
    rows = [list(COLUMNS), *([cell(claim) for cell in COLUMNS.values()] for claim in claims)]
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
