"""``gsnr-ref reproduce``.

Imports ``options``, ``experiments/harness`` and ``experiments/registry``.
"""

import argparse
import json
import os
from pathlib import Path

from gsnr_ref.experiments.harness import (
    SCALES,
    Cell,
    Experiment,
    cell_key,
    command_line,
    run_grid,
    write_output,
)
from gsnr_ref.experiments.registry import EXPERIMENTS
from gsnr_ref.options import jobs, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and what it runs."""
    parser.description = (
        "Run an experiment, or all of them, and write figures, a table and a report "
        "into a folder of its own. A run that was stopped goes on with --resume."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of an experiment, or all")
    parser.add_argument("--list", action="store_true", help="list the experiments and stop")
    parser.add_argument("--scale", choices=SCALES, default="default", help="default: default")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("gsnr-ref-results"),
        metavar="DIR",
        help="one folder an experiment is made there (default: gsnr-ref-results)",
    )
    parser.add_argument("--jobs", type=jobs, default=1, metavar="J", help="processes (default: 1)")
    parser.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler: tcp://HOST:PORT")
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="default: 0")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a setting; may be repeated (the report lists them all)",
    )
    parser.add_argument("--resume", action="store_true", help="keep the cells that are done")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with MNIST or CIFAR-10 (default: GSNR_REF_DATA, or a download of MNIST)",
    )
    parser.set_defaults(run=_reproduce)


def _reproduce(arguments: argparse.Namespace) -> int:
    if arguments.list or arguments.name is None:
        if arguments.name is None and not arguments.list:
            raise ValueError("NAME is missing; expected all, or a name from --list")
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name:<24}{experiment.title}")
        return 0
    if arguments.name != "all" and arguments.name not in EXPERIMENTS:
        raise ValueError(f"NAME is {arguments.name!r}; expected all or one of {list(EXPERIMENTS)}")
    if arguments.name == "all" and arguments.changes:
        raise ValueError("--set is given with all; expected a single experiment")
    if arguments.data_dir is not None:
        os.environ["GSNR_REF_DATA"] = str(arguments.data_dir.resolve())
    chosen = EXPERIMENTS if arguments.name == "all" else {arguments.name: None}
    for name in chosen:
        _run(EXPERIMENTS[name], arguments)
    return 0


def _run(experiment: Experiment, arguments: argparse.Namespace) -> None:
    settings = experiment.settings(arguments.scale, arguments.changes)
    cells = [cell | {"seed": arguments.seed} for cell in experiment.cells(settings)]
    folder = arguments.out / experiment.name
    if folder.exists() and any(folder.iterdir()) and not arguments.resume:
        raise OSError(f"--out: {folder} is there and not empty; expected a new folder, or --resume")
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
        print(f"  {finding.what}: {finding.measured}{stated}")
    print(f"  report: {folder / 'report.html'}")


def _seconds(experiment: Experiment, cells: list[Cell], folder: Path) -> float:
    """Computing time of all cells together, from their files."""
    files = [folder / "cells" / f"{cell_key(experiment.name, cell)}.json" for cell in cells]
    return float(sum(json.loads(file.read_text(encoding="utf-8"))["seconds"] for file in files))
