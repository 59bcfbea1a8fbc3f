"""How a notebook shows a result: a small HTML table. Imports nothing of the package."""

from dataclasses import fields
from html import escape
from typing import Any, ClassVar

import numpy as np


class ShownAsTable:
    """Base of result dataclasses: one row for each field that their repr shows.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Pair(ShownAsTable):
    ...     one: float
    >>> Pair(0.5)._repr_html_()
    '<table><caption>Pair</caption><tr><th>one</th><td>0.5</td></tr></table>'
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(f.name)}</th><td>{escape(_short(getattr(self, f.name)))}</td></tr>"
            for f in fields(self)
            if f.repr
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{''.join(rows)}</table>"


def _short(value: Any) -> str:
    """A few words for a value, however large it is."""
    if isinstance(value, np.ndarray):
        spelled: Any = {"object": str, "float": "{:.6g}".format}
        return np.array2string(value, threshold=8, edgeitems=2, formatter=spelled)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_short(v)}" for key, v in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
