"""Writes `reference/experiments`: each experiment, what it asks, what it costs, what can be set.

In a page ``{cost}`frozen-layer``` is the time of a default run.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from gsnr_ref.experiments.harness import SCALES, Experiment, expectation, in_words
from gsnr_ref.experiments.registry import EXPERIMENTS


def seconds(docs: Path, name: str) -> str:
    """What a default run took, on one core, from the run that is kept in the docs."""
    config = docs / "results" / name / "config.json"
    if not config.exists():
        return "not run yet"
    took = float(json.loads(config.read_text(encoding="utf-8"))["seconds"])
    return in_words(took) if took >= 120 else f"{took:.0f} seconds"


def n_cells(experiment: Experiment) -> list[str]:
    return [str(len(experiment.cells(experiment.settings(scale)))) for scale in SCALES]


def value(setting: object) -> str:
    return "`" + json.dumps(setting, separators=(",", ":")).replace("|", "\\|") + "`"


def page(docs: Path) -> str:
    lines = [
        "# Experiments and their settings",
        "",
        "What `gsnr-ref reproduce NAME --list` tells, of all of them. Cells are independent of",
        "each other; the time is that of all cells of a default run, on one core.",
        "[What we measured](../results.md); [figures of the paper](../howto/figures.md).",
        "",
        "| experiment | cells: smoke | default | paper | time, default |",
        "|---|---|---|---|---|",
    ]
    for name, experiment in EXPERIMENTS.items():
        cells = " | ".join(n_cells(experiment))
        lines.append(f"| [{name}](#{name}) | {cells} | {seconds(docs, name)} |")
    for name, experiment in EXPERIMENTS.items():
        lines += ["", f"## {name}", "", f"{experiment.title}.", "", experiment.asks, ""]
        lines += ["```sh", f"gsnr-ref reproduce {name}", "```", ""]
        lines += ["| setting | default | may be |", "|---|---|---|"]
        for key, setting in experiment.settings("default").items():
            may_be = expectation(experiment.expected[key], setting).replace("|", "\\|")
            lines.append(f"| `{key}` | {value(setting)} | {may_be} |")
    return "\n".join(lines) + "\n"


def write(app: Sphinx) -> None:
    docs = Path(app.srcdir)
    path, text = docs / "reference" / "experiments.md", page(docs)
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


class CostRole(SphinxRole):
    """``{cost}`frozen-layer```: what a default run took."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if self.text not in EXPERIMENTS:
            return [], [self.inliner.reporter.error(f"there is no experiment {self.text}")]
        return [nodes.Text(seconds(Path(self.env.srcdir), self.text))], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("cost", CostRole())
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
