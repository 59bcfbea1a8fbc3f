"""A plain JavaScript implementation, run by Node on the exported cases."""

import contextlib
import io
import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from gsnr_ref import golden
from gsnr_ref.cli import main
from gsnr_ref.golden.results import read_results
from tests.backends.common import BASIC_ACTIVATIONS, features

NAME, RECIPE, DTYPES = "plain JavaScript", "gsnr.mjs", ("float64",)
LAYOUT, LAYERS = "gsnr_ref", {"affine", "convolution", "max_pool", "elman", *BASIC_ACTIVATIONS}
CLAIMS = ("core", "tails", "deep", "sequence")
LEAVES_OUT = {"flags": ["large"]}  # whose inputs are stated by a formula
SCRIPT = Path(__file__).parent / "backend.mjs"


def version():
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return f"Node {node.stdout.strip()}"


@cache
def everything():
    """Export the cases, let Node compute them, and read its results file."""
    known = {case.id: case for case in golden.cases()}
    with tempfile.TemporaryDirectory() as folder:
        cases, results = Path(folder) / "cases", Path(folder) / "results.json"
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(["golden", "export", str(cases)]) == 0
        for path in (cases / "cases").iterdir():
            case = known.get(path.stem)
            if case is None or case.level not in CLAIMS or not features(case) <= LAYERS:
                path.unlink()
        subprocess.run(["node", SCRIPT, cases, results], check=True)
        assert json.loads(results.read_text())["results"]
        return read_results(results).values


def results(case, dtype):
    """Every quantity of a case."""
    return everything()[case.id]
