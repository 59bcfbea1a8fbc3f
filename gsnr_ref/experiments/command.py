"""``gsnr-ref reproduce``.

Imports ``options``, ``experiments/harness`` and ``experiments/registry``.
"""

import argparse
import json
import os
from pathlib import Path

from gsnr_ref.experiments.harness import (
    NO_VERDICTS,
    SCALES,
    Cell,
    Experiment,
    Settings,
    cell_key,
    cluster,
    command_line,
    estimates,
    expectation,
    held,
    in_words,
    read_cell,
    require,
    run_grid,
    write_output,
)
from gsnr_ref.experiments.registry import EXPERIMENTS
from gsnr_ref.options import jobs, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and what it runs."""
    parser.description = (
        "Run an experiment, or all of them, and write figures, a table and a report "
        "into a folder of its own. A run that was stopped goes on with --resume. What is wrong "
        "with settings, data, libraries or cluster is told before the folder is made."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of an experiment, or all")
    parser.add_argument(
        "--list",
        action="store_true",
        help="list the experiments, or the settings of NAME, and stop",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing: time a shortened cell of each kind, and tell what the run would take",
    )
    parser.add_argument("--scale", choices=SCALES, default="default", help="default: default")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("gsnr-ref-results"),
        metavar="DIR",
        help="one folder an experiment is made there (default: gsnr-ref-results)",
    )
    parser.add_argument(
        "--jobs",
        type=jobs,
        default=1,
        metavar="J",
        help="processes, -1 for all cores; never more than cells or cores (default: 1)",
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler: tcp://HOST:PORT")
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="default: 0")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a setting; may be repeated (NAME --list tells what each may be)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep the cells that are done. Each file of a cell has a digest: one that is "
        "truncated, was changed or holds something else is told, and its cell computed again",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with MNIST or CIFAR-10 (default: GSNR_REF_DATA, or a download of MNIST)",
    )
    parser.set_defaults(run=_reproduce)


def _reproduce(arguments: argparse.Namespace) -> int:
    if arguments.name is None and not arguments.list:
        raise ValueError("NAME is missing; expected all, or a name from --list")
    if arguments.name not in (None, "all", *EXPERIMENTS):
        raise ValueError(f"NAME is {arguments.name!r}; expected all or one of {list(EXPERIMENTS)}")
    if arguments.list:
        _list(arguments.name, arguments.scale)
        return 0
    if arguments.name == "all" and arguments.changes:
        raise ValueError("--set is given with all; expected a single experiment")
    if arguments.data_dir is not None:
        os.environ["GSNR_REF_DATA"] = str(arguments.data_dir.resolve())
    chosen = list(EXPERIMENTS) if arguments.name == "all" else [arguments.name]
    settings = {n: EXPERIMENTS[n].settings(arguments.scale, arguments.changes) for n in chosen}
    if arguments.dry_run:
        for name in chosen:
            EXPERIMENTS[name].load(settings[name])
            _tell_cost(EXPERIMENTS[name], settings[name], arguments)
        return 0
    _require(arguments)
    for name in chosen:
        folder = arguments.out / name
        if folder.exists():
            with held(folder):
                _check_empty(folder, arguments.resume)
        if arguments.dask is None:  # a cluster reads data of its own
            EXPERIMENTS[name].load(settings[name])
    for name in chosen:
        _run(EXPERIMENTS[name], settings[name], arguments)
    return 0


def _tell_cost(experiment: Experiment, settings: Settings, arguments: argparse.Namespace) -> None:
    """Cells of each kind and about how long they will take, from one that was timed."""
    cells = [cell | {"seed": arguments.seed} for cell in experiment.cells(settings)]
    found = estimates(experiment, cells)
    total = in_words(sum(estimate.seconds for estimate in found))
    head = f"{experiment.name}, scale {arguments.scale}: {len(cells)} cells, about {total}"
    print(f"{head} on one core, all together")
    for one in found:
        print(
            f"  {one.kind}: {one.n_cells} cells, about {in_words(one.seconds)}, the longest "
            f"{in_words(one.longest)} (timed: {one.timed:.2g} seconds)"
        )


def _list(name: str | None, scale: str) -> None:
    """The experiments; or the settings of one, its values at a scale and what each may be."""
    if name in (None, "all"):
        width = max(map(len, EXPERIMENTS)) + 2
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name:<{width}}{experiment.title}")
        return
    experiment = EXPERIMENTS[str(name)]
    print(f"{experiment.title}, scale {scale}")
    for key, value in experiment.settings(scale).items():
        print(f"  {key}={json.dumps(value, separators=(',', ':'))}")
        print(f"      {expectation(experiment.expected[key], value)}")


def _require(arguments: argparse.Namespace) -> None:
    """Import what the run will need, and see that the cluster is there."""
    drawing = ("matplotlib.figure", "matplotlib.backends.backend_agg")
    require("reproduce", "experiments", "tqdm", "threadpoolctl", *drawing)
    if arguments.dask is not None:
        require("--dask", "cluster", "distributed")
        with cluster(arguments.dask):
            pass
    elif arguments.jobs != 1:
        require("--jobs", "experiments", "joblib")


def _check_empty(folder: Path, resume: bool) -> None:
    if any(folder.iterdir()) and not resume:
        raise OSError(f"--out: {folder} is there and not empty; expected a new folder, or --resume")


def _run(experiment: Experiment, settings: Settings, arguments: argparse.Namespace) -> None:
    cells = [cell | {"seed": arguments.seed} for cell in experiment.cells(settings)]
    folder = arguments.out / experiment.name
    with held(folder):
        _check_empty(folder, arguments.resume)
        rows = run_grid(
            experiment.name, experiment.run, cells, folder / "cells", arguments.jobs, arguments.dask
        )
        run = {
            "scale": arguments.scale,
            "seed": arguments.seed,
            "seconds": _seconds(experiment, cells, folder),
            "command": command_line(
                experiment.name, arguments.scale, arguments.seed, arguments.changes
            ),
        }
        found = write_output(experiment, rows, settings, folder, run)
    print(experiment.title)
    for finding in found:
        stated = f"; stated: {finding.stated}" if finding.stated else ""
        verdict = f"; {finding.verdict.word}" if finding.verdict else ""
        print(f"  {finding.what}: {finding.measured}{stated}{verdict}")
    if arguments.scale == "smoke":
        print(f"  {NO_VERDICTS}")
    print(f"  report: {folder / 'report.html'}")


def _seconds(experiment: Experiment, cells: list[Cell], folder: Path) -> float:
    """Computing time of all cells together, from their files."""
    paths = [folder / "cells" / f"{cell_key(experiment.name, cell)}.json" for cell in cells]
    kept = [read_cell(path, cell) for path, cell in zip(paths, cells, strict=True)]
    return float(sum(one[1] for one in kept if one is not None))
