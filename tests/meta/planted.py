"""A pytest plugin that plants one wrong implementation, named by the variable PLANTED.

A mistake is a function that plants it, or a line of the source that is read otherwise.
"""

import inspect
import os
import sys
from functools import partial
from importlib import import_module

import numpy as np

import gsnr_ref

GRADIENTS = import_module("gsnr_ref.gradients")
TAPPED = import_module("gsnr_ref.gradients.tapped")
GSNR = sys.modules["gsnr_ref.signal_to_noise"]
PREDICTED = import_module("gsnr_ref.osgr.predicted")
GSNR_OF_A_SAMPLE = import_module("gsnr_ref.inference.gsnr")
OSGR_OF_A_SAMPLE = import_module("gsnr_ref.inference.osgr")
JACKKNIFE = import_module("gsnr_ref.inference.jackknife")
STUDENT = import_module("gsnr_ref.student")
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


def square_the_mean_without_debiasing():
    OSGR_OF_A_SAMPLE._signal_and_noise = lambda squared_total, squares, m: (
        squared_total / m**2,
        squares / m - squared_total / m**2,
    )


def leave_the_quadratic_part_counted_twice():
    OSGR_OF_A_SAMPLE._spread_of_products = lambda rows: 0.0


def take_the_variance_of_the_jackknife_for_that_of_a_mean():
    for module in (OSGR_OF_A_SAMPLE, GSNR_OF_A_SAMPLE):
        module.jackknife_variance = lambda without: without.var(axis=0, ddof=1) / len(without)


def take_the_normal_quantile_for_student_s():
    for module in (JACKKNIFE, STUDENT):
        right = module.student_quantile
        module.student_quantile = lambda confidence, degrees, right=right: right(confidence, 1e9)


def invert_the_interval_with_n_degrees_of_freedom():
    right = GSNR_OF_A_SAMPLE._noncentrality
    GSNR_OF_A_SAMPLE._noncentrality = lambda f, degrees, level: right(f, degrees + 1, level)


#: A module, what stands in it, and what is read instead.
OF_GRADIENTS = (take_gradients_of_the_mean_loss, sum_over_samples)
INFERENCE = (
    square_the_mean_without_debiasing,
    leave_the_quadratic_part_counted_twice,
    take_the_variance_of_the_jackknife_for_that_of_a_mean,
    take_the_normal_quantile_for_student_s,
    invert_the_interval_with_n_degrees_of_freedom,
)

READINGS = {
    "drop_the_mean's_remainders_in_merge": (
        "gsnr_ref.moments.sums",
        "low + (other.mean_remainder - self.mean_remainder)",
        "low",
    ),
    "drop_the_remainders_of_m2_in_merge": (
        "gsnr_ref.moments.sums",
        "m2_low + between_low + self.m2_remainder + other.m2_remainder",
        "0 * m2_low",
    ),
    "merge_into_the_smaller_set": ("gsnr_ref.moments.sums", "other_count > count", "False"),
    "leave_out_what_is_between_two_pieces": (
        "gsnr_ref.moments.sums",
        "two_sum(m2, between)",
        "two_sum(m2, 0 * between)",
    ),
    "take_the_first_sample_as_origin": (
        "gsnr_ref.moments.sums",
        "0 if weights is None else np.argmax(weights)",
        "0",
    ),
    "trust_the_raw_sums": (
        "gsnr_ref.moments.products",
        "(3 * n_additions + 10) * _ROUNDOFF * squares",
        "0 * squares",
    ),
    "trust_the_four_products": (
        "gsnr_ref.moments.products",
        "m2 * TOLERANCE >= error",
        "m2 >= 0 * error",
    ),
    "leave_a_product_of_two_terms_out": (
        "gsnr_ref.moments.products",
        "alpha * sum_add + beta * sum_aad",
        "alpha * sum_add",
    ),
    "centre_by_constants_whose_product_rounds": (
        "gsnr_ref.moments.products",
        "long - (long - values)",
        "values",
    ),
    "count_batches_as_samples": (
        "gsnr_ref.moments.mergeable",
        "Fraction(n_samples - 1, n_batches - 1)",
        "Fraction(1)",
    ),
    "weigh_all_batches_alike": (
        "gsnr_ref.moments.mergeable",
        "two_pass_sums(a, sizes)",
        "two_pass_sums(a)",
    ),
}


def read_otherwise(module_name, right, wrong):
    """Run a module again with one line changed, and give its names to whoever imported them."""
    module = import_module(module_name)
    source = inspect.getsource(module)
    assert source.count(right) == 1, right
    before = dict(vars(module))
    exec(compile(source.replace(right, wrong), module.__file__, "exec"), vars(module))
    for other in [m for name, m in sys.modules.items() if name.startswith("gsnr_ref")]:
        for name, value in list(vars(other).items()):
            if not name.startswith("__") and name in before and before[name] is value:
                setattr(other, name, vars(module)[name])


MISTAKES = {
    f.__name__: f
    for f in (
        *REUSE,
        *INFERENCE,
        *OF_GRADIENTS,
        confuse_ddof,
        leave_out_1_over_n_beside_the_gsnr,
        leave_out_1_over_n_in_the_weights,
        add_an_epsilon,
        leave_the_second_moment_uncentred,
    )
} | {name: partial(read_otherwise, *reading) for name, reading in READINGS.items()}


def pytest_configure():
    """Plant before any test module is imported."""
    MISTAKES[os.environ["PLANTED"]]()
