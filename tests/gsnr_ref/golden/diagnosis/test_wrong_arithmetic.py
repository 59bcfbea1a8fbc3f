"""What a mistake of arithmetic gives, against a backend in plain NumPy that makes it."""

from itertools import pairwise

import numpy as np
import pytest

from gsnr_ref import golden

CASES = [
    golden.load(id)
    for id in (
        "mlp2-tanh-cross-entropy",
        "linear-two-outputs",
        "conv-tanh-squared-error",
        "linear-dead-input",
        "linear-weighted",
    )
]
IN_BATCHES = [golden.load(id) for id in ("linear-uneven-batches", "mlp2-tanh-uneven-batches")]


def rows(tree):
    """Per-sample gradients as (n_samples, n_params), parameters in the order of their names."""
    parts = [np.asarray(tree[name], float) for name in sorted(tree)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def row(tree):
    return np.concatenate([np.ravel(np.asarray(tree[name], float)) for name in sorted(tree)])


def shares(case):
    n = len(case.x)
    return np.full(n, 1 / n) if case.probabilities is None else case.probabilities


class Backend:
    """Every quantity of per-sample gradients g; any step can be replaced by a wrong one."""

    def __init__(self, case):
        self.ns = [int(k) for k in case.expected["predicted_osgr"]]
        self.n, self.p = len(case.x), shares(case)
        self.has_sample = case.probabilities is None and self.n > 1
        self.g = rows(case.expected["per_sample_gradients"])

    def moments(self, g):
        mean = self.p @ g
        v0 = self.p @ (g - mean) ** 2
        return mean, v0, v0 * self.n / (self.n - 1)

    def __call__(self, g=None, mean=None, v0=None, v1=None, weights=None, r=None, more=0):
        g = self.g if g is None else g
        right = self.moments(g)
        mean, v0, v1 = (a if b is None else b for a, b in zip(right, (mean, v0, v1), strict=True))
        r = r or (lambda m, v: m**2 / v)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {"per_sample_gradients": g, "mean": mean, "variance_ddof0": v0}
            found |= {"gsnr_ddof0": r(mean, v0)}
            for n in self.ns:
                k = np.float64(n + more)
                expected = mean**2 + v0 / k
                w = expected / expected.sum() if weights is None else weights(mean, v0)
                found["osgr_weights", n] = w
                parts = np.where((v0 == 0) | (w == 0), 1.0, mean**2 / expected)
                found["predicted_osgr", n] = (w * parts).sum()
            signal, noise = (mean**2).sum(), v0.sum()
            found["noise_scale"] = noise / signal
            found["coherence"] = signal / (signal + noise)
            if self.has_sample:
                n = self.n
                found |= {"variance_ddof1": v1, "gsnr_ddof1": r(mean, v1)}
                found["debiased_gsnr"] = (n - 3) / (n - 1) * mean**2 / v1 - 1 / n
                found["debiased_osgr"] = 1 - v1.sum() / n / signal
        return found


def rooted(m, v):
    return np.abs(m) / np.sqrt(v)


def with_steps_of(case):
    """By the name of a mistake, what it gives."""
    made = Backend(case)
    g, n = made.g, made.n
    mean, v0, v1 = made.moments(g)
    right, second = made(), made.p @ g**2
    norms = np.linalg.norm(g, axis=1, keepdims=True)
    theta = row({name: case.params[name] for name in case.expected["mean"]})
    found = {
        "mean-loss-gradients": made(g / n),
        "mean-loss-variance": made(v0=v0 / n**2, v1=v1 / n**2),
        "mean-loss-mean": made(mean=mean / n),
        "summed-mean": made(mean=n * mean),
        "summed-over-samples": made(np.tile(g.sum(axis=0), (n, 1)), g.sum(axis=0), 0 * v0, 0 * v0),
        "uncentred-second-moment": made(v0=second, v1=second * n / (n - 1)),
        "one-pass-variance": made(),
        "equation-22-cancels": made(),
        "snr-not-squared": made(r=rooted) | {"debiased_gsnr": right.get("debiased_gsnr")},
        "epsilon-in-denominator": made(r=lambda m, v: m**2 / (v + 1e-5)),
        "standard-deviation-for-variance": made(v0=np.sqrt(v0), v1=np.sqrt(v1)),
        "mean-square-weights": made(weights=lambda m, v: m**2 / (m**2).sum()),
        "n-left-out-of-weights": made(weights=lambda m, v: (m**2 + v) / (m**2 + v).sum()),
        "n-plus-one": right | sums(made(more=1)),
        "n-minus-one": right | sums(made(more=-1)),
        "rows-in-another-order": made(np.roll(g, 1, axis=0)),
        "clipped-gradients": made(g * np.minimum(1, 1 / np.maximum(norms, 1e-300))),
        "weight-decay-in-gradient": made(g + 0.01 * theta),
    }
    alive = right["gsnr_ddof0"][~np.isnan(right["gsnr_ddof0"])]
    found["mean-of-ratios"] = right | {"noise_scale": (1 / alive).mean()}
    found["mean-of-ratios"] |= {
        ("predicted_osgr", k): (1 / (1 + 1 / (k * alive))).mean() for k in made.ns
    }
    finite = {q: right[q] for q in ("gsnr_ddof0", "gsnr_ddof1", "debiased_gsnr") if q in right}
    found["degenerate-replaced"] = right | {
        q: np.where(np.isfinite(r), r, 0.0) for q, r in finite.items()
    }
    found["undefined-as-infinite"] = right | {
        q: np.where(np.isnan(r), np.inf, r) for q, r in finite.items()
    }
    if len(alive) < len(g[0]):
        found["dead-parameter-spreads"] = right | {("predicted_osgr", k): np.nan for k in made.ns}
    if made.has_sample:
        signal = (mean**2).sum()
        found["bessel-for-population"] = made(v0=v1)
        found["no-bessel-for-sample"] = made(v1=v0)
        found["plug-in-bias"] = right | {
            "debiased_gsnr": right["gsnr_ddof1"],
            "debiased_osgr": signal / (signal + v1.sum() / n),
        }
        found["clamped-negatives"] = right | {
            "debiased_gsnr": np.maximum(right["debiased_gsnr"], 0),
            "debiased_osgr": max(right["debiased_osgr"], 0),
        }
    if case.probabilities is not None:
        found["probabilities-ignored"] = made(mean=g.mean(axis=0), v0=g.var(axis=0))
    if case.batches is not None:
        cut = [g[a:b] for a, b in pairwise(np.cumsum([0, *case.batches]))]
        means = np.array([part.mean(axis=0) for part in cut])
        variance = np.mean([part.var(axis=0) for part in cut], axis=0)
        batch_means = made(
            mean=means.mean(axis=0), v0=means.var(axis=0), v1=means.var(axis=0, ddof=1)
        )
        found["batch-means-as-samples"] = batch_means
        found["unweighted-merge"] = made(
            mean=means.mean(axis=0), v0=variance, v1=variance * n / (n - 1)
        )
    return found


def sums(found):
    """What depends on n only."""
    return {key: value for key, value in found.items() if isinstance(key, tuple)}


def flattened(values):
    """Quantities of a mistake with parameters in one row, and n beside the quantity."""
    found = {}
    for quantity, value in values.items():
        if quantity == "per_sample_gradients":
            found[quantity] = rows(value)
        elif quantity in ("osgr_weights", "predicted_osgr"):
            for n, part in value.items():
                key = quantity, int(n)
                found[key] = row(part) if isinstance(part, dict) else float(part)
        elif isinstance(value, dict):
            found[quantity] = row(value)
        else:
            found[quantity] = value
    return found


MADE = {case: with_steps_of(case) for case in CASES + IN_BATCHES}
TOLD = [
    (case, name)
    for case, made in MADE.items()
    for name in made
    if case in CASES or name in ("batch-means-as-samples", "unweighted-merge")
]


@pytest.mark.parametrize(("case", "name"), TOLD, ids=str)
def test_a_mistake_gives_what_a_backend_with_it_computes(case, name):
    """And what it does not state is what a right backend computes."""
    wrong, right = (flattened(v) for v in (golden.mistakes()[name].wrong(case), case.expected))
    assert wrong
    for key, mine in MADE[case][name].items():
        if key in right:
            theirs = wrong.get(key, right[key])
            # Two orders of the same few sums, in float64; small differences of them are absolute.
            np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-13, err_msg=str(key))


def test_what_a_mistake_needs_is_not_everywhere():
    """Without it there is nothing to be wrong."""
    for name, id in (
        ("bessel-for-population", "linear-weighted"),
        ("no-bessel-for-sample", "linear-one-sample"),
        ("plug-in-bias", "linear-weighted"),
        ("clamped-negatives", "linear-weighted"),
        ("probabilities-ignored", "linear"),
        ("batch-means-as-samples", "linear"),
        ("unweighted-merge", "linear"),
        ("dead-parameter-spreads", "linear"),
        ("mean-of-ratios", "location"),
        ("expectation-of-ratios", "linear-two-outputs"),
    ):
        assert golden.mistakes()[name].wrong(golden.load(id)) == {}, name
    for mistake in golden.mistakes().values():  # all entries of a quantity, or none
        assert mistake.wrong(golden.load("large-location")) == {}
