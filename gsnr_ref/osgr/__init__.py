"""Imports ``autodiff``, ``contract``, ``gradients``, ``loss_checks``, ``moments``, ``notebook``,
``parallel``, ``signal_to_noise`` and ``student``: the one-step generalization ratio, one route a
file.

``predicted`` sees moments; ``measured`` and ``enumerated`` take real steps and read losses, and
import no moment or ratio code, or the check of the one against the other would be circular.
"""

from gsnr_ref.osgr.enumerated import EnumeratedOSGR, enumerated_osgr
from gsnr_ref.osgr.expansion import Expansion, osgr_expansion
from gsnr_ref.osgr.finite_step import FiniteStep, finite_step_osgr
from gsnr_ref.osgr.holdout import holdout_osgr
from gsnr_ref.osgr.influence import ReuseLaw, reuse_law
from gsnr_ref.osgr.leave_one_out import LeaveOneOutRun, leave_one_out_run
from gsnr_ref.osgr.measured import MeasuredOSGR, measured_osgr
from gsnr_ref.osgr.preconditioned import preconditioned_osgr
from gsnr_ref.osgr.predicted import collapsed_osgr, effective_gsnr, osgr_weights, predicted_osgr
from gsnr_ref.osgr.reused import SetRatio, gap_ledger, held_out_osgr, reuse_factor

__all__ = [
    "EnumeratedOSGR",
    "Expansion",
    "FiniteStep",
    "LeaveOneOutRun",
    "MeasuredOSGR",
    "ReuseLaw",
    "SetRatio",
    "collapsed_osgr",
    "effective_gsnr",
    "enumerated_osgr",
    "finite_step_osgr",
    "gap_ledger",
    "held_out_osgr",
    "holdout_osgr",
    "leave_one_out_run",
    "measured_osgr",
    "osgr_expansion",
    "osgr_weights",
    "preconditioned_osgr",
    "predicted_osgr",
    "reuse_factor",
    "reuse_law",
]
