"""A font for formulas, as small as the site's own formulas allow, inside a style sheet.

STIX Two Math (SIL Open Font License) comes with the package ziamath; nothing of it is kept in the
repository. A font within the style sheet is read from the file system by every browser.
"""

import base64
import io
import logging
from importlib.resources import files
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

STYLE = "math-font.css"
#: What formulas are made of: digits and signs, Greek, and the blocks of mathematics.
_RANGES = (
    (0x20, 0x7F), (0xA0, 0x100), (0x300, 0x339), (0x391, 0x3F6), (0x2010, 0x2040), (0x2057, 0x2058),
    (0x20D0, 0x20E0), (0x2102, 0x2140), (0x2190, 0x2200), (0x2200, 0x2300), (0x2308, 0x230C),
    (0x23DC, 0x23E2), (0x25A0, 0x25A2), (0x27E8, 0x27EA), (0x27F5, 0x27FD), (0x2A00, 0x2A10),
    (0x1D434, 0x1D49C), (0x1D538, 0x1D56C), (0x1D7CE, 0x1D7D8),
)  # fmt: skip


def style() -> str:
    """The style sheet: the font, and that formulas are set in it."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(flavor="woff", layout_features=["ssty", "dtls", "flac"], hinting=False)
    font = TTFont(io.BytesIO((files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf").read_bytes()))
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=[code for start, stop in _RANGES for code in range(start, stop)])
    chosen.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    data = base64.b64encode(written.getvalue()).decode()
    return (
        f'@font-face {{ font-family: "Formulas"; src: url("data:font/woff;base64,{data}"); }}\n'
        "math { font-family: Formulas, math, serif; }\n"
    )


def write(app: Sphinx) -> None:
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STYLE).write_text(style())


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write)
    app.add_css_file(STYLE)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
