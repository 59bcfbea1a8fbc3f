"""Who is timed: for each contender what it can do, and how. Imports no framework by itself.

A contender is a function of a `Work` that returns ``(warm_up, call)``, both without arguments.
``call`` returns the mean gradient and the variance, in any layout, each a list of arrays, or None:
so that a race between different things is noticed.
"""

import importlib
from collections.abc import Callable
from typing import Any

from tests.benchmarks.work import MODELS, Work

Call = Callable[[], Any]
OURS = "gsnr_ref"
RECURRENT = ("Elman", "LSTM")
#: Rows of which forming every per-sample gradient is not worth waiting for.
MOST = 10_000


def is_formed(work: Work) -> bool:
    """Whether a contender that forms per-sample gradients should take part."""
    return work.n <= MOST


def only(*kinds: str, formed: bool = False) -> Callable[[Work], bool]:
    """Whether a work is of one of these kinds."""
    return lambda work: work.kind in kinds and (not formed or is_formed(work))


#: Name: module, function, and the works it takes part in. The order is that of the page.
CONTENDERS: dict[str, tuple[str, str, Callable[[Work], bool]]] = {
    OURS: ("with_numpy", "ours", lambda work: work.kind != "recipes"),
    "NumPy, mean gradient": ("with_numpy", "mean_gradient", only("dense", "linear")),
    "autograd, mean gradient": (
        "with_numpy",
        "autograd_mean_gradient",
        only(*(kind for kind in MODELS if kind not in ("dense", "linear"))),
    ),
    "torch, mean gradient": (
        "with_torch",
        "mean_gradient",
        only("dense", "linear", "ConvNet", *RECURRENT),
    ),
    "torch, squares by hand": ("with_torch", "squares_by_hand", only("dense", "linear")),
    "BackPACK Variance": ("with_torch", "backpack_variance", only("dense", "linear", "ConvNet")),
    "torch.func vmap(grad)": (
        "with_torch",
        "vmap_grad",
        only("dense", "ConvNet", *RECURRENT, formed=True),
    ),
    "Opacus grad_sample": ("with_torch", "opacus", only("dense", "ConvNet", formed=True)),
    "JAX, mean gradient": ("with_jax", "mean_gradient", only("dense")),
    "JAX vmap(grad)": ("with_jax", "vmap_grad", only("dense", formed=True)),
    "NumPy two-pass": ("with_numpy", "two_pass", only("from_samples")),
    "NumPy two-pass, in float64": ("with_numpy", "two_pass_in_float64", only("from_samples")),
} | {
    f"{recipe}": ("with_recipes", function, only("recipes"))
    for recipe, function in {
        "torch, plain": "torch_plain",
        "recipe torch.func": "torch_func",
        "recipe hooks": "torch_hooks",
        "recipe Opacus": "opacus_gsnr",
        "recipe BackPACK": "backpack_gsnr",
        "recipe batch means": "batch_means",
        "JAX, plain": "jax_plain",
        "recipe JAX": "jax_vmap",
        "TensorFlow, plain": "tensorflow_plain",
        "recipe TensorFlow": "tensorflow_gsnr",
    }.items()
}


def build(name: str, work: Work) -> tuple[Call, Call]:
    """Get a contender ready: data, parameters and model in its own framework."""
    module, function, _ = CONTENDERS[name]
    builder = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
    calls: tuple[Call, Call] = builder(work)
    return calls


def taking_part(work: Work) -> list[str]:
    """Names of the contenders of a work."""
    return [name for name, (_, _, fits) in CONTENDERS.items() if fits(work)]
