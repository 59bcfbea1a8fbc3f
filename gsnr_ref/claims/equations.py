"""The table of equations: which claims state each, and on which cases they run."""

from gsnr_ref.claims import (
    derivation,
    draws,
    forms,
    gradient_change,
    identity,
    reuse,
    reuse_laws,
    steps,
)
from gsnr_ref.claims.claim import Check

FLOAT = ("finite", "mlp")
RATIONAL = ("rational", "linear")
BOTH = (RATIONAL, FLOAT)
FLOAT_LINEAR = ("finite", "linear")
LINEAR = (RATIONAL, FLOAT_LINEAR)
FLOATS = (FLOAT_LINEAR, FLOAT)

#: Equation -> claims and their cases, in the order in which `gsnr-ref verify --list` names them.
EQUATIONS: dict[str, tuple[tuple[Check, tuple[tuple[str, str], ...]], ...]] = {
    # The paper's own, 10 to 14 inferred by counting
    "1": ((identity.tapped_equals_loop, BOTH),),
    "2": ((derivation.gsnr_is_its_definition, BOTH),),
    "5": ((derivation.osgr_is_its_definition, BOTH),),
    "10": ((derivation.mean_and_variance_of_g_d, BOTH),),
    "11": ((derivation.g_of_the_test_set_is_independent, BOTH),),
    "12": ((derivation.training_decrease_is_first_order, BOTH),),
    "13": ((derivation.decrease_on_the_test_set_is_first_order, BOTH),),
    "14": ((derivation.gap_is_the_noise, BOTH),),
    "19": ((derivation.osgr_from_mean_squares, BOTH),),
    "21": ((derivation.weights_are_shares, BOTH),),
    "22": (
        (derivation.losses_give_the_prediction, BOTH),
        (identity.converges_with_order_one, (FLOAT,)),
    ),
    "28": ((gradient_change.feature_learning_term, (FLOAT,)),),
    # What follows from the identity: numbers of this package's own, derived in its documentation
    "3.1": ((forms.collapsed_form, BOTH),),
    "3.2": ((forms.noise_scale, BOTH),),
    "3.3": ((forms.spearman_brown, BOTH),),
    "3.4": ((steps.order_two, (FLOAT,)), (steps.any_learning_rate, LINEAR)),
    "3.5": (
        (steps.preconditioned_step, BOTH),
        (steps.preconditioner_on_the_best, BOTH),
        (steps.preconditioner_that_hurts, (FLOAT,)),
    ),
    "3.6": ((draws.without_replacement, LINEAR),),
    "3.7": ((draws.size_of_the_test_set, BOTH),),
    "3.8": ((draws.random_labels, LINEAR),),
    "3.9": ((steps.gaussian_regression, (FLOAT,)),),
    "3.10": ((steps.location, (RATIONAL,)),),
    # Where θ has seen the training set
    "4.1": ((reuse.held_out, BOTH),),
    "4.2": ((reuse.identity_with_reuse, BOTH), (reuse.on_every_dataset, BOTH)),
    "4.3": ((reuse.independent_parameters, BOTH),),
    "4.4": ((reuse_laws.trained_location, (RATIONAL,)),),
    "4.5": ((reuse_laws.law_on_location, (RATIONAL,)), (reuse_laws.law_of_reuse, FLOATS)),
    "4.6": ((reuse.ledger, (RATIONAL,)), (reuse.ledger_order, FLOATS)),
    "4.7": ((reuse.finite_step, (RATIONAL,)), (reuse.finite_step_order, (FLOAT,))),
    "4.8": ((reuse.by_layer, BOTH),),
    "4.9": ((reuse.sample_by_sample, BOTH),),
    "4.10": ((reuse_laws.gap_on_location, (RATIONAL,)), (reuse_laws.law_of_the_gap, FLOATS)),
    "4.11": ((reuse_laws.law_of_osgr, FLOATS),),
    "4.12": (
        (reuse_laws.leave_one_out, (RATIONAL,)),
        (reuse_laws.leave_one_out_order, (FLOAT,)),
    ),
}
