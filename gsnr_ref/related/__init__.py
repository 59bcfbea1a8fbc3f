"""What others compute from per-sample gradients, and how it converts to OSGR.

Imports ``contract`` and ``moments``.
"""

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
    sample_agreement,
    sign_agreement,
    simple_noise_scale,
    stiffness,
)

__all__ = [
    "coherence",
    "coherence_from_osgr",
    "evidence_criterion",
    "gradient_confusion",
    "gradient_diversity",
    "m_coherence",
    "noise_scale_from_osgr",
    "osgr_from_coherence",
    "osgr_from_noise_scale",
    "sample_agreement",
    "sign_agreement",
    "simple_noise_scale",
    "stiffness",
]
