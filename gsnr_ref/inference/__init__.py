"""Imports ``contract``, ``moments``, ``signal_to_noise`` and ``student``: GSNR and OSGR from a
finite sample.

The plug-in, sample mean squared over sample variance, is biased upwards by about 1/n: it sees
signal where there is none. These functions say what a sample of n gradients can tell, by debiased
estimates and confidence intervals.
"""

from gsnr_ref.inference.gsnr import debiased_gsnr, gsnr_interval, robust_gsnr_interval
from gsnr_ref.inference.osgr import debiased_osgr, osgr_interval, plug_in_osgr

__all__ = [
    "debiased_gsnr",
    "debiased_osgr",
    "gsnr_interval",
    "osgr_interval",
    "plug_in_osgr",
    "robust_gsnr_interval",
]
