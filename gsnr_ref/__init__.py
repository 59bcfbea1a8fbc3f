"""Gradient signal-to-noise ratio (GSNR) and one-step generalization ratio (OSGR).

A reference implementation of "Understanding Why Neural Networks Generalize Well Through GSNR of
Parameters" (Liu et al., ICLR 2020). The names below stand in the order of the derivation.
"""

from gsnr_ref.contract import (
    InputError,
    Model,
    Population,
    PrecisionWarning,
    RangeError,
)
from gsnr_ref.gradients import per_sample_gradients
from gsnr_ref.gsnr import gsnr
from gsnr_ref.moments import GradientMoments, gradient_moments
from gsnr_ref.osgr.enumerated import EnumeratedOSGR, enumerated_osgr
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.predicted import (
    collapsed_osgr,
    effective_gsnr,
    osgr_weights,
    predicted_osgr,
)

__all__ = [  # noqa: RUF022 (in the order of the derivation)
    "Model",
    "Population",
    "per_sample_gradients",
    "GradientMoments",
    "gradient_moments",
    "gsnr",
    "osgr_weights",
    "predicted_osgr",
    "collapsed_osgr",
    "effective_gsnr",
    "MeasuredOSGR",
    "measured_osgr",
    "EnumeratedOSGR",
    "enumerated_osgr",
    "InputError",
    "RangeError",
    "PrecisionWarning",
]
