"""Other forms of the identity: statements 3.1 to 3.3."""

from dataclasses import replace

from gsnr_ref.claims.claim import Claim, Settings
from gsnr_ref.claims.counting import Counted, N
from gsnr_ref.osgr.predicted import collapsed_osgr, effective_gsnr, predicted_osgr
from gsnr_ref.related import (
    coherence,
    osgr_from_coherence,
    osgr_from_noise_scale,
    simple_noise_scale,
)
from toy_models.cases import Case


def collapsed_form(case: Case, settings: Settings) -> list[Claim]:
    """Collapsed form: R = ‖g̃‖²/(‖g̃‖² + tr Σ/n) = 1/(1 + 1/(n r_eff)), from every training set"""
    counted = Counted(case)
    squares = sum(chance * (g @ g) for chance, _, g in counted.datasets())
    left = counted.mean @ counted.mean / squares
    right = collapsed_osgr(counted.moments, N)
    by_gsnr = 1 / (1 + 1 / (N * effective_gsnr(counted.moments)))
    return [counted.claim(collapsed_form, "3.1", left, side) for side in (right, by_gsnr)]


def noise_scale(case: Case, settings: Settings) -> list[Claim]:
    """Noise scale: R = 1/(1 + B/n) with B = tr Σ/‖g̃‖²"""
    counted = Counted(case)
    left = predicted_osgr(counted.moments, N)
    right = osgr_from_noise_scale(simple_noise_scale(counted.moments), N)
    return [counted.claim(noise_scale, "3.2", left, right)]


def spearman_brown(case: Case, settings: Settings) -> list[Claim]:
    """Coherence: R = nα/(1 + (n−1)α), with α = R(Z, 1)"""
    counted = Counted(case)
    alpha = predicted_osgr(counted.moments, 1)
    at_1 = counted.claim(spearman_brown, "3.3", alpha, coherence(counted.moments))
    left, right = predicted_osgr(counted.moments, 7), osgr_from_coherence(alpha, 7)
    at_7 = counted.claim(spearman_brown, "3.3", left, right)
    return [replace(at_1, n=1), replace(at_7, n=7)]
