"""What a mistake of arithmetic gives, against a backend in plain NumPy that makes it."""

import numpy as np
import pytest

from gsnr_ref import golden

CASES = [
    golden.load(id)
    for id in ("mlp2-tanh-cross-entropy", "linear-two-outputs", "conv-tanh-squared-error")
]


def rows(tree):
    """Per-sample gradients as (n_samples, n_params), parameters in the order of their names."""
    parts = [np.asarray(tree[name], float) for name in sorted(tree)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def row(tree):
    return np.concatenate([np.ravel(np.asarray(tree[name], float)) for name in sorted(tree)])


def backend(g, ns, n=None, mean=None, v0=None, v1=None, weights=None, r=None):
    """Every quantity of per-sample gradients g; any step can be replaced by a wrong one."""
    n = n or len(g)
    mean = g.mean(axis=0) if mean is None else mean
    v0 = g.var(axis=0) if v0 is None else v0
    v1 = g.var(axis=0, ddof=1) if v1 is None else v1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {"per_sample_gradients": g, "mean": mean, "variance_ddof0": v0}
        found |= {"variance_ddof1": v1, "gsnr_ddof0": mean**2 / v0, "gsnr_ddof1": mean**2 / v1}
        if r is not None:
            found |= {"gsnr_ddof0": r(mean, v0), "gsnr_ddof1": r(mean, v1)}
        for k in ns:
            expected = mean**2 + v0 / k
            w = expected / expected.sum() if weights is None else weights(mean, v0)
            found["osgr_weights", k] = w
            parts = np.where(v0 == 0, 1.0, mean**2 / (mean**2 + v0 / k))
            found["predicted_osgr", k] = np.nansum(w * parts)
        signal, noise = (mean**2).sum(), v0.sum()
        found["noise_scale"] = noise / signal
        found["coherence"] = signal / (signal + noise)
        found["debiased_gsnr"] = (n - 3) / (n - 1) * mean**2 / v1 - 1 / n
        found["debiased_osgr"] = 1 - v1.sum() / n / signal
    return found


def with_steps_of(g, ns, n):
    """By the name of a mistake, what it gives."""
    mean, v0, v1 = g.mean(axis=0), g.var(axis=0), g.var(axis=0, ddof=1)
    second = (g**2).mean(axis=0)
    total = np.tile(g.sum(axis=0), (n, 1))
    return {
        "mean-loss-gradients": backend(g / n, ns),
        "mean-loss-variance": backend(g, ns, v0=v0 / n**2, v1=v1 / n**2),
        "mean-loss-mean": backend(g, ns, mean=mean / n),
        "summed-mean": backend(g, ns, mean=g.sum(axis=0)),
        "summed-over-samples": backend(total, ns, v0=0 * v0, v1=0 * v0),
        "bessel-for-population": backend(g, ns, v0=v1),
        "no-bessel-for-sample": backend(g, ns, v1=v0),
        "uncentred-second-moment": backend(g, ns, v0=second, v1=second * n / (n - 1)),
        "snr-not-squared": backend(g, ns, r=lambda m, v: np.abs(m) / np.sqrt(v)),
        "standard-deviation-for-variance": backend(g, ns, v0=np.sqrt(v0), v1=np.sqrt(v1)),
        "mean-square-weights": backend(g, ns, weights=lambda m, v: m**2 / (m**2).sum()),
        "n-left-out-of-weights": backend(g, ns, weights=lambda m, v: (m**2 + v) / (m**2 + v).sum()),
        "rows-in-another-order": backend(np.roll(g, 1, axis=0), ns),
        "clipped-gradients": backend(
            g * np.minimum(1, 1 / np.linalg.norm(g, axis=1, keepdims=True)), ns
        ),
    }


NAMES = list(with_steps_of(np.array([[1.0, 2.0], [3.0, 5.0], [1.0, 1.0], [0.0, 4.0]]), [4], 4))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_gives_what_a_backend_with_it_computes(name, case):
    wrong = golden.mistakes()[name].wrong(case)
    g, n = rows(case.expected["per_sample_gradients"]), len(case.x)
    ns = [int(k) for k in case.expected["predicted_osgr"]]
    made = with_steps_of(g, ns, n)[name]
    compared = 0
    for quantity, value in wrong.items():
        for key, mine in made.items():
            if key == quantity:
                theirs = value if np.isscalar(value) else row(value)
                if quantity == "per_sample_gradients":
                    theirs = rows(value)
            elif isinstance(key, tuple) and key[0] == quantity:
                (theirs,) = (v for k, v in value.items() if int(k) == key[1])
                theirs = theirs if np.isscalar(theirs) else row(theirs)
            else:
                continue
            # Two orders of the same few sums, in float64; small differences of them are absolute.
            np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-13, err_msg=str(key))
            compared += 1
    assert compared
