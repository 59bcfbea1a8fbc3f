"""The bars of this suite: what was asked for, beside what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.benchmarks.contenders import OURS
from tests.benchmarks.work import DENSE, Work


def ratio(work: Work, over: str, under: str) -> str:
    """The key of a figure: how many times as long one contender takes as another."""
    return f"{work.name}: {over} / {under}"


@dataclass(frozen=True)
class Bar:
    """A bar over one or more figures, all of which have to meet it."""

    what: str
    keys: tuple[str, ...]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def asked(self) -> str:
        """The bar in words."""
        low = "" if self.at_least is None else f"at least {self.at_least:g}"
        high = "" if self.at_most is None else f"at most {self.at_most:g}"
        return " and ".join(filter(None, (low, high)))

    def row(self, figures: Mapping[str, float]) -> list[str]:
        """What, the bar, the figures, and whether they meet it."""
        known = [figures[k] for k in self.keys if k in figures]
        if not known:
            return [self.what, self.asked, "not measured", ""]
        met = all(
            (self.at_most is None or f <= self.at_most)
            and (self.at_least is None or f >= self.at_least)
            for f in known
        )
        measured = ", ".join(f"{f:.3g}" for f in known)
        return [self.what, self.asked, measured, "met" if met else "**not met**"]


def _dense(dtype: str, n: int = 10_000) -> Work:
    return Work("dense", DENSE, n, dtype)


def _large(dtype: str) -> tuple[str, ...]:
    return tuple(ratio(_dense(dtype, n), OURS, "NumPy, mean gradient") for n in (10_000, 60_000))


def _against(dtype: str, other: str) -> tuple[str, ...]:
    return (ratio(_dense(dtype), other, OURS),)


CONVNET = Work("ConvNet", (28, 1, 6, 16, 120, 10), 1_000, "float32")
ELMAN, LSTM = (Work(kind, (28, 64, 10), 1_000, "float32") for kind in ("Elman", "LSTM"))
SAMPLES = [
    Work("from_samples", sizes, n, dtype)
    for sizes, n in (((1_000,), 10_000), ((79_510,), 256))
    for dtype in ("float64", "float32")
]
PLAIN, VMAP = "torch, mean gradient", "torch.func vmap(grad)"
BARS = [
    Bar("dense, float64, n = 10,000 and 60,000: time over plain NumPy's", _large("float64"), 1.6),
    Bar("dense, float32, n = 10,000 and 60,000: time over plain NumPy's", _large("float32"), 2.6),
    Bar(
        "dense, float64, n = 10,000: BackPACK `Variance`'s time over ours",
        _against("float64", "BackPACK Variance"),
        at_least=1.4,
    ),
    Bar(
        "dense, float32, n = 10,000: BackPACK `Variance`'s time over ours",
        _against("float32", "BackPACK Variance"),
        at_least=1.0,
    ),
    Bar(
        "dense, float64 and float32, n = 10,000: torch.func's time over ours",
        _against("float64", VMAP) + _against("float32", VMAP),
        at_least=50,
    ),
    Bar(
        "dense, float64 and float32, n = 10,000: JAX `vmap(grad)`'s time over ours",
        _against("float64", "JAX vmap(grad)") + _against("float32", "JAX vmap(grad)"),
        at_least=100,
    ),
    Bar(
        "ConvNet, float32, n = 1,000: time over torch's plain gradient",
        (ratio(CONVNET, OURS, PLAIN),),
        1.3,
    ),
    Bar(
        "ConvNet, float32, n = 1,000: time over torch's `vmap(grad)`",
        (ratio(CONVNET, OURS, VMAP),),
        0.7,
    ),
    Bar("Elman: time over torch's plain gradient", (ratio(ELMAN, OURS, PLAIN),), 2),
    Bar("Elman: time over torch's `vmap(grad)`", (ratio(ELMAN, OURS, VMAP),), 0.4),
    Bar("LSTM: time over torch's plain gradient", (ratio(LSTM, OURS, PLAIN),), 3),
    Bar("LSTM: time over torch's `vmap(grad)`", (ratio(LSTM, OURS, VMAP),), 0.5),
    Bar(
        "`from_samples`: time over NumPy's two passes in the dtype of the data "
        "(10,000 × 1,000, then 256 × 79,510; float64 and float32 of each)",
        tuple(ratio(w, OURS, "NumPy two-pass") for w in SAMPLES),
        2,
    ),
    Bar(
        "the same, over NumPy's two passes in float64",
        tuple(ratio(w, OURS, "NumPy two-pass, in float64") for w in SAMPLES),
        2,
    ),
    Bar(
        "`from_samples`: peak memory beside the input, over the input's",
        tuple(f"{w.name}: memory" for w in SAMPLES),
        2,
    ),
    Bar("`gsnr-ref verify`: seconds", ("verify",), 30),
    Bar("dense arrays, n = 10³ to 10⁶: exponent of the time", ("exponent, arrays",), 1.05, 0.95),
    Bar("dense, streamed, n = 10³ to 10⁶: exponent", ("exponent, streamed",), 1.05, 0.95),
    Bar(
        "memory at n = 10⁶ over that at n = 10⁵, arrays and streamed",
        ("growth, arrays", "growth, streamed"),
        1.05,
    ),
    Bar("10⁷ samples over 4 Dask workers: efficiency on the cores", ("efficiency",), None, 0.85),
    Bar(
        "the same: largest difference from one process, in units of the last place",
        ("units in the last place",),
        1,
    ),
    Bar("`import gsnr_ref`: time over its dependencies'", ("import gsnr_ref",), 1.3),
    Bar("`gsnr-ref --help`: time over the dependencies' import", ("gsnr-ref --help",), 1.5),
]
