"""Formulas become MathML when the site is built: to read them takes no script, no font, no network.

What cannot be translated is a warning, so a build with -W has no raw TeX. A displayed formula
with ``\\tag{22}`` is a place of equation 22: it bears the anchor ``equation-22``, and its number
links to the line of the table of equations that says which code computes it.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging

TAG = re.compile(r"\\tag\{([^}]*)\}")
#: The page, without its ending, on which each equation has a line `equation-NUMBER`.
TABLE = "equations"

_log = logging.getLogger(__name__)
#: A prime is raised by the font; as an exponent it would be raised twice.
_PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mo>(′+)</mo></msup>")
_converter = LatexToMathML()


def numbers(formula: str) -> list[str]:
    """The equations that a formula is tagged with.

    Examples
    --------
    >>> numbers(r"a \\tag{19, 22~}"), numbers(r"b \\tag{10–14}"), numbers("c")
    (['19', '22'], ['10', '11', '12', '13', '14'], [])
    """
    found = []
    for part in ",".join(TAG.findall(formula)).replace("~", "").split(","):
        first, _, last = part.strip().partition("–")
        found += [str(k) for k in range(int(first), int(last) + 1)] if last else [first]
    return [number for number in found if number]


def mathml(formula: str, display: bool) -> str:
    """A formula as MathML, without its tag.

    Examples
    --------
    >>> mathml(r"R \\tag{5}", display=False)
    '<math><mi>R</mi></math>'
    """
    plain = TAG.sub("", formula).strip()
    made = _converter.convert_with_local_state(plain, displaystyle=display)
    return _PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>', made)


def _converted(visitor: Any, node: Any, display: bool) -> str:
    try:
        return mathml(node.astext(), display)
    except LatexError as error:
        _log.warning("no MathML for %r: %s", node.astext(), error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def visit_inline(visitor: Any, node: nodes.math) -> None:
    visitor.body.append(_converted(visitor, node, display=False))
    raise nodes.SkipNode


def visit_display(visitor: Any, node: nodes.math_block) -> None:
    tagged = numbers(node.astext())
    anchors = "".join(f'<span id="equation-{number}"></span>' for number in tagged)
    label = f'<span id="{node["ids"][0]}"></span>' if node["ids"] else ""
    to = visitor.builder.get_relative_uri(visitor.builder.current_docname, TABLE)
    links = ", ".join(f'<a href="{to}#equation-{number}">{number}</a>' for number in tagged)
    shown = f'<span class="equation-number">({links})</span>' if tagged else ""
    formula = f'<div class="formula-body">{_converted(visitor, node, display=True)}</div>'
    visitor.body.append(f'<div class="formula">{anchors}{label}{formula}{shown}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.config["html_math_renderer"] = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
