"""Imports ``contract``, ``moments`` and ``signal_to_noise``: what others compute from gradients.

Quantities by their published definitions, and how they convert to OSGR.
"""

from gsnr_ref.related.batch_sizes import SignalAndNoise, two_batch_signal_and_noise
from gsnr_ref.related.conversions import (
    coherence_from_osgr,
    noise_scale_from_osgr,
    osgr_from_coherence,
    osgr_from_noise_scale,
)
from gsnr_ref.related.quantities import (
    coherence,
    evidence_criterion,
    gradient_confusion,
    gradient_diversity,
    m_coherence,
    sign_agreement,
    simple_noise_scale,
    stiffness,
)

__all__ = [
    "SignalAndNoise",
    "coherence",
    "coherence_from_osgr",
    "evidence_criterion",
    "gradient_confusion",
    "gradient_diversity",
    "m_coherence",
    "noise_scale_from_osgr",
    "osgr_from_coherence",
    "osgr_from_noise_scale",
    "sign_agreement",
    "simple_noise_scale",
    "stiffness",
    "two_batch_signal_and_noise",
]
