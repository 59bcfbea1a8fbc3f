"""Gradient signal-to-noise ratio (GSNR) and one-step generalization ratio (OSGR).

A reference implementation of "Understanding Why Neural Networks Generalize Well Through GSNR of
Parameters" (Liu et al., ICLR 2020). The names below stand in the order of the derivation; beside
them, ``closed_form`` holds populations known on paper, and ``related`` what others compute.
"""

# isort: off
from gsnr_ref import interrupts  # noqa: F401 (first: Ctrl-C while the rest is imported)

# isort: on
from gsnr_ref import closed_form, related
from gsnr_ref.contract import (
    CoverageWarning,
    InputError,
    Model,
    Population,
    PrecisionWarning,
    RangeError,
)
from gsnr_ref.feature_learning import FeatureLearningTerms, feature_learning_terms
from gsnr_ref.gradients import check_model, per_sample_gradients
from gsnr_ref.inference import (
    debiased_gsnr,
    debiased_osgr,
    gsnr_interval,
    osgr_interval,
    plug_in_osgr,
    robust_gsnr_interval,
)
from gsnr_ref.loss_checks import ModelReport
from gsnr_ref.moments import GradientMoments, gradient_moments, mixed_moments
from gsnr_ref.osgr import (
    EnumeratedOSGR,
    Expansion,
    FiniteStep,
    LeaveOneOutRun,
    MeasuredOSGR,
    ReuseLaw,
    SetRatio,
    collapsed_osgr,
    effective_gsnr,
    enumerated_osgr,
    finite_step_osgr,
    gap_ledger,
    held_out_osgr,
    holdout_osgr,
    leave_one_out_run,
    measured_osgr,
    osgr_expansion,
    osgr_weights,
    preconditioned_osgr,
    predicted_osgr,
    reuse_factor,
    reuse_law,
)
from gsnr_ref.signal_to_noise import GSNRSummary, gsnr, gsnr_summaries, gsnr_summary

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 (in the order of the derivation)
    # What a user brings
    "Model",
    "Population",
    # Gradients of samples, equation 1
    "per_sample_gradients",
    "ModelReport",
    "check_model",
    # Their mean and variance
    "GradientMoments",
    "gradient_moments",
    "mixed_moments",
    # GSNR, equation 2
    "gsnr",
    "GSNRSummary",
    "gsnr_summary",
    "gsnr_summaries",
    # OSGR from moments, equations 21 and 22
    "osgr_weights",
    "predicted_osgr",
    "collapsed_osgr",
    "effective_gsnr",
    # OSGR by its definition, equation 5
    "MeasuredOSGR",
    "measured_osgr",
    "EnumeratedOSGR",
    "enumerated_osgr",
    # Other steps and other draws
    "Expansion",
    "osgr_expansion",
    "preconditioned_osgr",
    "holdout_osgr",
    # Beyond the assumption: parameters that have seen the training set
    "SetRatio",
    "held_out_osgr",
    "reuse_factor",
    "ReuseLaw",
    "reuse_law",
    "gap_ledger",
    "FiniteStep",
    "finite_step_osgr",
    "LeaveOneOutRun",
    "leave_one_out_run",
    # Why training raises GSNR, equation 28
    "FeatureLearningTerms",
    "feature_learning_terms",
    # From a sample
    "debiased_gsnr",
    "gsnr_interval",
    "robust_gsnr_interval",
    "debiased_osgr",
    "osgr_interval",
    "plug_in_osgr",
    # Namespaces
    "closed_form",
    "related",
    # Errors and warnings
    "InputError",
    "RangeError",
    "PrecisionWarning",
    "CoverageWarning",
]
