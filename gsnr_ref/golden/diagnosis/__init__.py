"""Imports ``autodiff``, ``contract``, ``gradients``, ``osgr``, ``golden.case`` and
``golden.quantity``: what went wrong.

Each known mistake, in one of the ``wrong_*`` modules, is a function from right to wrong values, and
where those cannot be known, the judge that recognizes them.
"""

from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.explanation import Diagnosis, diagnose
from gsnr_ref.golden.diagnosis.factor import constant_factor
from gsnr_ref.golden.diagnosis.mistake import Mistake

__all__ = ["Diagnosis", "Mistake", "constant_factor", "diagnose", "mistakes"]
