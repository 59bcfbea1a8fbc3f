"""The recipe in C++: one program, compiled with g++; it reads a network and prints GSNR."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from tests.backends import RECIPES
from tests.backends.common import BASIC_ACTIVATIONS, each, from_moments

NAME, RECIPE, DTYPES = "C++", "gsnr.cpp", ("float64",)
LAYOUT, LAYERS = "gsnr_ref", {"affine", *BASIC_ACTIVATIONS}
LEAVES_OUT = {"quantities": ["per_sample_gradients", "enumerated_osgr"]}
CLAIMS = ("core", "tails", "large")


def version():
    line = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True)
    return f"g++ {line.stdout.split()[3]}"


@cache
def program():
    """Compile the recipe, once a process; warnings are errors."""
    folder = tempfile.TemporaryDirectory()
    target = Path(folder.name) / "gsnr"
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, RECIPES / "gsnr.cpp", "-o", target], check=True)
    return target, folder  # the folder is there as long as somebody holds it


def words(array):
    """Numbers as text, each the shortest that reads back as the same double."""
    return " ".join(repr(v) for v in np.asarray(array).ravel().tolist())


def network(case):
    """The case as the program reads it."""
    loss = case.model["loss"]
    lines = [f"{loss['type']} {loss['scale']!r}"]
    for layer in case.model["layers"]:
        if layer["type"] == "activation":
            lines.append(layer["function"])
            continue
        lines.append(f"affine {layer['n_in']} {layer['n_out']} {int(layer['bias'])}")
        parts = [f"{layer['name']}.{part}" for part in ("weight", "bias")]
        lines += [words(case.params[name]) for name in parts if name in case.params]
    weights = np.ones(len(case.x)) if case.probabilities is None else case.probabilities
    lines.append(f"samples {len(case.x)}")
    rows = zip(weights, case.x, case.y, strict=True)
    lines += [f"{words(w)} {words(x)} {words(y)}" for w, x, y in rows]
    return "\n".join(lines)


def results(case, dtype):
    """Every quantity of a case but those that take single samples' gradients."""
    run = [program()[0]]
    text = subprocess.run(run, input=network(case), capture_output=True, text=True, check=True)
    rows = [line.split() for line in text.stdout.splitlines()]
    losses = np.array([float(row[1]) for row in rows if row[0] == "loss"])
    numbers = np.array([[float(v) for v in row] for row in rows if row[0] != "loss"])
    edges = np.cumsum([p.size for p in case.params.values()])[:-1]
    mean, variance, gsnr = (
        {
            name: part.reshape(case.params[name].shape)
            for name, part in zip(case.params, np.split(column, edges), strict=True)
            if name in case.model["trainable"]
        }
        for column in numbers.T
    )
    n = len(losses)

    def moments(ddof):
        if ddof == 0:
            return mean, variance, gsnr
        factor = n / (n - ddof)
        return mean, each(lambda v: v * factor, variance), each(lambda r: r / factor, gsnr)

    return from_moments(case, losses, moments)
