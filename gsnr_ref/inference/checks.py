"""What both kinds of estimates check. Imports ``contract`` and ``moments``."""

import numpy as np

from gsnr_ref.contract import InputError, Structure, check_samples, map_structure
from gsnr_ref.moments import GradientMoments


def sample_size(moments: GradientMoments, least: int, what: str) -> int:
    count = moments.count
    if not isinstance(count, (int, np.integer)) or count < least:
        raise InputError(
            f"moments has count {count!r}; expected {least} or more equally weighted samples "
            f"for {what}"
        )
    return int(count)


def float_samples(samples: Structure, least: int) -> Structure:
    """Per-sample gradients, checked, as float64."""
    if isinstance(samples, GradientMoments):
        raise InputError(
            "samples is GradientMoments; expected per-sample gradients: this interval leaves out "
            "one sample after another, and moments do not hold them"
        )
    return map_structure(lambda a: a.astype(float), check_samples(samples, least))
