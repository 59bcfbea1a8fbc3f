"""What NumPy is told to do with floating-point faults changes no result of the package's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gsnr_ref
from gsnr_ref import GradientMoments, gradient_moments, related
from gsnr_ref.contract import RangeError
from toy_models import MLP, FinitePopulation, GaussianLinear, LinearRegression

MODEL = LinearRegression(2)
DEEP = MLP((2, 3, 1))


def results(seed, scale, dead):
    """Every kind of number the package gives, as text: equal text means equal bits."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 2)) * scale, rng.normal(size=12)
    x[:, 1] *= not dead  # a variance and a mean of 0: 0/0 inside
    params, deep = MODEL.init(0), DEEP.init(0)
    samples = gsnr_ref.per_sample_gradients(MODEL, params, x, y)
    moments = gradient_moments(MODEL, params, x, y)
    support = FinitePopulation(x[:3], y[:3])
    drawn = GaussianLinear([1.0, -1.0])
    sets = [GradientMoments.from_samples(rng.normal(size=(6, 3))) for _ in range(4)]

    calls = [
        lambda: [moments.mean, moments.variance(1), moments.signal_and_noise()],
        lambda: gradient_moments(DEEP, deep, x, y).m2,
        lambda: gradient_moments(DEEP, deep, x, y, rng.random(12), 5, "loop").m2,
        lambda: GradientMoments.from_samples(samples).merge(moments).m2,
        lambda: GradientMoments.from_batch_means(samples, 3).m2,
        lambda: gsnr_ref.gsnr(moments),
        lambda: gsnr_ref.gsnr_summary(moments),
        lambda: gsnr_ref.predicted_osgr(moments, 5),
        lambda: gsnr_ref.osgr_weights(moments, 5),
        lambda: gsnr_ref.collapsed_osgr(moments, 5),
        lambda: gsnr_ref.effective_gsnr(moments),
        lambda: gsnr_ref.debiased_gsnr(moments),
        lambda: gsnr_ref.debiased_osgr(moments),
        lambda: gsnr_ref.gsnr_interval(moments),
        lambda: gsnr_ref.robust_gsnr_interval(samples),
        lambda: gsnr_ref.osgr_interval(samples, 5),
        lambda: gsnr_ref.holdout_osgr(moments, 5),
        lambda: gsnr_ref.enumerated_osgr(MODEL, params, support, 2, 1e-3 / scale**2),
        lambda: gsnr_ref.measured_osgr(MODEL, params, support, 3, 1e-3 / scale**2, n_trials=3),
        lambda: gsnr_ref.measured_osgr(MODEL, params, drawn, 3, 1e-3, n_trials=3),
        lambda: gsnr_ref.osgr_expansion(MODEL, params, support, 4),
        lambda: related.simple_noise_scale(moments),
        lambda: related.coherence(moments),
        lambda: [
            getattr(related, name)(samples)
            for name in (
                "m_coherence",
                "gradient_diversity",
                "stiffness",
                "gradient_confusion",
                "sign_agreement",
                "sample_agreement",
            )
        ],
        lambda: gsnr_ref.held_out_osgr(sets[:2], sets[2:]),
    ]
    return [outcome(call) for call in calls]


def outcome(call):
    try:
        return repr(call())
    except (gsnr_ref.InputError, RangeError) as error:
        return repr(error)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1.0, 1e-40, 1e-100, 1e30, 1e60]),
    st.booleans(),
)
def test_results_do_not_depend_on_what_numpy_does_with_faults(seed, scale, dead):
    with np.errstate(all="ignore"):
        wanted = results(seed, scale, dead)
    for mode in ("warn", "raise"):
        with np.errstate(all=mode):
            found = results(seed, scale, dead)
        assert found == wanted
