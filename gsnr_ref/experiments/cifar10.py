"""E2, and E3 as listeners of the talk asked for it: the same experiments on CIFAR-10."""

from dataclasses import replace

from gsnr_ref.experiments import identity_over_training, random_labels
from gsnr_ref.experiments.harness import by_scale

_NETWORK = (
    " The network has four blocks of two convolutions and a max-pool, without batch normalization: "
    "under it no sample has a gradient of its own. Images are drawn from the training and test "
    "images that the folder has. The paper's other network for these images, a ResNet-18 of 11 "
    "million parameters, is out of reach of this loop on two cores: --scale paper is what a "
    "cluster runs of the one here, and the recipes for other frameworks are what a ResNet takes."
)

IDENTITY = replace(
    identity_over_training.EXPERIMENT,
    name="identity-on-cifar10",
    title="Both sides of the identity on CIFAR-10 (E2)",
    asks=identity_over_training.EXPERIMENT.asks + _NETWORK,
    scales=by_scale(
        data=("digits", "cifar10", "cifar10"),
        n=([40, 80], [50, 100, 200], [1000, 2000, 5000, 10000]),
        label_noise=([0.0], [0.0, 0.2, 0.5], [0.0, 0.2, 0.5]),
        channels=([2], [4], [16, 32, 64]),
        initial=("he", "he", "he"),
        learning_rate=(0.1, 0.003, 0.001),
        epochs=([1, 10], [1, 5, 20, 50, 100], [1, 20, 100, 300, 1000]),
        n_sets=(4, 10, 10),
        n_sets_start=(6, 30, 30),
        n_slow=([40], [50], [1000]),
        slower=(2, 2, 5),
        n_test=(500, 1000, 10000),
    ),
)

LABELS = replace(
    random_labels.EXPERIMENT,
    name="random-labels-on-cifar10",
    title="GSNR on true and on random labels of CIFAR-10 (E3)",
    asks=random_labels.EXPERIMENT.asks + _NETWORK,
    scales=by_scale(
        data=("digits", "cifar10", "cifar10"),
        n=(100, 200, 10000),
        n_fresh=(100, 500, 2000),
        channels=(2, 4, 32),
        initial=("he", "he", "he"),
        label_noise=([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
        learning_rate=(0.2, 0.01, 0.01),
        last_step=(60, 300, 3000),
        repetitions=(1, 5, 5),
        mixture=([0.0, 1.0], [0.0, 0.5, 1.0], [0.0, 0.2, 0.5, 1.0]),
    ),
)
