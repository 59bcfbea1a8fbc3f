"""Write docs/results.md from the runs in this folder: ``python docs/results/page.py``.

A run is put here with ``python docs/results/page.py --add FOLDER ...``, from the folders that
``gsnr-ref reproduce`` made; cells, SVG and the report stay behind. ``--judge`` finds the outcomes
again, and the figures, from the rows that are here, after a rule or a drawing has changed.
"""

import argparse
import csv
import json
import shutil
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("config.json", "findings.json", "results.csv")
#: What a reader should remember: in words, and the experiment, finding and figure that say so, with
#: the verdict that the finding has to have; a test holds it to that.
REMEMBER = (
    (
        "At the first step, where the parameters know nothing of the training set, the identity "
        "holds: a step of gradient descent gives, within its errors, the OSGR that GSNR predicts.",
        "identity-over-training",
        "Measured OSGR of the first step",
        "both-sides",
        "yes",
    ),
    (
        "Later the two sides part, hardly because the step is finite: the parameters have seen "
        "the training set (reuse), and the paper's estimator errs the other way, which hides much "
        "of it.",
        "where-it-breaks",
        "images: what makes measured OSGR differ from the paper's",
        "parts",
        None,
    ),
    (
        "How much the parameters have seen is one number, κ, which falls along λt, as far as "
        "errors tell on the same curve for every n; a law without a free parameter follows it.",
        "where-it-breaks",
        "images: κ of training sets of different n",
        "reuse-factor",
        "yes",
    ),
    (
        "Trained from small initial weights, the first layer raises the GSNR of the second; "
        "frozen, it does not. From weights of the usual size nothing rises.",
        "frozen-layer",
        "trained, initial weights small × 1",
        "second-layer-gsnr",
        "yes",
    ),
    (
        "Weights turn against their gradients and then with their change: corr(W, Δg) is negative "
        "early and positive later, over many steps; in a single step it is noise.",
        "feature-learning",
        "corr(W, Δg), Δg over 100 steps",
        "feature-learning",
        "yes",
    ),
)
HEADER = """## All experiments

What each experiment gave at its default scale, beside what the paper or the theory states. The page
is written by `python docs/results/page.py` from the runs in that folder; its numbers are those of
`results.csv` there, contradictions included. "Seconds" are those of all cells together, on one core
each of a machine that had other work to do: those that were looked at took twice their computing.

"As stated" is *yes*, *no* or *undecided*, with the reason, by rules that stand in one file
(`gsnr_ref/experiments/shared/verdicts.py`): a rise counts within a run and only while the training
loss falls, and as a median over at least 5 runs; a statement in parts holds if each part does; a
ratio over nothing decides nothing; the paper's correlation is asked of the paper's estimator. Where
the rows lack what a rule needs, it is undecided. The smallest scale gives no verdicts.

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


def remember():
    """The five main findings, a figure each."""
    yield "# Experiments\n\n## What to remember\n"
    for k, (words, name, what, figure, _) in enumerate(REMEMBER, start=1):
        if not (HERE / name / f"{figure}.svg").is_file():
            continue
        found = finding(name, what)
        yield f"{k}. **{words}** ({found['what']}: {found['measured']}.)\n\n{shown(name, figure)}\n"


def finding(name, what):
    """The first finding of a run whose text begins so."""
    found = json.loads((HERE / name / KEPT[1]).read_text())
    return next(f for f in found if f["what"].startswith(what))


def shown(name, figure):
    """A figure; for those who do not see it, what to see in it and what was found."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    found = json.loads((HERE / name / KEPT[1]).read_text())
    decided = "; ".join(f"{f['what']}: {f['verdict']['word']}" for f in found if f["verdict"])
    told = EXPERIMENTS[name].see[figure] + (f" Found: {decided}." if decided else "")
    told = told.replace("[", "(").replace("]", ")")
    return f"![{told}](results/{name}/{figure}.svg)"


def section(folder):
    """A run as Markdown."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    experiment = EXPERIMENTS[folder.name]
    config, findings = (json.loads((folder / name).read_text()) for name in KEPT[:2])
    marks = {"yes": "yes", "no": "**no**", "undecided": "*undecided*"}

    def verdict(found):
        return f"{marks[found['word']]}: {found['reason']}" if found else ""

    lines = [f"## {experiment.title}", "", experiment.asks, ""]
    lines += ["```sh", config["command"], "```", ""]
    lines += ["| what | measured | stated | as stated |", "|---|---|---|---|"]
    lines += [
        f"| {f['what']} | {f['measured']} | {f['stated']} | {verdict(f['verdict'])} |"
        for f in findings
    ]
    for picture in sorted(folder.glob("*.svg")):
        see = experiment.see[picture.stem]
        lines += ["", shown(folder.name, picture.stem), "", f"What to see: {see}"]
    settings = ", ".join(f"{k} = {json.dumps(v)}" for k, v in config["settings"].items())
    lines += ["", f"{config['seconds']:.0f} seconds. Settings: {settings}.", ""]
    return "\n".join(lines)


def page():
    """The whole page."""
    folders = sorted((p for p in HERE.iterdir() if (p / KEPT[0]).is_file()), key=order)
    return (
        "\n".join(
            [*remember(), HEADER, costs(folders), *map(section, folders), *not_run(folders)]
        ).rstrip()
        + "\n"
    )


def costs(folders):
    """Cells and seconds of each experiment, as a table."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    taken = {f.name: json.loads((f / KEPT[0]).read_text())["seconds"] for f in folders}
    lines = [
        "## What it costs",
        "",
        "`gsnr-ref reproduce NAME --dry-run` times a shortened cell of each kind, and tells what a",
        "run would take, on one core, within a factor of 2 or 3. The paper's own grid of E1 is of",
        "another size: 320 settings of 10 sets, 1,000 epochs, up to 15,000 images: some 100 days",
        "of one core. Its cells are independent: `--dask tcp://HOST:PORT` gives each worker of a",
        "cluster one after the other, and `--resume` goes on after a loss.",
        "",
        "| experiment | cells, default | seconds, default | cells, paper |",
        "|---|---|---|---|",
    ]
    for name, experiment in EXPERIMENTS.items():
        default, paper = (
            len(experiment.cells(experiment.settings(s))) for s in ("default", "paper")
        )
        seconds = f"{taken[name]:.0f}" if name in taken else "not run yet"
        lines.append(f"| {name} | {default} | {seconds} | {paper} |")
    return "\n".join([*lines, ""])


def not_run(folders):
    """Experiments without a run here: what they ask, and how to run them."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    names = [name for name in EXPERIMENTS if name not in {folder.name for folder in folders}]
    if names:
        yield "## Not run at default scale yet\n\nNothing is claimed of what these would give.\n"
    for name in names:
        asks = EXPERIMENTS[name].asks
        yield f"### {EXPERIMENTS[name].title}\n\n{asks}\n\n```sh\ngsnr-ref reproduce {name}\n```\n"


def rows_of(run):
    """The rows of a run, as the experiment gave them."""

    def value(text):
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
        return text

    lines = (run / "results.csv").read_text().splitlines()
    return [{k: value(v) for k, v in row.items() if v != ""} for row in csv.DictReader(lines)]


def findings_of(run):
    """What is found in the rows of a run, by the rules as they are now."""
    from gsnr_ref.experiments.registry import EXPERIMENTS

    settings = json.loads((run / "config.json").read_text())["settings"]
    return [asdict(f) for f in EXPERIMENTS[run.name].findings(rows_of(run), settings)]


def judge(run):
    """Write the findings of a run and its figures again, from its rows."""
    from gsnr_ref.experiments.harness.drawing import as_svg
    from gsnr_ref.experiments.registry import EXPERIMENTS

    settings = json.loads((run / "config.json").read_text())["settings"]
    for name, drawn in EXPERIMENTS[run.name].figures(rows_of(run), settings).items():
        (run / f"{name}.svg").write_text(as_svg(drawn), encoding="utf-8")
    text = json.dumps(findings_of(run), indent=1, ensure_ascii=False) + "\n"
    (run / "findings.json").write_text(text, encoding="utf-8")


def add(run):
    """Copy what is kept of a run."""
    target = HERE / run.name
    if target.exists():
        shutil.rmtree(target)
    target.mkdir()
    for path in (*(run / name for name in KEPT), *run.glob("*.svg")):
        shutil.copy(path, target / path.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python docs/results/page.py", description=__doc__)
    parser.add_argument("--add", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--judge", action="store_true", help="find the outcomes again")
    arguments = parser.parse_args()
    for run in arguments.add:
        add(run)
    if arguments.judge:
        for path in HERE.glob("*/results.csv"):
            judge(path.parent)
    (HERE.parent / "results.md").write_text(page(), encoding="utf-8")
