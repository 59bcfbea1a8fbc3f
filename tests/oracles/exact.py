"""Exact oracles: rational arithmetic on the numbers given, and naive double loops."""

from fractions import Fraction

import numpy as np


def fractions(array):
    """Return the exact values of an array's numbers."""
    array = np.asarray(array)
    flat = [
        Fraction(v) if isinstance(v, (int, Fraction)) else Fraction(float(v)) for v in array.flat
    ]
    result = np.empty(array.shape, dtype=object)
    result.flat = flat
    return result


def exact_moments(samples, weights=None):
    """Weight, mean and sum of squared deviations along the first axis, as Fractions."""
    samples = fractions(samples)
    weights = [Fraction(1)] * len(samples) if weights is None else list(fractions(weights))
    total = sum(weights)
    mean = sum(w * s for w, s in zip(weights, samples, strict=True)) / total
    m2 = sum(w * (s - mean) ** 2 for w, s in zip(weights, samples, strict=True))
    return total, mean, m2


def correct_digits(value, exact):
    """Number of correct decimal digits, 17 at most."""
    exact = Fraction(exact)
    error = abs(Fraction(float(value)) - exact)
    if error == 0:
        return 17.0
    if exact == 0:
        return 0.0
    return min(17.0, -np.log10(float(error / abs(exact))))


def exact_linear_gradients(weight, bias, x, y):
    """Per-sample gradients of ½‖x @ weight + bias − y‖² as Fractions, by a double loop."""
    weight, bias, x, y = (fractions(a) for a in (weight, bias, x, y))
    gradients = np.empty((len(x), *weight.shape), dtype=object)
    deltas = np.empty((len(x), weight.shape[1]), dtype=object)
    for i in range(len(x)):
        for c in range(weight.shape[1]):
            output = bias[c]
            for s in range(weight.shape[0]):
                output += x[i, s] * weight[s, c]
            deltas[i, c] = output - y[i, c]
            for s in range(weight.shape[0]):
                gradients[i, s, c] = x[i, s] * deltas[i, c]
    return gradients, deltas
