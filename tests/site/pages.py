"""What tests ask of a built site: its pages, their anchors and links. Standard library only."""

from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Anchors, links and formulas of a page.

    Attributes
    ----------
    anchors : set of str
    links : list of str
        What the page refers to: pages, pictures, scripts, styles.
    """

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.n_formulas = set(), [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.n_formulas += tag == "math"
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


@dataclass
class Site:
    """A folder of pages; `seconds` that it took to build, if it was built here."""

    folder: Path
    seconds: float | None = None

    @cached_property
    def pages(self):
        """Every page by its path from the root of the site."""
        return {
            path.relative_to(self.folder).as_posix(): Page(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.rglob("*.html"))
        }

    @property
    def written(self):
        """The pages that are read as text: without those of code, and those made of indices."""
        made = ("genindex.html", "search.html", "py-modindex.html")
        return [
            name
            for name in self.pages
            if not name.startswith(("code/", "explorer/", "_")) and name not in made
        ]

    def broken(self, name):
        """Links of a page that lead to no file or to no anchor."""
        found = []
        for link in self.pages[name].links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link in ("", "#"):
                continue
            target = (self.folder / name).parent / unquote(parts.path) if parts.path else None
            path = (target or self.folder / name).resolve()
            if not path.is_file():
                found.append(f"{link}: no such file")
            elif parts.fragment and path.suffix == ".html" and path.parent.name != "explorer":
                # the explorer's is its state
                page = self.pages[path.relative_to(self.folder.resolve()).as_posix()]
                if unquote(parts.fragment) not in page.anchors:
                    found.append(f"{link}: no such anchor")
        return found
