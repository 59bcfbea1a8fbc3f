"""Equations named in pages and docstrings link to where they are derived.

In a page ``{equation}`22``` is "equation 22" (in a Chinese one "式 22"); in a docstring
"equation 22" and "(4.5)" are found.
``{eq}`eq-22``` shows the tag of the formula that it labels.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from equations import FUNCTIONS, homes
from formulas import TABLE, numbers
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

_NAMED = re.compile(r"\b([Ee]quation|[Ss]tatement) (\d+(?:\.\d+)?)|\(([34]\.\d+)\)")
_homes = cache(homes)


def target(number: str, docs: Path, language: str = "en") -> str:
    """Where an equation is derived, from the root of the site; its line in the table otherwise."""
    page = _homes(docs, language).get(number) or _homes(docs).get(number, TABLE)
    return f"{page}.html#equation-{number}"


class EquationRole(SphinxRole):
    """``{equation}`22```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if self.text not in FUNCTIONS:
            message = self.inliner.reporter.error(f"there is no equation {self.text}")
            return [], [message]
        up = "../" * self.env.docname.count("/")
        language = "zh" if self.env.docname.startswith("zh/") else "en"
        uri = up + target(self.text, Path(self.env.srcdir), language)
        shown = f"式 {self.text}" if language == "zh" else f"equation {self.text}"
        return [nodes.reference("", shown, refuri=uri)], []


def link_docstring(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Names of equations become links; every page of a public name lies two folders deep."""

    def linked(match: re.Match[str]) -> str:
        word, number, bracketed = match.groups()
        if (number or bracketed) not in FUNCTIONS:
            return match[0]
        uri = "../../" + target(number or bracketed, Path(app.srcdir))
        return f"`{word} {number} <{uri}>`__" if word else f"(`{bracketed} <{uri}>`__)"

    in_example = False
    for k, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example and "::" not in line:
            lines[k] = _NAMED.sub(linked, line)


def number_labels(app: Sphinx, document: nodes.document) -> None:
    """A label of a tagged formula is shown as its tag."""
    labels = app.env.get_domain("math").data["objects"]
    for node in document.findall(nodes.math_block):
        tagged = numbers(node.astext())
        if tagged and node.get("label") in labels:
            labels[node["label"]] = (app.env.docname, ", ".join(tagged))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("equation", EquationRole())
    app.connect("autodoc-process-docstring", link_docstring, priority=900)
    app.connect("doctree-read", number_labels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
