"""Imports ``closed_form``, ``companion``, ``contract``, ``feature_learning``, ``files``,
``gradients``, ``inference``, ``moments``, ``options``, ``osgr``, ``parallel``, ``related``,
``signal_to_noise``, ``terminal`` and ``toy_models``: every equation as a claim that runs.

A claim (``claim``) has a left side, a right side, and what they may differ by and why. ``identity``
and ``controls`` state them on any case; ``derivation``, ``gradient_change``, ``forms``, ``steps``
and ``draws`` on small cases, whose training sets are counted (``counting``); ``reuse`` and
``reuse_laws`` where each of these sets has been trained on (``training_sets``,
``curved_location``). ``equations`` is the table of them by number. ``tasks`` says which run,
``report`` what came out.
"""

from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
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
