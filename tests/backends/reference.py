"""This package as a backend: its float64 results are graded like any other's."""

from itertools import pairwise

import gsnr_ref
from toy_models import FinitePopulation

NAME, DTYPES, LAYOUT = "gsnr_ref", ("float64",), "gsnr_ref"
CLAIMS = ("core", "tails", "deep", "sequence", "attention", "large")


def version():
    """Return what was run."""
    from importlib.metadata import version as installed

    return installed("gsnr-ref")


def results(case, dtype="float64", from_samples=False):
    """Return every quantity of a case; moments streamed, or of per-sample gradients."""
    model, params, x, y = case.build(), case.params, case.x, case.y
    method = "tapped" if getattr(model, "is_tapped", True) else "loop"
    gradients = gsnr_ref.per_sample_gradients(model, params, x, y, method=method)
    if from_samples:
        moments = gsnr_ref.GradientMoments.from_samples(gradients, case.probabilities)
    elif case.batches:
        edges = [sum(case.batches[:i]) for i in range(len(case.batches) + 1)]
        slices = [slice(a, b) for a, b in pairwise(edges)]
        batches = ((x[s], y[s]) for s in slices)
        moments = gsnr_ref.gradient_moments(model, params, batches, method=method)
    else:
        moments = gsnr_ref.gradient_moments(
            model, params, x, y, weights=case.probabilities, method=method
        )
    sizes = {n: int(n) for n in case.expected["predicted_osgr"]}
    values = {
        "losses": model.loss(params, x, y),
        "per_sample_gradients": gradients,
        "mean": moments.mean,
        "variance_ddof0": moments.variance(),
        "gsnr_ddof0": gsnr_ref.gsnr(moments),
        "osgr_weights": {k: gsnr_ref.osgr_weights(moments, n) for k, n in sizes.items()},
        "predicted_osgr": {k: gsnr_ref.predicted_osgr(moments, n) for k, n in sizes.items()},
        "noise_scale": gsnr_ref.related.simple_noise_scale(moments),
        "coherence": gsnr_ref.related.coherence(moments),
    }
    if "variance_ddof1" in case.expected:
        values["variance_ddof1"] = moments.variance(ddof=1)
        values["gsnr_ddof1"] = gsnr_ref.gsnr(moments, ddof=1)
    if "debiased_gsnr" in case.expected:
        values["debiased_gsnr"] = gsnr_ref.debiased_gsnr(moments)
    if "debiased_osgr" in case.expected:
        values["debiased_osgr"] = gsnr_ref.debiased_osgr(moments)
    if "reduced_loss" in case.expected:
        factor = len(x) if case.reduction == "sum" else 1
        values["reduced_loss"] = values["losses"].mean() * factor
        values["reduced_gradient"] = {k: m * factor for k, m in moments.mean.items()}
    if "enumerated_osgr" in case.expected:
        population = FinitePopulation(x, y, case.probabilities)
        values["enumerated_osgr"] = {}
        for key in case.expected["enumerated_osgr"]:
            n, rate = (part.partition("=")[2] for part in key.split())
            outcome = gsnr_ref.enumerated_osgr(model, params, population, int(n), float(rate))
            values["enumerated_osgr"][key] = outcome.value
    return values
