"""Writes the reference before it is read: a page a public name, a page for the command line and the
table of equations. Groups are those of the comments in each ``__all__``.
"""

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from code_pages import page_of
from equations import (
    ESTIMATES,
    FUNCTIONS,
    claims,
    homes,
    in_order,
    lines_of_code,
    place,
)
from sphinx.application import Sphinx

import gsnr_ref
import gsnr_ref.golden
import toy_models
from gsnr_ref import cli

FACES = (gsnr_ref, gsnr_ref.closed_form, gsnr_ref.related, gsnr_ref.golden, toy_models)
ACTIONS = {"verify": (), "golden": ("list", "show", "export", "check"), "reproduce": ()}


def groups(face: ModuleType) -> dict[str, list[str]]:
    """The names of ``__all__`` without namespaces, under the comments that group them."""
    found: dict[str, list[str]] = {"": []}
    source = inspect.getsource(face).partition("__all__ = [")[2].partition("\n]")[0]
    group = ""
    for line in source.splitlines()[1:]:
        text = line.strip()
        if text.startswith("#"):
            group = text.removeprefix("# ")
        else:
            name = text.strip('",')
            if not inspect.ismodule(getattr(face, name)):
                found.setdefault(group, []).append(name)
    return {group: names for group, names in found.items() if names}


def short(face: ModuleType) -> str:
    """The name of a face's page: without the package."""
    return face.__name__.removeprefix("gsnr_ref.")


def directive(thing: object) -> str:
    if inspect.isclass(thing):
        return "autoexception" if issubclass(thing, Exception) else "autoclass"
    return "autofunction" if inspect.isfunction(thing) else "autodata"


def summary(thing: object) -> str:
    """The first sentence of a docstring, as Markdown."""
    text = inspect.getdoc(thing) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=[.:]) ", paragraph)[0].replace("``", "`")
    return re.sub(r"([*_<|\[])(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\\1", sentence)


def link(page: str, text: str, depth: int) -> str:
    """A link to a page that is no document, such as a line of code."""
    return f'<a href="{"../" * depth}{page}">{text}</a>'


def code_link(file: str, line: int, depth: int) -> str:
    shown = f'<code class="literal">{file}:{line}</code>'
    return link(f"{page_of(file)}.html#line-{line}", shown, depth)


def page_of_name(name: str) -> str:
    """The page of a public name as `FUNCTIONS` writes it: from ``gsnr_ref`` on."""
    face, _, last = name.rpartition(".")
    return f"reference/{face or 'gsnr_ref'}/{last}"


def name_page(face: ModuleType, name: str, at: dict[str, str]) -> str:
    thing = getattr(face, name)
    lines = [f"# {name}", "", "```{eval-rst}", f".. currentmodule:: {face.__name__}", ""]
    lines += [f".. {directive(thing)}:: {name}"]
    lines += ["   :members:"] * inspect.isclass(thing)
    lines += ["```", ""]
    if inspect.isfunction(thing) or inspect.isclass(thing):
        lines += [f"Code: {code_link(*place(thing), depth=2)}", ""]
    written = name if face is gsnr_ref else f"{short(face)}.{name}"
    mine = [number for number, names in FUNCTIONS.items() if written in names]
    for number in sorted(mine, key=in_order):
        home = f", derived in [](../../{at[number]}.md)" if number in at else ""
        row = link(f"equations.html#equation-{number}", f"Equation {number}", 2)
        lines += [f"- {row}{home}."]
    return "\n".join(lines) + "\n"


def face_page(face: ModuleType) -> str:
    lines = [f"# {face.__name__}", ""]
    for group, names in groups(face).items():
        lines += [f"## {group}", ""] if group else []
        for name in names:
            lines += [f"- [`{name}`]({short(face)}/{name}.md): {summary(getattr(face, name))}"]
        lines += [""]
    pages = [f"{short(face)}/{name}" for names in groups(face).values() for name in names]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *pages, "```"]) + "\n"


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command with its parser: ``gsnr-ref``, ``gsnr-ref verify``, ``gsnr-ref golden list``."""
    yield "gsnr-ref", cli._parser([])
    for command, actions in ACTIONS.items():
        parser = _sub(cli._parser([command]), command)
        yield f"gsnr-ref {command}", parser
        for action in actions:
            yield f"gsnr-ref {command} {action}", _sub(parser, action)


def _sub(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = action.choices[name]
            assert isinstance(found, argparse.ArgumentParser)
            return found
    raise ValueError(f"{parser.prog} has no {name}")


def command_page() -> str:
    lines = ["# The command line", ""]
    for name, parser in parsers():
        lines += [f"## {name}", ""] + ([str(parser.description), ""] if parser.description else [])
        rows = []
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for choice in action._choices_actions:
                    rows.append((f"`{choice.dest}`", str(choice.help)))
                continue
            takes = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
            if action.choices:
                takes = "{" + ",".join(map(str, action.choices)) + "}"
            options = ", ".join(f"`{option}`" for option in action.option_strings)
            takes = f" `{takes if isinstance(takes, str) else ' '.join(takes)}`" if takes else ""
            rows.append(((options + takes).strip(), (action.help or "").replace("|", "\\|")))
        lines += ["| | |", "|---|---|", *(f"| {first} | {text} |" for first, text in rows), ""]
    return "\n".join(lines)


def equation_page(docs: Path) -> str:
    at, code = homes(docs), lines_of_code()
    lines = [
        "# Equations",
        "",
        "Where each equation is derived, which lines compute it, and which claim holds it against",
        "a route that shares no code. 1 to 28 are the numbers of Liu et al., ICLR 2020 (10 to 14",
        "inferred by counting; those not listed are cited nowhere here); 3.k and 4.k are this",
        "package's own. `gsnr-ref verify --equation 22` runs one of them.",
        "",
        "| equation | derived in | computed by | claims |",
        "|---|---|---|---|",
    ]
    for number in sorted(FUNCTIONS, key=in_order):
        anchor = f'<span id="equation-{number}"></span>'
        page = at.get(number)
        home = f"[]({page}.md)" if page else "–"
        if page:
            home += " " + link(f"{page}.html#equation-{number}", f"({number})", 0)
        names = [f"[`{name}`]({page_of_name(name)}.md)" for name in FUNCTIONS[number]]
        names += [code_link(file, line, 0) for file, line in code[number]]
        stated = [
            f"{text.replace('|', chr(92) + '|')} {code_link(file, line, 0)}"
            for text, file, line in claims(number)
        ] or [ESTIMATES[number]]
        cells = (f"{anchor}**{number}**", home, "<br>".join(names), "<br>".join(stated))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(app: Sphinx) -> None:
    docs = Path(app.srcdir)
    at = homes(docs)
    pages = {"equations.md": equation_page(docs), "reference/command_line.md": command_page()}
    for face in FACES:
        pages[f"reference/{short(face)}.md"] = face_page(face)
        for names in groups(face).values():
            for name in names:
                pages[f"reference/{short(face)}/{name}.md"] = name_page(face, name, at)
    for old in (docs / "reference").rglob("*.md"):
        if old.name != "experiments.md" and old.relative_to(docs).as_posix() not in pages:
            old.unlink()
    for page, text in pages.items():
        path = docs / page
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
