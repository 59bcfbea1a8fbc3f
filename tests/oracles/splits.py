"""OSGR by counting: every sequence of draws, every split, with plain loops over Fractions."""

from fractions import Fraction
from itertools import combinations, product


def loss_of(x, y, w, rows):
    total = Fraction(0)
    for i in rows:
        for c in range(len(w[0])):
            residual = sum(x[i][s] * w[s][c] for s in range(len(w))) - y[i][c]
            total += residual * residual / 2
    return total / len(rows)


def stepped(x, y, w, rows, rate):
    new = [list(row) for row in w]
    for i in rows:
        for c in range(len(w[0])):
            residual = sum(x[i][s] * w[s][c] for s in range(len(w))) - y[i][c]
            for s in range(len(w)):
                new[s][c] -= rate * x[i][s] * residual / len(rows)
    return new


def osgr_of_draws(x, y, w, probabilities, n, rate):
    """Linear regression on every one of the kⁿ sequences of independent draws."""
    training = test = Fraction(0)
    for rows in product(range(len(x)), repeat=n):
        chance = Fraction(1)
        for i in rows:
            chance *= probabilities[i]
        new = stepped(x, y, w, rows, rate)
        training += chance * (loss_of(x, y, w, rows) - loss_of(x, y, new, rows))
        for i, p in enumerate(probabilities):
            test += chance * p * (loss_of(x, y, w, [i]) - loss_of(x, y, new, [i]))
    return test / training


def osgr_of_splits(x, y, w, n, rate):
    """Linear regression on every split into n points and the rest."""
    training = test = Fraction(0)
    for rows in combinations(range(len(x)), n):
        rest = [i for i in range(len(x)) if i not in rows]
        new = stepped(x, y, w, rows, rate)
        training += loss_of(x, y, w, rows) - loss_of(x, y, new, rows)
        test += loss_of(x, y, w, rest) - loss_of(x, y, new, rest)
    return test / training
