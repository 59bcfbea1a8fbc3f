"""What the settings of the experiments may be.

Imports ``experiments/harness``, ``experiments/shared/initial_weights`` and ``toy_models``.

Upper bounds leave room for anything a cluster can do, and refuse slips of the finger. A learning
rate below 1e-6 would drown in the rounding of float32 parameters; one above 1, or initial weights
times more than 5, let training leave the range of numbers.
"""

from gsnr_ref.experiments.harness import Expected, number, one_of, whole
from gsnr_ref.experiments.shared.initial_weights import INITIAL
from toy_models.activations import ACTIVATIONS

_IMAGES = one_of("digits", "mnist", "cifar10")
_SAMPLES = whole(2, 10_000_000)
_STEPS = whole(1, 10_000_000)
_UNITS = whole(1, 10_000)

#: By the name of the setting. An experiment that asks for something else says so.
RANGES: dict[str, Expected] = {
    # What is learned
    "data": _IMAGES,
    "task": one_of("order", *_IMAGES.choices),
    "n": _SAMPLES,
    "n_slow": _SAMPLES,
    "n_test": _SAMPLES,
    "n_population": _SAMPLES,
    "n_curve": _SAMPLES,
    "n_signs": _SAMPLES,
    "n_fresh": _SAMPLES,
    "n_formula": _SAMPLES,
    "label_noise": number(0, 1),
    "mixture": number(0, 1),
    # By what
    "activation": one_of(*ACTIVATIONS),
    "cell": one_of("elman", "lstm"),
    "channels": whole(1, 1000),
    "hidden": _UNITS,
    "n_hidden": _UNITS,
    "width": _UNITS,
    "n_layers": whole(1, 100),
    "initial": one_of(*INITIAL),
    "scale": number(1e-3, 5),
    # How
    "learning_rate": number(1e-6, 1),
    "last_step": _STEPS,
    "epochs": _STEPS,
    "steps": whole(0, 10_000_000),
    "measured_steps": whole(0, 10_000_000),
    "formula_steps": whole(0, 10_000_000),
    "spans": _STEPS,
    "trained": whole(0, 10_000_000),
    # How often
    "repetitions": whole(1, 10_000),
    "n_sets": whole(2, 10_000),
    "n_sets_start": whole(2, 10_000),
    "slower": whole(2, 1000),
    "n_runs": whole(2, 1_000_000),
    "n_trials": whole(2, 10_000_000),
}
