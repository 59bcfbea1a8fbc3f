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
REUSED = import_module("gsnr_ref.osgr.reused")


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


def take_the_reuse_over_a_variance_of_ddof_0():
    REUSED._noise = lambda moments: moments.signal_and_noise(ddof=0)[1] / moments.count


def take_the_reuse_over_tr_s_without_1_over_n():
    REUSED._noise = lambda moments: moments.signal_and_noise(ddof=1)[1]


def take_the_test_gradient_from_the_training_set():
    right = REUSED._pairs_of_means
    REUSED._pairs_of_means = lambda training, test: right(training, training)


#: Mistakes in what is reused, which the tests of that room alone must find.
REUSE = (
    take_the_reuse_over_a_variance_of_ddof_0,
    take_the_reuse_over_tr_s_without_1_over_n,
    take_the_test_gradient_from_the_training_set,
)
MISTAKES = {
    f.__name__: f
    for f in (
        *REUSE,
        confuse_ddof,
        leave_out_1_over_n_beside_the_gsnr,
        leave_out_1_over_n_in_the_weights,
        add_an_epsilon,
        leave_the_second_moment_uncentred,
        take_gradients_of_the_mean_loss,
        sum_over_samples,
    )
}


def pytest_configure():
    """Plant before any test module is imported."""
    MISTAKES[os.environ["PLANTED"]]()
