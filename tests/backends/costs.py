"""Time and memory of each recipe, over those of the plain mean gradient of its framework.

``python -m tests.backends.costs --table docs/recipes/table.md`` writes the last two columns of the
table; without it they are printed. The model is 784-100-10, tanh, in float32 where the language has
it, with 1,024 samples in batches of 256 (JavaScript: one batch). Each recipe has processes of its
own on one core. Times are of the processor, plain and recipe in turn, and the median of the ratios
is told; memory is the most that a call adds to what is resident, once it has run before. Linux.
"""

import argparse
import ctypes
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.backends import RECIPES

ROUNDS, LEAST_SECONDS = 7, 0.05
PLAIN = {  # by recipe: the functions of tests.benchmarks.with_recipes, or of this module
    "torch_func.py": ("torch_plain", "torch_func"),
    "torch_hooks.py": ("torch_plain", "torch_hooks"),
    "jax_vmap.py": ("jax_plain", "jax_vmap"),
    "flax_trees.py": ("flax",),
    "tensorflow_gsnr.py": ("tensorflow_plain", "tensorflow_gsnr"),
    "opacus_gsnr.py": ("torch_plain", "opacus_gsnr"),
    "backpack_gsnr.py": ("torch_plain", "backpack_gsnr"),
    "batch_means.py": ("torch_plain", "batch_means"),
    "sklearn_logistic.py": ("logistic",),
}
#: Blocks from 64 KiB on go back to the system at once, so that what is resident is what is held.
HELD = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def flax():
    """Plain and recipe of a linen model."""
    import jax
    from flax import linen

    from tests.benchmarks.with_recipes import SLICES, X, Y

    recipe = importlib.import_module("flax_trees")
    model = linen.Sequential([linen.Dense(100), linen.tanh, linen.Dense(10)])
    batches = [(jax.numpy.asarray(X[s]), jax.numpy.asarray(Y[s])) for s in SLICES]
    variables = model.init(jax.random.key(0), batches[0][0])

    def loss(z, y):
        return -jax.nn.log_softmax(z)[y]

    @jax.jit
    @jax.grad
    def plain(variables, x, y):
        return jax.vmap(loss)(model.apply(variables, x), y).mean()

    of_one = recipe.linen_loss(model, loss)
    return (
        lambda: jax.block_until_ready([plain(variables, x, y) for x, y in batches]),
        lambda: jax.block_until_ready(recipe.gradient_moments(of_one, variables, batches)),
    )


def logistic():
    """The gradient that scikit-learn's own solver takes, and the recipe; no hidden layer."""
    from sklearn._loss import HalfMultinomialLoss
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model._linear_loss import LinearModelLoss

    from tests.benchmarks.with_recipes import X, Y

    recipe = importlib.import_module("sklearn_logistic").gsnr
    model = LogisticRegression(max_iter=1).fit(X, Y)
    own = LinearModelLoss(HalfMultinomialLoss(n_classes=10), fit_intercept=True)
    weights = own.init_zero_coef(X, dtype=X.dtype)
    return lambda: own.loss_gradient(weights, X, Y.astype(X.dtype)), lambda: recipe(model, X, Y)


def calls(file):
    """Plain and recipe, each without arguments."""
    if len(PLAIN[file]) == 1:
        return globals()[PLAIN[file][0]]()
    builders = importlib.import_module("tests.benchmarks.with_recipes")
    return [getattr(builders, name)(None)[1] for name in PLAIN[file]]


def seconds(call):
    """Processor time of one call, of many if it is short."""
    start, n = time.process_time(), 0
    while not n or time.process_time() - start < LEAST_SECONDS:
        call()
        n += 1
    return (time.process_time() - start) / n


def resident(what):
    """VmRSS, or VmHWM, of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(what)).split()[1])


def peak(call):
    """Bytes that a call adds at most to what is resident."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


def measured(file, what):
    """In a recipe's own process: seconds, or bytes, of plain and recipe in turn."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    both, measure = calls(file), seconds if what == "time" else peak
    for call in both:
        call(), call()
    return [[measure(call) for call in both] for _ in range(ROUNDS)]


def of_python(file, what):
    """The same, from a process of its own."""
    threads = {f"{k}_NUM_THREADS": "1" for k in ("OMP", "OPENBLAS", "MKL")}
    environment = os.environ | threads | (HELD if what == "memory" else {})
    command = [sys.executable, "-W", "ignore", "-m", "tests.backends.costs", "--one", file, what]
    found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


NODE = """
import { readFileSync, writeFileSync } from "node:fs";
import { gradientMoments, gsnr, lossAndGradient } from "%s";
const random = (n) => Array.from({ length: n }, () => Math.random() - 0.5);
const affine = (name, n_out) => ({ type: "affine", name, n_out });
const tanh = { type: "activation", function: "tanh" };
const model = { layers: [affine("a", 100), tanh, affine("b", 10)],
                loss: { type: "cross_entropy" } };
const sizes = { "a.weight": 78400, "a.bias": 100, "b.weight": 1000, "b.bias": 10 };
const params = Object.fromEntries(Object.entries(sizes).map(([k, n]) => [k, random(n)]));
const x = Array.from({ length: 256 }, () => random(784));
const calls = [() => {
  const mean = Object.fromEntries(Object.entries(params).map(([k, p]) => [k, p.map(() => 0)]));
  for (const one of x) {
    const gradient = lossAndGradient(model, params, one, 3)[1];
    for (const k in mean) gradient[k].forEach((g, j) => { mean[k][j] += g / x.length; });
  }
}, () => gsnr(gradientMoments(x.map((one) => lossAndGradient(model, params, one, 3)[1])))];
const kib = (what) => {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(status.match(new RegExp(`${what}:\\\\s+(\\\\d+)`))[1]);
};
const measure = { time: (call) => {
  const start = process.cpuUsage();
  call();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}, memory: (call) => {
  gc();
  writeFileSync("/proc/self/clear_refs", "5");
  const before = kib("VmRSS");
  call();
  return 1024 * (kib("VmHWM") - before);
} }["%s"];
for (const call of calls) call();
console.log(JSON.stringify(Array.from({ length: 3 }, () => calls.map(measure))));
"""


def of_javascript(what):
    """By Node: the recipe, and its gradients added up."""
    script = NODE % (RECIPES / "gsnr.mjs", what)
    command = ["node", "--expose-gc", "--single-threaded", "--input-type=module", "-e", script]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


STATUS = """
#include <ctime>
#include <fstream>
struct Status {  // when the program ends: the most that was resident, and the processor's time
  ~Status() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (word == "VmHWM:" && status >> word) std::cerr << word;
    std::cerr << " " << std::clock();
  }
} status_at_the_end;
"""


def of_cplusplus(what):
    """The whole program, reading included; plain is the same without the variance."""
    import numpy as np

    source, rng = (RECIPES / "gsnr.cpp").read_text(), np.random.default_rng(0)
    plain = source
    for line, instead in (
        ("squares[j] += weight == w ? 0 : w * gap * (g[j] - mean[j]);", ""),
        (", squares.resize(g.size())", ""),
        ("moments.squares[j]", "0.0"),
    ):
        assert line in plain
        plain = plain.replace(line, instead)

    def words(*shape):
        return " ".join(f"{v:.3f}" for v in rng.normal(size=shape).ravel())

    network = f"cross_entropy 1 affine 784 100 1 {words(78500)} tanh affine 100 10 1 {words(1010)}"
    samples = "samples 1024 " + " ".join(f"1 {words(784)} {i % 10}" for i in range(1024))
    with tempfile.TemporaryDirectory() as folder:
        place, programs = Path(folder), []
        for name, text in (("plain", plain), ("recipe", source)):
            (place / f"{name}.cpp").write_text(text + STATUS)
            command = ["g++", "-std=c++17", "-O2", place / f"{name}.cpp", "-o", place / name]
            subprocess.run(command, check=True)
            programs.append(place / name)

        def run(program, samples):
            text = f"{network} {samples}"
            found = subprocess.run(
                [program], input=text, capture_output=True, text=True, check=True
            )
            return found.stderr.split()[-1 if what == "time" else -2]

        def cost(program):
            if what == "time":
                return float(run(program, samples)) / 1e6
            return 1024 * (int(run(program, samples)) - int(run(program, "samples 0")))

        return [[cost(program) for program in programs] for _ in range(3)]


def rounds(file, what):
    """Of any recipe: what plain and recipe took, round by round."""
    others = {"gsnr.mjs": of_javascript, "gsnr.cpp": of_cplusplus}
    return others[file](what) if file in others else of_python(file, what)


def cells(file):
    """Memory and speed of a recipe, as the table has them."""
    times, peaks = rounds(file, "time"), rounds(file, "memory")
    ratio = statistics.median(recipe / plain for plain, recipe in times)
    plain, recipe = (statistics.median(column) / 1e6 for column in zip(*peaks, strict=True))
    print(file, f"{plain=:.1f} MB, {recipe=:.1f} MB, times {times}", file=sys.stderr, flush=True)
    return f"{plainly(recipe)} MB ({plainly(recipe / plain)} ×)", f"{plainly(ratio)} ×"


def plainly(number):
    """Two digits."""
    return f"{number:.1f}" if number < 10 else f"{float(f'{number:.2g}'):.0f}"


def main():
    """Measure, and write or print."""
    parser = argparse.ArgumentParser("python -m tests.backends.costs", description=__doc__)
    parser.add_argument("--table", type=Path, help="the table whose last two columns to write")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measured(*chosen.one)))
        return
    lines = (chosen.table or RECIPES / "table.md").read_text().splitlines()
    for i, line in enumerate(lines[2:], 2):
        columns = line.strip("|").split("|")
        file = columns[1].strip(" `")
        lines[i] = "|".join(["", *columns[:-2], *(f" {cell} " for cell in cells(file)), ""])
    text = "\n".join(lines) + "\n"
    if chosen.table:
        chosen.table.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
