"""Training on every dataset that a finite population can give, by hand: no autograd, no package.

In fractions with plain loops, and in floating point for all datasets at once.
"""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import factorial

import numpy as np
from scipy.special import gammaln

from tests.oracles.splits import loss_of, stepped


def trained_sets(x, y, w, probabilities, n, rate, steps):
    """(rows drawn, their chance, weights after the steps on them) of linear regression."""
    for rows in combinations_with_replacement(range(len(x)), n):
        chance = Fraction(factorial(n))
        for i, p in enumerate(probabilities):
            chance *= p ** rows.count(i) / factorial(rows.count(i))
        trained = w
        for _ in range(steps):
            trained = stepped(x, y, trained, rows, rate)
        yield rows, chance, trained


def decreases(x, y, w, rows, probabilities, rate, moving=None):
    """Decrease of the training loss and of the population's, of one more step on these rows.

    Of the rows of w, only those in `moving` are stepped, if it is given.
    """
    after = stepped(x, y, w, rows, rate)
    if moving is not None:
        after = [after[s] if s in moving else w[s] for s in range(len(w))]
    training = loss_of(x, y, w, rows) - loss_of(x, y, after, rows)
    test = sum(
        p * (loss_of(x, y, w, [i]) - loss_of(x, y, after, [i])) for i, p in enumerate(probabilities)
    )
    return training, test


def slopes(*arguments, moving=None):
    """The decreases over the learning rate as it goes to 0, without a limit: a quadratic loss."""
    *rest, rate = arguments
    half, whole = (decreases(*rest, r, moving) for r in (rate / 2, rate))
    return tuple((4 * h - w) / rate for h, w in zip(half, whole, strict=True))


def all_counts(n, n_points):
    """Every training set as counts of the points, (n_sets, n_points)."""
    axes = np.indices((n + 1,) * (n_points - 1)).reshape(n_points - 1, -1).T
    axes = axes[axes.sum(axis=1) <= n]
    return np.column_stack([axes, n - axes.sum(axis=1)])


def linear_gradients(theta, x, y):
    """Losses (n_sets, n_points) and gradients (n_sets, n_points, n_params) of ½(x·θ − y)²."""
    residual = theta @ x.T - y
    return residual**2 / 2, residual[:, :, None] * x


def perceptron_gradients(theta, x, y):
    """The same of a perceptron with tanh, one output and two hidden units: W, b, v, c flattened."""
    n_in, n_hidden = x.shape[1], 2
    cuts = np.cumsum([n_in * n_hidden, n_hidden, n_hidden])
    first, bias, second, last = np.split(theta, cuts, axis=1)
    first = first.reshape(-1, n_in, n_hidden)
    hidden = np.tanh(np.einsum("ki,sih->skh", x, first) + bias[:, None])
    residual = np.einsum("skh,sh->sk", hidden, second) + last - y
    back = residual[:, :, None] * second[:, None] * (1 - hidden**2)
    to_first = np.einsum("ki,skh->skih", x, back).reshape(*residual.shape, -1)
    to_second = residual[:, :, None] * hidden
    gradients = np.concatenate([to_first, back, to_second, residual[:, :, None]], axis=2)
    return residual**2 / 2, gradients


def along_training(gradients, theta, x, y, probabilities, n, rate, n_steps):
    """κ, n·gap and n(1 − R_h) over all training sets of n draws, each (n_steps + 1,)."""
    counts = all_counts(n, len(x))
    chance = np.exp(
        gammaln(n + 1) - gammaln(counts + 1).sum(axis=1) + counts @ np.log(probabilities)
    )
    theta = np.tile(theta, (len(counts), 1))
    found = []
    for _ in range(n_steps + 1):
        losses, per_point = gradients(theta, x, y)
        own = np.einsum("sk,skp->sp", counts / n, per_point)  # g_D
        fresh = np.einsum("k,skp->sp", probabilities, per_point)  # E g_D′ at this θ
        spread = np.einsum("sk,skp->s", counts, (per_point - own[:, None]) ** 2) / (n - 1)  # tr S
        reuse = chance @ (own * (own - fresh)).sum(axis=1)
        squares = chance @ (own**2).sum(axis=1)
        gap = chance @ (losses @ probabilities - (counts * losses).sum(axis=1) / n)
        found.append((reuse / (chance @ spread / n), n * gap, n * reuse / squares))
        theta = theta - rate * own
    return np.array(found).T
