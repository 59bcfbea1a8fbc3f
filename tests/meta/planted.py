"""A pytest plugin that plants one wrong implementation, named by the variable PLANTED."""

import os
import sys
from importlib import import_module

import numpy as np

import gsnr_ref

GRADIENTS = import_module("gsnr_ref.gradients")
TAPPED = import_module("gsnr_ref.gradients.tapped")
GSNR = sys.modules["gsnr_ref.signal_to_noise"]
PREDICTED = import_module("gsnr_ref.osgr.predicted")
GSNR_OF_A_SAMPLE = import_module("gsnr_ref.inference.gsnr")
OSGR_OF_A_SAMPLE = import_module("gsnr_ref.inference.osgr")


def confuse_ddof():
    right = gsnr_ref.GradientMoments.variance
    gsnr_ref.GradientMoments.variance = lambda self, ddof=0: right(self, 1 - ddof)


def leave_out_1_over_n_beside_the_gsnr():
    right = PREDICTED._one_parameter_terms
    PREDICTED._one_parameter_terms = lambda weights, ratios, n: right(weights, ratios, 1)


def leave_out_1_over_n_in_the_weights():
    right = PREDICTED.osgr_weights
    wrong = lambda moments, n, ddof=0: right(moments, 1, ddof)  # noqa: E731
    PREDICTED.osgr_weights = gsnr_ref.osgr_weights = wrong


def add_an_epsilon():
    GSNR._ratio = lambda mean, variance: mean * mean / (variance + 1e-5)


def leave_the_second_moment_uncentred():
    GSNR._ratio = lambda mean, variance: mean * mean / (variance + mean * mean)


def take_gradients_of_the_mean_loss():
    right = TAPPED.ones_like
    TAPPED.ones_like = lambda losses: right(losses) / len(losses)


def sum_over_samples():
    right = GRADIENTS.METHODS["tapped"]

    def wrong(*arguments):
        gradients = right(*arguments)
        return {k: np.broadcast_to(g.sum(axis=0), g.shape) for k, g in gradients.items()}

    GRADIENTS.METHODS["tapped"] = wrong


def square_the_mean_without_debiasing():
    OSGR_OF_A_SAMPLE._signal_and_noise = lambda squared_total, squares, m: (
        squared_total / m**2,
        squares / m - squared_total / m**2,
    )


def leave_the_quadratic_part_counted_twice():
    OSGR_OF_A_SAMPLE._counted_twice = lambda rows: 0.0


def take_the_variance_of_the_jackknife_for_that_of_a_mean():
    for module in (OSGR_OF_A_SAMPLE, GSNR_OF_A_SAMPLE):
        module.jackknife_variance = lambda without: without.var(axis=0, ddof=1) / len(without)


def take_the_normal_quantile_for_student_s():
    for module in (OSGR_OF_A_SAMPLE, GSNR_OF_A_SAMPLE):
        right = module.student_quantile
        module.student_quantile = lambda confidence, degrees, right=right: right(confidence, 1e9)


def invert_the_interval_with_n_degrees_of_freedom():
    right = GSNR_OF_A_SAMPLE._noncentrality
    GSNR_OF_A_SAMPLE._noncentrality = lambda f, degrees, level: right(f, degrees + 1, level)


MISTAKES = {
    f.__name__: f
    for f in (
        confuse_ddof,
        leave_out_1_over_n_beside_the_gsnr,
        leave_out_1_over_n_in_the_weights,
        add_an_epsilon,
        leave_the_second_moment_uncentred,
        take_gradients_of_the_mean_loss,
        sum_over_samples,
        square_the_mean_without_debiasing,
        leave_the_quadratic_part_counted_twice,
        take_the_variance_of_the_jackknife_for_that_of_a_mean,
        take_the_normal_quantile_for_student_s,
        invert_the_interval_with_n_degrees_of_freedom,
    )
}


def pytest_configure():
    """Plant before any test module is imported."""
    MISTAKES[os.environ["PLANTED"]]()
