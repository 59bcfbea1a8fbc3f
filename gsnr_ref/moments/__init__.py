"""Mean and variance of per-sample gradients: streaming, mergeable, without keeping them.

Imports ``contract`` and ``gradients``. Above this package only arrays are seen.
"""

from gsnr_ref.moments.mergeable import GradientMoments
from gsnr_ref.moments.mixed import mixed_moments
from gsnr_ref.moments.streamed import gradient_moments

__all__ = ["GradientMoments", "gradient_moments", "mixed_moments"]
