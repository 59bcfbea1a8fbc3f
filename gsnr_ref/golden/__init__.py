"""Imports ``autodiff``, ``companion``, ``contract``, ``gradients``, ``osgr``, ``files`` and
``toy_models``: certified values, and their check.

An application: golden cases (``case``), a backend's results against one quantity (``quantity``),
one case (``conformance``) and all of them (``suite``), and what went wrong (``diagnosis``).
"""

from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
from gsnr_ref.golden.case import GoldenCase, cases, flag_reasons, load
from gsnr_ref.golden.conformance import CaseReport, ConformanceError, check, compare
from gsnr_ref.golden.diagnosis import Diagnosis, Mistake, mistakes
from gsnr_ref.golden.quantity import QUANTITIES, Element, QuantityReport

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
