"""Imports ``contract`` and ``gradients``: mean and variance of per-sample gradients.

They are streamed and merged, without keeping the gradients. Above this room only arrays are seen.
"""

from gsnr_ref.moments.mergeable import GradientMoments
from gsnr_ref.moments.mixed import mixed_moments
from gsnr_ref.moments.streamed import gradient_moments

__all__ = ["GradientMoments", "gradient_moments", "mixed_moments"]
