"""What the recipes say beside GSNR of the golden cases, which test_backends.py tests."""

import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.backends import RECIPES
from tests.backends.run import BACKENDS, load

pytestmark = pytest.mark.backends


def test_the_table_of_recipes_says_what_each_claims():
    rows = (RECIPES / "table.md").read_text().splitlines()[2:]
    said = {re.findall(r"`(.+?)`", row)[0]: row.split("|")[3].strip() for row in rows}
    claims = {
        backend.RECIPE: ", ".join(backend.CLAIMS)
        for backend in map(load, BACKENDS)
        if hasattr(backend, "RECIPE")
    }
    assert said == claims


def test_every_recipe_is_shown():
    shown = "".join(page.read_text() for page in RECIPES.glob("*.md"))
    files = {p.name for p in RECIPES.iterdir() if p.suffix in (".py", ".mjs", ".cpp", ".txt")}
    assert files == set(re.findall(r"\{literalinclude\} (\S+)", shown))


def test_what_goes_wrong_goes_wrong_as_the_page_says():
    pitfalls = pytest.importorskip("pitfalls")
    said = (RECIPES / "pitfalls.txt").read_text()
    assert pitfalls.batch_norm() != "no error"
    moved = pitfalls.batch_norm_by_hooks()
    assert f"by {moved:.0%}" in said and moved > 0.05
    right, wrong = pitfalls.dropout()
    assert right > 2 * wrong
    assert pitfalls.mixed_precision() == (1.0, 0.0)
    assert pitfalls.mean_loss() == pytest.approx(200**2, rel=1e-4)
    right, wrong = pitfalls.weight_decay()
    assert wrong > 2 * right


def test_the_loop_logs_every_parameter_tensor(tmp_path):
    loop = pytest.importorskip("training_loop")
    path = tmp_path / "gsnr.csv"
    loop.train(loop.digits_model(), *loop.digits_loaders(), steps=21, path=path, every=20)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    names = {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert {(row["step"], row["parameter"]) for row in rows} == {
        (step, name) for step in ("0", "20") for name in names
    }
    assert all(np.isfinite(float(row["gsnr"])) for row in rows)


def test_nnx_gives_the_same_as_linen():
    nnx = pytest.importorskip("flax.nnx")
    import jax
    from flax import linen
    from flax_trees import by_name, gradient_moments, gsnr, linen_loss, nnx_loss

    x, y = jax.random.normal(jax.random.key(0), (6, 3)), jax.numpy.arange(6) % 2
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))

    def loss(z, y):
        return -jax.nn.log_softmax(z)[y]

    loss_of_one, params = nnx_loss(model, loss)
    found = by_name(gsnr(gradient_moments(loss_of_one, params, [(x, y)])))
    variables = {"params": {"kernel": model.kernel[...], "bias": model.bias[...]}}
    of_linen = gradient_moments(linen_loss(linen.Dense(2), loss), variables, [(x, y)])
    for name, ratio in by_name(gsnr(of_linen)).items():
        np.testing.assert_allclose(found[name.removeprefix("params/")], ratio, rtol=1e-5)


WORKER = """
import json, sys
import batch_means, torch
from torch import distributed

rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=sys.argv[2], rank=rank, world_size=2)
gradient = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64)[rank]
mean, variance = batch_means.over_workers(gradient, (2, 3)[rank])
print(json.dumps([mean.tolist(), variance.tolist()]))
distributed.destroy_process_group()
"""


def test_workers_give_what_one_process_gives(tmp_path):
    """Two workers; each has a batch of its own."""
    pytest.importorskip("torch")
    from batch_means import BatchMeans

    command = [sys.executable, "-c", WORKER]
    variables = os.environ | {"PYTHONPATH": str(RECIPES)}
    workers = [
        subprocess.Popen(
            [*command, str(rank), f"file://{tmp_path / 'meet'}"],
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    first, second = (json.loads(worker.communicate(timeout=100)[0]) for worker in workers)
    assert first == second
    mean, variance = first
    alone = BatchMeans()
    alone.add(np.array([1.0, 2.0]), 2)
    alone.add(np.array([3.0, 5.0]), 3)
    np.testing.assert_allclose(mean, alone.mean, rtol=1e-15)
    np.testing.assert_allclose(variance, alone.variance(), rtol=1e-15)
