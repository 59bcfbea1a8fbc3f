"""Imports ``notebook``: populations whose GSNR and OSGR are known on paper, at any n and any λ.

It computes alone, with NumPy only, so that it can be held against every other route. Exact numbers
(``fractions.Fraction``, dtype object) in, exact numbers out.
"""

from gsnr_ref.closed_form.distributions import gaussian_linear_regression, location_model
from gsnr_ref.closed_form.points import finite_linear_regression, holdout_linear_regression
from gsnr_ref.closed_form.quadratic import ClosedForm

__all__ = [
    "ClosedForm",
    "finite_linear_regression",
    "gaussian_linear_regression",
    "holdout_linear_regression",
    "location_model",
]
