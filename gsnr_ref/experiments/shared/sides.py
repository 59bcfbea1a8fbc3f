"""Both sides of the identity along training: the measured OSGR and what is predicted for it.

Imports ``contract``, ``experiments/harness``, ``experiments/shared/data``,
``experiments/shared/descent``, ``inference``, ``moments``, ``osgr/predicted`` and ``osgr/ratio``.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gsnr_ref.contract import Array, Model, Params, flat
from gsnr_ref.experiments.harness import Row
from gsnr_ref.experiments.shared.data import Samples, draw
from gsnr_ref.experiments.shared.descent import losses, mean_gradient, moved
from gsnr_ref.inference import plug_in_osgr
from gsnr_ref.moments import GradientMoments, gradient_moments, mixed_moments
from gsnr_ref.osgr.predicted import collapsed_osgr
from gsnr_ref.osgr.ratio import ratio_of_means


@dataclass(frozen=True)
class _Trial:
    """One training set at one epoch: its gradients, and what its step does to the mean losses."""

    moments: GradientMoments
    fresh_gradient: Array
    training_loss: float
    test_loss: float
    training_decrease: float
    test_decrease: float


def both_sides(
    model: Model,
    start: Params,
    population: Samples,
    *,
    n: int,
    label_noise: float,
    learning_rate: float,
    epochs: Collection[int],
    n_sets: int,
    n_test: int,
    seed: int,
    stream: int = 0,
) -> list[Row]:
    """Measured and predicted OSGR, over M training sets, at each measured epoch: a row an epoch.

    An epoch is one step of gradient descent on the whole training set. All sets start from the same
    parameters; each is trained on its own, and has a test set and a fresh set of its own.

    Parameters
    ----------
    model : Model
    start : dict of str to ndarray
        Parameters before the first epoch.
    population : (x, y)
        All samples; sets are drawn from them with replacement.
    n : int
        Size of a training set, and of its fresh set.
    label_noise : float
        Probability that a label is replaced, in every set. 0 for labels that are no classes.
    learning_rate : float
    epochs : collection of int
        Which to measure; the first step is epoch 1.
    n_sets : int
        M, at least 2.
    n_test : int
        Size of a test set.
    seed, stream : int
        Sets are drawn independently for each seed, stream, n and label noise.

    Returns
    -------
    list of Row
        For each epoch the measured OSGR, the predictions "paper" (equation 25) and "debiased", the
        standard error of each over the sets, mean losses before the step, and how far the
        distribution of g_D is from that of a fresh g_D′; the reuse factor κ (4.2). For the
        verdicts: the training decrease; d = (estimate of ‖g̃‖²) − ΔL[D′]/λ, less the same of the
        training set, ‖g_D‖² − ΔL[D]/λ, in which a finite step bends as much, in units of E‖g_D‖²:
        0 at independent parameters, up to O(λ/n) (equation 14); the largest λc, and how many sets
        have 2 or more. λc = g_DᵀH_Dg_D λ/‖g_D‖² is read from the step, 2(1 − ΔL[D]/λ‖g_D‖²): equal
        for quadratic losses, else to first order in λ, and 2 where the training loss stands still.
    """
    trials: dict[int, list[_Trial]] = {epoch: [] for epoch in epochs}
    for m in range(n_sets):
        key = [seed, n, round(1000 * label_noise), stream, m]
        training, test, fresh = (
            draw(*population, size, label_noise, [*key, k]) for k, size in enumerate((n, n_test, n))
        )
        measured = _measured_epochs(model, start, training, test, fresh, learning_rate, epochs)
        for epoch, trial in measured:
            trials[epoch].append(trial)
    return [{"epoch": epoch} | _summary(seen, learning_rate) for epoch, seen in trials.items()]


def exact_at_start(
    model: Model,
    start: Params,
    population: Samples,
    sizes: Collection[int],
    label_noises: Collection[float],
) -> list[Row]:
    """OSGR of the first step as the learning rate goes to 0: of the population, without sampling.

    Each sample keeps its label with probability 1 − p, or has a uniform one: the moments mix. They
    do not depend on a training set, and neither do the parameters, so equation 22 is exact.

    Parameters
    ----------
    model : Model
    start : dict of str to ndarray
    population : (x, y)
        All samples, y their classes.
    sizes : collection of int
        n of the training sets.
    label_noises : collection of float
        p.

    Returns
    -------
    list of Row
        For each n and p the OSGR "exact".
    """
    x, y = population
    true = gradient_moments(model, start, x, y)
    some = any(label_noises)
    classes = range(int(y.max()) + 1 if some else 0)
    by_class = [gradient_moments(model, start, x, np.full(len(y), c)) for c in classes]
    uniform = reduce(GradientMoments.merge, by_class) if some else true
    return [
        {"n": n, "label_noise": p, "exact": collapsed_osgr(mixed_moments(true, uniform, p), n)}
        for n in sizes
        for p in label_noises
    ]


def _measured_epochs(
    model: Model,
    params: Params,
    training: Samples,
    test: Samples,
    fresh: Samples,
    learning_rate: float,
    epochs: Collection[int],
) -> Iterator[tuple[int, _Trial]]:
    """Train on one set; yield what is read at each measured epoch."""
    for epoch in range(1, max(epochs) + 1):
        if epoch not in epochs:
            params = moved(params, mean_gradient(model, params, *training), learning_rate)
            continue
        moments = gradient_moments(model, params, *training)
        fresh_gradient = flat(mean_gradient(model, params, *fresh)).astype(np.float64)
        before = [losses(model, params, *samples) for samples in (training, test)]
        params = moved(params, moments.mean, learning_rate)
        after = [losses(model, params, *samples) for samples in (training, test)]
        yield (
            epoch,
            _Trial(
                moments,
                fresh_gradient,
                training_loss=before[0].mean(),
                test_loss=before[1].mean(),
                training_decrease=(before[0] - after[0]).mean(),
                test_decrease=(before[1] - after[1]).mean(),
            ),
        )


def _summary(trials: list[_Trial], learning_rate: float) -> Row:
    moments = [trial.moments for trial in trials]
    squares = [piece.signal_and_noise(ddof=1) for piece in moments]
    signal = np.array([s - noise / m.count for (s, noise), m in zip(squares, moments, strict=True)])
    everything = np.array([s for s, _ in squares])
    training = np.array([trial.training_decrease for trial in trials])
    test = np.array([trial.test_decrease for trial in trials])
    own = np.stack([flat(m.mean) for m in moments])
    fresh = np.stack([trial.fresh_gradient for trial in trials])
    reused = np.square(own).sum(axis=1) - (own * fresh).sum(axis=1)
    measured, measured_error = ratio_of_means(test, training)
    # 4.2, with a fresh set of the same size for the population: unbiased, and noisier.
    kappa, kappa_error = ratio_of_means(reused, everything - signal)
    debiased, debiased_error = ratio_of_means(signal, everything)
    training_decrease, training_decrease_error = ratio_of_means(training, np.ones(len(training)))
    # d has its error from the sets; that of its unit E‖g_D‖² is left out: it only scales.
    apart = (signal - test / learning_rate) - (everything - training / learning_rate)
    difference, difference_error = ratio_of_means(apart, np.ones(len(test)))
    lambda_c = 2 * (1 - training / (learning_rate * everything))
    return {
        "measured": measured,
        "measured_error": measured_error,
        "paper": plug_in_osgr(moments),
        "paper_error": _jackknife(moments),
        "debiased": debiased,
        "debiased_error": debiased_error,
        "training_loss": float(np.mean([trial.training_loss for trial in trials])),
        "test_loss": float(np.mean([trial.test_loss for trial in trials])),
        "norm_ratio": float(np.square(own).sum() / np.square(fresh).sum()),
        "ks_distance": ks_distance(own, fresh),
        "reuse_factor": kappa,
        "reuse_factor_error": kappa_error,
        "training_decrease": training_decrease,
        "training_decrease_error": training_decrease_error,
        "difference": difference / float(everything.mean()),
        "difference_error": difference_error / float(everything.mean()),
        "largest_lambda_c": float(lambda_c.max()),
        "sets_past_edge": int((lambda_c >= 2).sum()),
    }


def _jackknife(moments: list[GradientMoments]) -> float:
    """Standard error of equation 25, leaving out one training set after the other."""
    n = len(moments)
    left = np.array([plug_in_osgr(moments[:m] + moments[m + 1 :]) for m in range(n)])
    return float(np.sqrt((n - 1) / n * np.square(left - left.mean()).sum()))


def ks_distance(own: Array, fresh: Array) -> float:
    """Kolmogorov-Smirnov distance of the distributions of g_D and g_D′, averaged over parameters.

    Over M sets each. Parameters that do not move are left out.

    Examples
    --------
    >>> ks_distance(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]))
    1.0
    """
    m = len(own)
    both = np.concatenate([own, fresh])
    both = both[:, np.ptp(both, axis=0) > 0]
    order = np.argsort(both, axis=0)
    apart = np.abs(np.cumsum(np.where(order < m, 1 / m, -1 / m), axis=0))
    ordered = np.take_along_axis(both, order, axis=0)
    apart[:-1][ordered[1:] == ordered[:-1]] = 0  # within equal values there is no step to look at
    return float(apart.max(axis=0).mean())


def ks_expected(m: int, seed: int = 0) -> float:
    """The same distance where both distributions are one, by simulation."""
    rng = np.random.default_rng(seed)
    return ks_distance(rng.random((m, 20_000)), rng.random((m, 20_000)))
