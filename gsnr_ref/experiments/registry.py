"""All experiments, by name, in the order of the paper and beyond."""

from gsnr_ref.experiments import (
    cifar10,
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
    experiment.name: experiment
    for experiment in (
        identity_over_training.EXPERIMENT,
        cifar10.IDENTITY,
        random_labels.EXPERIMENT,
        cifar10.LABELS,
        frozen_layer.EXPERIMENT,
        toy_regression.EXPERIMENT,
        feature_learning.EXPERIMENT,
        osgr_pictures.EXPERIMENT,
        shallow_and_deep.EXPERIMENT,
        recurrent.EXPERIMENT,
        optimizers.EXPERIMENT,
        where_it_breaks.EXPERIMENT,
        without_a_test_set.EXPERIMENT,
        layers.EXPERIMENT,
        mini_batches.EXPERIMENT,
        wrong_labels.EXPERIMENT,
    )
}
