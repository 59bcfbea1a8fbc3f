"""All experiments, by name, in the order of the paper and beyond."""

from gsnr_ref.experiments import (
    feature_learning,
    frozen_layer,
    identity_over_training,
    layers,
    mini_batches,
    optimizers,
    osgr_pictures,
    random_labels,
    recurrent,
    shallow_and_deep,
    toy_regression,
    where_it_breaks,
    without_a_test_set,
    wrong_labels,
)
from gsnr_ref.experiments.harness import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        identity_over_training,
        random_labels,
        frozen_layer,
        toy_regression,
        feature_learning,
        osgr_pictures,
        shallow_and_deep,
        recurrent,
        optimizers,
        where_it_breaks,
        without_a_test_set,
        layers,
        mini_batches,
        wrong_labels,
    )
}
