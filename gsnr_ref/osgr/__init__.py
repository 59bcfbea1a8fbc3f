"""Imports ``autodiff``, ``contract``, ``gradients``, ``loss_checks``, ``moments``, ``notebook``,
``parallel`` and ``signal_to_noise``: the one-step generalization ratio, one route a file.

``predicted`` sees moments; ``measured`` and ``enumerated`` take real steps and read losses, and
import no moment or ratio code, or the check of the one against the other would be circular.
"""

from gsnr_ref.osgr.enumerated import EnumeratedOSGR, enumerated_osgr
from gsnr_ref.osgr.expansion import Expansion, osgr_expansion
from gsnr_ref.osgr.holdout import holdout_osgr
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.preconditioned import preconditioned_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr, effective_gsnr, osgr_weights, predicted_osgr

__all__ = [
    "EnumeratedOSGR",
    "Expansion",
    "MeasuredOSGR",
    "collapsed_osgr",
    "effective_gsnr",
    "enumerated_osgr",
    "holdout_osgr",
    "measured_osgr",
    "osgr_expansion",
    "osgr_weights",
    "preconditioned_osgr",
    "predicted_osgr",
]
