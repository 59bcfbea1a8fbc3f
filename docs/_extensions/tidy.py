"""Small repairs of the built pages, and what is drawn or copied when the site is built.

Pictures of the book are drawn by ``book/pictures.py``; the explorer is copied as it is.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def draw_pictures(app: Sphinx) -> None:
    path = Path(app.srcdir) / "book" / "pictures.py"
    spec = importlib.util.spec_from_file_location("book_pictures", path)
    assert spec is not None
    assert spec.loader is not None
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    for language, folder in (("en", "book"), ("zh", "zh")):
        pictures.draw(Path(app.srcdir) / folder / "_pictures", language=language)


def trim_code(app: Sphinx, document: nodes.document) -> None:
    """Take away the blank line that a doctest in Markdown needs before the closing fence."""
    for block in list(document.findall(nodes.literal_block)):
        if len(block.children) == 1 and block.astext().endswith("\n"):
            text = block.astext().rstrip("\n")
            block.rawsource = text
            block.children = [nodes.Text(text)]
            block.children[0].parent = block


def copy_explorer(app: Sphinx, error: Exception | None) -> None:
    source = Path(app.srcdir) / "explorer"
    if error is None and app.builder.format == "html":
        ignored = shutil.ignore_patterns("__pycache__", "*.py", "*.md")
        shutil.copytree(source, Path(app.outdir) / "explorer", ignore=ignored, dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", draw_pictures)
    app.connect("doctree-read", trim_code)
    app.connect("build-finished", copy_explorer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
