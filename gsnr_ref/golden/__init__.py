"""Golden values, certified to the last bit, and the kit that holds a backend against them.

An application: imports the core and ``toy_models``; nothing imports it but the command.
"""

from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
from gsnr_ref.golden.case import GoldenCase, cases, flag_reasons, load
from gsnr_ref.golden.check import CaseReport, ConformanceError, check, compare
from gsnr_ref.golden.compare import QUANTITIES, Element, QuantityReport
from gsnr_ref.golden.diagnosis import Diagnosis
from gsnr_ref.golden.mistakes import Mistake, mistakes

__all__ = [  # noqa: RUF022 (in the order of use)
    "cases",
    "load",
    "check",
    "compare",
    "GoldenCase",
    "CaseReport",
    "QuantityReport",
    "Element",
    "Diagnosis",
    "Mistake",
    "mistakes",
    "flag_reasons",
    "QUANTITIES",
    "ConformanceError",
]
