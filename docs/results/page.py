"""Write docs/results.md from the runs in this folder: ``python docs/results/page.py``.

A run is put here with ``python docs/results/page.py --add FOLDER ...``, from the folders that
``gsnr-ref reproduce`` made; cells, SVG and the report stay behind.
"""

import argparse
import json
import shutil
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("config.json", "findings.json", "results.csv")
HEADER = """# Experiments

What each experiment gave at its default scale, beside what the paper or the theory states. The page
is written by `python docs/results/page.py` from the runs in that folder; its numbers are those of
`results.csv` there, contradictions included. "Seconds" are those of all cells together, on one core
each.

```sh
pip install ".[experiments]"
gsnr-ref reproduce --list
gsnr-ref reproduce frozen-layer                      # minutes, on one core
gsnr-ref reproduce identity-over-training --jobs 2 --data-dir FOLDER   # MNIST
gsnr-ref reproduce all --scale smoke --jobs 2        # everything, in less than two minutes
```

Each run writes `config.json`, `results.csv`, `findings.json`, figures as PNG and SVG, and
`report.html`, which is one file. `--scale paper` takes the paper's sizes; `--set KEY=VALUE` changes
a setting. Cells are independent: `--jobs N` runs them in N processes, `--dask tcp://HOST:PORT` on
the workers of a Dask cluster that have the same version of this package
(`pip install ".[cluster]"`) and, for MNIST and CIFAR-10, the variable `GSNR_REF_DATA`. The
numbers are the same to the last digit on one machine (on another, linear algebra rounds its own
way: relative differences of some 1e-15). A run that was stopped or killed, or met a full disk, goes
on with `--resume`, and loses only the cells that were in flight. The file of a cell has a digest:
one that was changed, is truncated or holds something else is told, and its cell computed again; one
that cannot be read is an error that names it. One run at a time has a folder. `NAME --list` tells
what each setting may be; what is wrong with settings, data, libraries or the cluster is told before
the folder is made.
"""


def order(folder):
    """Folders in the order of the registry, without importing more than its names."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    return list(EXPERIMENTS).index(folder.name)


def section(folder):
    """A run as Markdown."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    experiment = EXPERIMENTS[folder.name]
    config, findings = (json.loads((folder / name).read_text()) for name in KEPT[:2])
    marks = {True: "yes", False: "**no**", None: ""}
    lines = [f"## {experiment.title}", "", experiment.asks, ""]
    lines += ["```sh", config["command"], "```", ""]
    lines += ["| what | measured | stated | as stated |", "|---|---|---|---|"]
    lines += [
        f"| {f['what']} | {f['measured']} | {f['stated']} | {marks[f['agrees']]} |"
        for f in findings
    ]
    for picture in sorted(folder.glob("*.png")):
        title = picture.stem.replace("-", " ").capitalize()
        lines += ["", f"![{title}](results/{folder.name}/{picture.name})"]
    settings = ", ".join(f"{k} = {json.dumps(v)}" for k, v in config["settings"].items())
    lines += ["", f"{config['seconds']:.0f} seconds. Settings: {settings}.", ""]
    return "\n".join(lines)


def page():
    """The whole page."""
    folders = sorted((p for p in HERE.iterdir() if (p / KEPT[0]).is_file()), key=order)
    return "\n".join([HEADER, *map(section, folders)]).rstrip() + "\n"


def add(run):
    """Copy what is kept of a run."""
    target = HERE / run.name
    if target.exists():
        shutil.rmtree(target)
    target.mkdir()
    for path in (*(run / name for name in KEPT), *run.glob("*.png")):
        shutil.copy(path, target / path.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python docs/results/page.py", description=__doc__)
    parser.add_argument("--add", type=Path, nargs="+", default=[], metavar="FOLDER")
    for run in parser.parse_args().add:
        add(run)
    (HERE.parent / "results.md").write_text(page(), encoding="utf-8")
