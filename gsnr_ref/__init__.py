"""Gradient signal-to-noise ratio (GSNR) and one-step generalization ratio (OSGR).

A reference implementation of "Understanding Why Neural Networks Generalize Well Through GSNR of
Parameters" (Liu et al., ICLR 2020). The names below stand in the order of the derivation.
"""

from gsnr_ref.closed_form import (
    ClosedForm,
    finite_linear_regression,
    gaussian_linear_regression,
    holdout_linear_regression,
    holdout_osgr,
    label_noise,
    location_model,
)
from gsnr_ref.contract import (
    InputError,
    Model,
    Population,
    PrecisionWarning,
    RangeError,
)
from gsnr_ref.feature_learning import FeatureLearning, feature_learning
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.gsnr import GSNRSummary, gsnr, gsnr_summaries, gsnr_summary
from gsnr_ref.inference import (
    debiased_gsnr,
    debiased_osgr,
    gsnr_interval,
    osgr_interval,
    paper_osgr,
    robust_gsnr_interval,
)
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.enumerated import EnumeratedOSGR, enumerated_osgr
from gsnr_ref.osgr.expansion import Expansion, osgr_expansion
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.preconditioned import preconditioned_osgr
from gsnr_ref.osgr.predicted import (
    collapsed_osgr,
    effective_gsnr,
    osgr_weights,
    predicted_osgr,
)
from gsnr_ref.related import (
    coherence,
    coherence_from_osgr,
    debiased_osgr_from_m_coherence,
    early_stopping_criterion,
    gradient_confusion,
    gradient_diversity,
    m_coherence,
    noise_scale_from_osgr,
    normalized_gradient_variance,
    osgr_from_coherence,
    osgr_from_noise_scale,
    sign_agreement,
    simple_noise_scale,
    stiffness,
)

__all__ = [  # noqa: RUF022 (in the order of the derivation)
    "Model",
    "Population",
    "per_sample_gradients",
    "GradientMoments",
    "gradient_moments",
    "gsnr",
    "GSNRSummary",
    "gsnr_summary",
    "gsnr_summaries",
    "osgr_weights",
    "predicted_osgr",
    "collapsed_osgr",
    "effective_gsnr",
    "MeasuredOSGR",
    "measured_osgr",
    "EnumeratedOSGR",
    "enumerated_osgr",
    "Expansion",
    "osgr_expansion",
    "preconditioned_osgr",
    "FeatureLearning",
    "feature_learning",
    "ClosedForm",
    "location_model",
    "gaussian_linear_regression",
    "finite_linear_regression",
    "holdout_linear_regression",
    "holdout_osgr",
    "label_noise",
    "debiased_gsnr",
    "gsnr_interval",
    "robust_gsnr_interval",
    "debiased_osgr",
    "osgr_interval",
    "paper_osgr",
    "simple_noise_scale",
    "normalized_gradient_variance",
    "coherence",
    "m_coherence",
    "gradient_diversity",
    "stiffness",
    "gradient_confusion",
    "sign_agreement",
    "early_stopping_criterion",
    "osgr_from_noise_scale",
    "noise_scale_from_osgr",
    "osgr_from_coherence",
    "coherence_from_osgr",
    "debiased_osgr_from_m_coherence",
    "InputError",
    "RangeError",
    "PrecisionWarning",
]
