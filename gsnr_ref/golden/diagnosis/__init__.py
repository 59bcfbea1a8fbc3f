"""Imports ``autodiff``, ``contract``, ``gradients``, ``osgr``, ``golden.case`` and
``golden.quantity``: what went wrong.

Each known mistake, in one of the ``wrong_*`` modules, is a function from right to wrong values, and
where those cannot be known, the judge that recognizes them. A single case is consistent with some
(``explanation``); all cases together name one, or two, if they are supported (``suite_verdict``).
"""

from gsnr_ref.golden.diagnosis.catalogue import mistakes
from gsnr_ref.golden.diagnosis.explanation import Diagnosis, diagnose
from gsnr_ref.golden.diagnosis.factor import by_parameter, constant_factor
from gsnr_ref.golden.diagnosis.hypotheses import Compared
from gsnr_ref.golden.diagnosis.mistake import Mistake
from gsnr_ref.golden.diagnosis.suite_verdict import SuiteDiagnosis, diagnose_suite

__all__ = [
    "Compared",
    "Diagnosis",
    "Mistake",
    "SuiteDiagnosis",
    "by_parameter",
    "constant_factor",
    "diagnose",
    "diagnose_suite",
    "mistakes",
]
