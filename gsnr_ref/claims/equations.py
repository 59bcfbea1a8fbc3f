"""The table of equations: which claims state each, and on which cases they run."""

from gsnr_ref.claims import consequences as c
from gsnr_ref.claims import exact as e
from gsnr_ref.claims.claim import Check
from gsnr_ref.claims.identity import converges_with_order_one, tapped_equals_loop

FLOAT = ("finite", "mlp")
RATIONAL = ("rational", "linear")
BOTH = (RATIONAL, FLOAT)
LINEAR = (RATIONAL, ("finite", "linear"))

#: Equation -> claims and their cases. Numbers 1 to 28 are the paper's (10 to 14 inferred by
#: counting), 3.1 to 3.10 are statements of this package's documentation.
EQUATIONS: dict[str, tuple[tuple[Check, tuple[tuple[str, str], ...]], ...]] = {
    "1": ((tapped_equals_loop, BOTH),),
    "2": ((e.gsnr_is_its_definition, BOTH),),
    "5": ((e.osgr_is_its_definition, BOTH),),
    "10": ((e.mean_and_variance_of_g_d, BOTH),),
    "11": ((e.g_of_the_test_set_is_independent, BOTH),),
    "12": ((e.training_decrease_is_first_order, BOTH),),
    "13": ((e.decrease_on_the_test_set_is_first_order, BOTH),),
    "14": ((e.gap_is_the_noise, BOTH),),
    "19": ((e.osgr_from_mean_squares, BOTH),),
    "21": ((e.weights_are_shares, BOTH),),
    "22": ((e.losses_give_the_prediction, BOTH), (converges_with_order_one, (FLOAT,))),
    "28": ((c.feature_learning_term, (FLOAT,)),),
    "3.1": ((c.collapsed_form, BOTH),),
    "3.2": ((c.noise_scale, BOTH),),
    "3.3": ((c.spearman_brown, BOTH),),
    "3.4": ((c.order_two, (FLOAT,)), (c.any_learning_rate, LINEAR)),
    "3.5": (
        (c.preconditioned_step, BOTH),
        (c.preconditioner_on_the_best, BOTH),
        (c.preconditioner_that_hurts, (FLOAT,)),
    ),
    "3.6": ((c.without_replacement, LINEAR),),
    "3.7": ((c.size_of_the_test_set, BOTH),),
    "3.8": ((c.random_labels, LINEAR),),
    "3.9": ((c.gaussian_regression, (FLOAT,)),),
    "3.10": ((c.location, (RATIONAL,)),),
}
