"""Norms are their formulas, and their scale and shift are served by the tap."""

import numpy as np
import pytest

from gsnr_ref import InputError, gradient_moments, osgr_expansion, per_sample_gradients
from gsnr_ref.osgr.curvature import losses_apart
from tests.oracles.differences import central_differences
from tests.oracles.exact import exact_moments
from toy_models import FinitePopulation, Stack, squared_error
from toy_models.layer_types import Activation, Affine, Residual
from toy_models.norms import BatchNorm, GroupNorm, LayerNorm, RMSNorm

RNG = np.random.default_rng(0)
STATISTICS = [0.5, -0.25], [0.75, 1.5]
NORMS = {
    "layer": LayerNorm("norm", 6, eps=0.01),
    "layer at positions": LayerNorm("norm", 2, eps=0.01, n_positions=3),
    "rms": RMSNorm("norm", 6, eps=0.01),
    "rms at positions": RMSNorm("norm", 3, eps=0.01, n_positions=2),
    "group": GroupNorm("norm", 2, n_groups=2, n_positions=3, eps=0.01),
    "one group": GroupNorm("norm", 2, n_groups=1, n_positions=3, eps=0.01),
    "batch": BatchNorm("norm", 2, *STATISTICS, eps=0.01, n_positions=3),
}


def problem(norm, n=5):
    model = Stack(
        [Affine("first", 3, 6), norm, Activation("tanh"), Residual([Affine("last", 6, 6)])],
        squared_error,
    )
    params = {k: v + RNG.normal(size=v.shape) for k, v in model.init(0).items()}
    return model, params, RNG.normal(size=(n, 3)), RNG.normal(size=(n, 6))


def formula(norm, params, rows):
    """One sample at a time, in loops."""
    out = []
    for row in rows:
        if isinstance(norm, LayerNorm):
            parts = row.reshape(-1, norm.n_features)
            z = [(p - p.mean()) / np.sqrt(p.var() + norm.eps) for p in parts]
        elif isinstance(norm, RMSNorm):
            parts = row.reshape(-1, norm.n_features)
            z = [p / np.sqrt((p**2).mean() + norm.eps) for p in parts]
        elif isinstance(norm, GroupNorm):
            z = row.reshape(-1, norm.n_channels).copy()
            width = norm.n_channels // norm.n_groups
            for g in range(norm.n_groups):
                part = z[:, g * width : (g + 1) * width]
                z[:, g * width : (g + 1) * width] = (part - part.mean()) / np.sqrt(
                    part.var() + norm.eps
                )
        else:
            z = (row.reshape(-1, 2) - STATISTICS[0]) / np.sqrt(np.add(STATISTICS[1], norm.eps))
        z = np.array(z) * params["norm.scale"] + params.get("norm.shift", 0)
        out.append(z.ravel())
    return np.array(out)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_it_is_its_formula(norm):
    model, params, x, _ = problem(norm)
    h = np.tanh(formula(norm, params, x @ params["first.weight"] + params["first.bias"]))
    expected = h + h @ params["last.weight"] + params["last.bias"]
    assert np.allclose(model.outputs(params, x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_gradients_and_moments_are_the_loops_and_the_differences(norm):
    model, params, x, y = problem(norm)
    assert model.is_tapped
    tapped = per_sample_gradients(model, params, x, y)
    looped = per_sample_gradients(model, params, x, y, method="loop")
    differences = central_differences(model, params, x, y)
    moments = gradient_moments(model, params, x, y)
    assert set(tapped) == set(model.shapes) and "norm.scale" in tapped
    for name in model.trainable:
        assert np.allclose(tapped[name], looped[name], rtol=1e-12, atol=1e-13)
        # step 1e-5: truncation about 1e-9, rounding about 1e-11 of a loss of 10
        assert np.allclose(tapped[name], differences[name], rtol=1e-6, atol=1e-7)
        _, mean, m2 = exact_moments(looped[name])
        assert np.allclose(moments.mean[name], mean.astype(float), rtol=1e-11, atol=1e-13)
        assert np.allclose(moments.m2[name], m2.astype(float), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("norm", [NORMS["layer"], NORMS["rms at positions"]], ids=["one", "two"])
def test_each_sample_may_have_a_scale_and_a_shift_of_its_own(norm):
    model, params, x, y = problem(norm, n=3)
    moves = {k: RNG.normal(size=(3, *v.shape)) for k, v in params.items()}
    together = losses_apart(model, params, x, y, moves)
    apart = [
        model.loss({k: v + moves[k][i] for k, v in params.items()}, x[[i]], y[[i]])[0]
        for i in range(3)
    ]
    # a tap moves this map's outputs; what comes before it has moved already
    assert np.allclose(together, apart, rtol=1e-12)
    assert np.isfinite(osgr_expansion(model, params, FinitePopulation(x, y), 5).c1)


def test_a_tap_that_sees_other_inputs_than_the_scale_does_is_refused():
    model, params, x, y = problem(NORMS["layer"])

    class Wrong:
        trainable = model.trainable

        def loss(self, params, x, y, tap=lambda name, inputs, outputs: outputs):
            def partial(name, inputs, outputs):
                return tap(name, inputs[..., :4] if name == "norm" else inputs, outputs)

            return model.loss(params, x, y, partial)

    with pytest.raises(InputError, match=r"params\['norm.scale'\] has shape \(6,\).*expected \(4,"):
        gradient_moments(Wrong(), params, x, y)


def test_float32_stays_float32():
    for norm in NORMS.values():
        model, params, x, y = problem(norm)
        single = {k: v.astype(np.float32) for k, v in params.items()}
        gradients = per_sample_gradients(model, single, x.astype(np.float32), y.astype(np.float32))
        assert {g.dtype for g in gradients.values()} == {np.dtype(np.float32)}
