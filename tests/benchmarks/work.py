"""What is timed: models, sizes, and the same data and parameters for every contender."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from toy_models import MLP, ConvNet, LinearRegression, RecurrentNet, transformer

#: Rows that a contender holds at a time where it forms per-sample gradients.
BATCH = 1000


@dataclass(frozen=True)
class Work:
    """One thing to compute. `kind` says what, and which contenders can do it.

    Attributes
    ----------
    kind : str
        A key of ``MODELS``: mean and variance of the model's per-sample gradients. Or another, of
        which only arrays are needed.
    sizes : tuple of int
        Of the model, or the shape of an array.
    n : int
        Samples.
    dtype : str
        Of the data and, as far as they have a choice, of the contenders' arithmetic.
    streamed : bool
        In batches of 1,000 that are the same array, so that the data take no memory.
    """

    kind: str
    sizes: tuple[int, ...]
    n: int
    dtype: str = "float64"
    streamed: bool = False

    @property
    def name(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        streamed = ", streamed" if self.streamed else ""
        return f"{self.kind} {sizes}, n = {self.n:,}, {self.dtype}{streamed}"


def _convnet(height: int, channels: int, *rest: int) -> ConvNet:
    if channels == 1:
        return ConvNet((height, height, 1), rest[:2], rest[2:-1], rest[-1])
    blocks = (rest[0],) * 4
    return ConvNet((height, height, channels), blocks, (), 10, 3, padding=1, convolutions=2)


#: Models by kind, from the sizes.
MODELS: dict[str, Any] = {
    "dense": lambda *sizes: MLP(sizes, loss="cross_entropy"),
    "linear": LinearRegression,
    "ConvNet": _convnet,
    "Elman": RecurrentNet,
    "LSTM": lambda *sizes: RecurrentNet(*sizes, cell="lstm"),
    "transformer": lambda n_tokens, n_steps, width: transformer(n_tokens, n_steps, width, 4),
}
N_STEPS = 28


@lru_cache(maxsize=1)
def data(work: Work) -> Any:
    """Model, parameters, x and y of a work: the same in every process."""
    rng = np.random.default_rng(0)
    model = MODELS[work.kind](*work.sizes)
    params = {k: v.astype(work.dtype) for k, v in model.init(0).items()}
    n, dtype = BATCH if work.streamed else work.n, np.dtype(work.dtype)
    if work.kind == "transformer":
        n_tokens, n_steps, _ = work.sizes
        tokens = rng.integers(0, n_tokens, (n, n_steps + 1))
        return model, params, tokens[:, :-1], tokens[:, 1:]
    if work.kind == "linear":
        shape: tuple[int, ...] = (n, work.sizes[0])
    elif work.kind == "ConvNet":
        shape = (n, work.sizes[0], work.sizes[0], work.sizes[1])
    elif work.kind in ("Elman", "LSTM"):
        shape = (n, N_STEPS, work.sizes[0])
    else:
        shape = (n, work.sizes[0])
    x = rng.random(shape, dtype=dtype)
    if work.kind == "linear":
        return model, params, x, rng.standard_normal(n).astype(dtype)
    return model, params, x, rng.integers(0, 10, n)


def batches(work: Work, x: Any, y: Any) -> list[Any]:
    """The data in batches of ``BATCH``."""
    if work.streamed:
        return [(x, y)] * (work.n // BATCH)
    return [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, work.n, BATCH)]


DENSE, SMALL = (784, 100, 10), (784, 20, 10)
SCALED = (100, 50, 10)
BOTH = ("float64", "float32")
FLOATS = [Work("dense", DENSE, n, t) for n in (1_000, 10_000, 60_000) for t in BOTH]
RACES = [
    *FLOATS,
    *(Work("dense", SMALL, 60_000, t) for t in BOTH),
    *(Work("linear", (10_000,), 1_000, t) for t in BOTH),
    Work("ConvNet", (28, 1, 6, 16, 120, 10), 1_000, "float32"),
    Work("ConvNet", (32, 3, 16), 100, "float32"),
    Work("Elman", (28, 64, 10), 1_000, "float32"),
    Work("LSTM", (28, 64, 10), 1_000, "float32"),
    Work("transformer", (65, 32, 64), 200, "float32"),
    *(Work("from_samples", (1_000,), 10_000, t) for t in BOTH),
    *(Work("from_samples", (79_510,), 256, t) for t in BOTH),
    Work("recipes", DENSE, 1_024, "float32"),
]
SCALING = {
    streamed: [Work("dense", SCALED, 10**k, "float32", streamed) for k in (3, 4, 5, 6)]
    for streamed in (False, True)
}
FUNCTIONS = [
    Work("merge", (79_510,), 2),
    Work("enumerated_osgr", (4,), 5),
    Work("measured_osgr", (64, 32, 10), 100),
    Work("osgr_interval", (1_000,), 1_000),
]
QUICK = [
    *(Work("dense", DENSE, 10_000, t) for t in BOTH),
    Work("ConvNet", (28, 1, 6, 16, 120, 10), 100, "float32"),
    Work("from_samples", (1_000,), 10_000, "float64"),
]
