"""A page for each module of both packages, with an anchor a line: `code/gsnr_ref/osgr/predicted`.

The number of an equation in a comment links to the equation's line in the table.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from equations import ROOT, cited
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx

_FORMATTER = HtmlFormatter(lineanchors="line", linenos="inline", anchorlinenos=True)


def page_of(file: str) -> str:
    """The page of a file, without its ending."""
    return "code/" + file.removesuffix(".py")


def modules() -> list[Path]:
    return [
        path for package in ("gsnr_ref", "toy_models") for path in (ROOT / package).rglob("*.py")
    ]


def highlighted(source: str, table: str) -> str:
    """A source as HTML, with links from its equations to their lines in the table."""
    shown = highlight(source, PythonLexer(), _FORMATTER).split("\n")
    for line, named in cited(source).items():
        at = next(k for k, text in enumerate(shown) if f'id="line-{line}"' in text)
        before, start, comment = shown[at].rpartition('<span class="c1">')
        for number in named:
            link = f'<a href="{table}#equation-{number}">{number}</a>'
            apart = rf"(?<![\d.>-]){re.escape(number)}(?!\d|\.\d)"
            comment = re.sub(apart, link, comment, count=1)
        shown[at] = before + start + comment
    return "\n".join(shown)


def collect(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    for path in sorted(modules()):
        file = path.relative_to(ROOT).as_posix()
        table = "../" * file.count("/") + "../equations.html"
        body = highlighted(path.read_text(encoding="utf-8"), table)
        yield page_of(file), {"title": file, "body": f"<h1>{file}</h1>{body}"}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
