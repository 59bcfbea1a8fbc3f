"""What a run leaves behind: config.json, results.csv, findings.json, figures and report.html.

Imports ``experiments/harness/cells``, ``experiments/harness/drawing``,
``experiments/harness/experiment``, ``experiments/harness/settings`` and ``files``.
"""

import base64
import csv
import html
import io
import json
import platform
import shlex
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gsnr_ref.experiments.harness.cells import GridError
from gsnr_ref.experiments.harness.drawing import as_png, as_svg
from gsnr_ref.experiments.harness.experiment import Experiment, Finding, Row
from gsnr_ref.experiments.harness.settings import Settings
from gsnr_ref.files import write_bytes_atomically

_LIBRARIES = ("gsnr-ref", "numpy", "scipy", "autograd", "joblib", "matplotlib", "scikit-learn")


def versions() -> dict[str, str]:
    """Of Python and of the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def as_csv(rows: list[Row]) -> str:
    """Tidy: a line a measurement, a column a name; empty where a row has no such entry."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: repr(v) if isinstance(v, float) else v for k, v in r.items()} for r in rows
    )
    return buffer.getvalue()


def write_output(
    experiment: Experiment,
    rows: list[Row],
    settings: Settings,
    folder: Path,
    run: dict[str, Any],
) -> list[Finding]:
    """Write everything but the cells; return what was found.

    All is made before the first file is written, the report last.

    Parameters
    ----------
    experiment : Experiment
    rows : list of Row
    settings : Settings
    folder : path
    run : dict
        Scale, seed, seconds and the command that reproduces it.

    Raises
    ------
    GridError
        That names the file, if one cannot be written.
    """
    config = {"experiment": experiment.name, **run, "settings": settings, "versions": versions()}
    pictures, files = {}, {}
    for name, drawn in experiment.figures(rows, settings).items():
        pictures[name] = files[f"{name}.png"] = as_png(drawn)
        files[f"{name}.svg"] = as_svg(drawn).encode()
    found = experiment.findings(rows, settings)
    if run["scale"] == "smoke":  # shows that all runs, and is evidence of nothing
        found = [replace(finding, verdict=None) for finding in found]
    outcome = json.dumps([asdict(f) for f in found], indent=1, ensure_ascii=False)
    files["config.json"] = (json.dumps(config, indent=2) + "\n").encode()
    files["results.csv"] = as_csv(rows).encode()
    files["findings.json"] = (outcome + "\n").encode()
    files["report.html"] = _report(experiment, found, pictures, config).encode()
    for name, content in files.items():
        try:
            write_bytes_atomically(folder / name, content)
        except OSError as error:
            raise GridError(
                f"{folder / name}: cannot be written ({error.strerror or error}). All cells are "
                "kept; go on with --resume"
            ) from error
    return found


#: What a run of the smallest scale says of itself.
NO_VERDICTS = "Scale smoke: too small to be evidence of anything, so it gives no verdicts."

_STYLE = """
.banner { background: #fff3cd; border: 1px solid #b58900; padding: .5rem .8rem }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem;
       color: #1a1a1a; background: #fff }
img { max-width: 100%; height: auto }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #ccc; padding: .3rem .6rem .3rem 0; text-align: left;
         vertical-align: top; overflow-wrap: anywhere }
code, pre { font-size: 14px; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 40rem) {  /* a phone: each row is a block, each entry has its name before it */
  table, tbody, tr, td { display: block }
  th { display: none }
  tr { border-bottom: 1px solid #ccc; padding: .4rem 0 }
  td { border: 0; padding: 0 }
  td:first-child { font-weight: 600 }
  .figure { overflow-x: auto }
  .figure img { max-width: none; height: 20rem }
  td[title]:not(:empty)::before { content: attr(title) ": "; color: #555 }
}
"""


def _report(
    experiment: Experiment, found: list[Finding], pictures: dict[str, bytes], config: dict[str, Any]
) -> str:
    """One file, nothing fetched from anywhere."""

    def e(text: Any) -> str:
        return html.escape(str(text))

    rows = "".join(
        f'<tr><td>{e(f.what)}</td><td title="measured">{e(f.measured)}</td>'
        f'<td title="stated">{e(f.stated)}</td><td title="as stated">{e(f.verdict or "")}'
        "</td></tr>\n"
        for f in found
    )
    images = "".join(
        f'<h2>{e(name.replace("-", " ").capitalize())}</h2>\n<div class="figure"><img '
        f'alt="{e(experiment.see[name])}" src="data:image/png;base64,'
        f'{base64.b64encode(png).decode()}"></div>\n<p>What to see: {e(experiment.see[name])}</p>\n'
        for name, png in pictures.items()
    )
    settings = "".join(
        f"<tr><td>{e(key)}</td><td>{e(json.dumps(value))}</td></tr>"
        for key, value in config["settings"].items()
    )
    banner = f'<p class="banner">{NO_VERDICTS}</p>\n' if config["scale"] == "smoke" else ""
    libraries = ", ".join(f"{name} {number}" for name, number in config["versions"].items())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{e(experiment.title)}</title><style>{_STYLE}</style></head><body>
<h1>{e(experiment.title)}</h1>
{banner}<p>{e(experiment.asks)}</p>
<h2>What was found</h2>
<table><tr><th>what</th><th>measured</th><th>stated</th><th>as stated</th></tr>{rows}</table>
{images}<h2>How it was run</h2>
<pre>{e(config["command"])}</pre>
<p>Scale {e(config["scale"])}, seed {e(config["seed"])}, {config["seconds"]:.0f} seconds of
computing, all cells together. {e(libraries)}.</p>
<table><tr><th>setting</th><th>value</th></tr>{settings}</table>
</body></html>
"""


def command_line(name: str, scale: str, seed: int, changes: list[str]) -> str:
    """The command that reproduces a run.

    Examples
    --------
    >>> command_line("frozen-layer", "smoke", 0, ["n=50"])
    'gsnr-ref reproduce frozen-layer --scale smoke --seed 0 --set n=50'
    """
    parts = ["gsnr-ref", "reproduce", name, "--scale", scale, "--seed", str(seed)]
    for change in changes:
        parts += ["--set", change]
    return shlex.join(parts)
