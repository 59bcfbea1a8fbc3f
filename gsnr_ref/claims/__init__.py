"""Imports the core, ``files``, ``options`` and ``toy_models``: every equation as a claim that runs.

A claim is a left side, a right side, and what they may differ by and why. An application: nothing
imports it but the command.
"""

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.claims.report import as_json, table
from gsnr_ref.claims.tasks import plan, plan_equations, run

__all__ = [  # noqa: RUF022 (in the order of use)
    "Claim",
    "Settings",
    "EQUATIONS",
    "plan",
    "plan_equations",
    "run",
    "table",
    "as_json",
]
