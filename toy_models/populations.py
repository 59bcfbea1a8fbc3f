"""Distributions to draw from. ``sample(rng, n)`` gives (x, y), n independent draws."""

from fractions import Fraction
from typing import Any

import numpy as np

from .affine_maps import Array


class FinitePopulation:
    """A finite support. A real dataset is one, so its GSNR and OSGR are known, not estimated.

    Parameters
    ----------
    x : ndarray, shape (n_points, ...)
    y : ndarray, shape (n_points, ...)
    probabilities : ndarray, shape (n_points,), optional
        Not negative; must sum to 1 (exactly, where they are ``fractions.Fraction``). Equal if
        left out.

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no point, or the probabilities are none.

    Examples
    --------
    >>> population = FinitePopulation(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]))
    >>> population
    FinitePopulation(2 points, x (1,), y (), equal probabilities)
    >>> x, y = population.sample(np.random.default_rng(0), 3)
    >>> x.shape, y.shape
    ((3, 1), (3,))
    """

    def __init__(self, x: Any, y: Any, probabilities: Any = None) -> None:
        self.x, self.y = np.asarray(x), np.asarray(y)
        n_points = len(self.x) if self.x.ndim else 0
        if n_points == 0 or self.y.shape[:1] != (n_points,):
            raise ValueError(
                f"x has shape {self.x.shape} and y {self.y.shape}; "
                "expected the same positive number of points in both"
            )
        if probabilities is None:
            exact = object in (self.x.dtype, self.y.dtype)
            share = Fraction(1, n_points) if exact else 1.0 / n_points
            probabilities = np.full(n_points, share)
        self.probabilities = np.asarray(probabilities)
        if self.probabilities.shape != (n_points,):
            raise ValueError(
                f"probabilities has shape {self.probabilities.shape}; expected ({n_points},)"
            )
        total = self.probabilities.sum()
        exact = self.probabilities.dtype == object
        if not (self.probabilities >= 0).all() or (total != 1 if exact else abs(total - 1) > 1e-12):
            raise ValueError(
                f"probabilities have minimum {self.probabilities.min()} and sum {total}; "
                "expected none below 0 and sum 1"
            )

    def __repr__(self) -> str:
        equal = "equal" if (self.probabilities == self.probabilities[0]).all() else "unequal"
        return (
            f"FinitePopulation({len(self.x)} points, x {self.x.shape[1:]}, y {self.y.shape[1:]}, "
            f"{equal} probabilities)"
        )

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Draw n points with replacement."""
        probabilities = self.probabilities.astype(float)
        chosen = rng.choice(len(self.x), size=n, p=probabilities / probabilities.sum())
        return self.x[chosen], self.y[chosen]


class GaussianLinear:
    """y = x·weights + ε with x ~ N(0, covariance) and ε ~ N(0, noise²).

    Parameters
    ----------
    weights : ndarray, shape (n_features,)
    covariance : ndarray, shape (n_features, n_features), optional
        Of the inputs; the identity if left out.
    noise : float
        Standard deviation of the label noise.

    Raises
    ------
    ValueError
        If the covariance is not a covariance or the noise is negative.

    Examples
    --------
    >>> population = GaussianLinear(np.array([1.0, -2.0]), noise=0.0)
    >>> population
    GaussianLinear(2 features, noise 0.0)
    >>> x, y = population.sample(np.random.default_rng(0), 5)
    >>> bool(np.allclose(y, x @ [1, -2]))
    True
    """

    def __init__(self, weights: Any, covariance: Any = None, noise: float = 1.0) -> None:
        self.weights = np.asarray(weights, dtype=float)
        n_features = self.weights.size
        self.covariance = (
            np.eye(n_features) if covariance is None else np.asarray(covariance, float)
        )
        if self.weights.ndim != 1 or self.covariance.shape != (n_features, n_features):
            raise ValueError(
                f"weights has shape {self.weights.shape} and covariance {self.covariance.shape}; "
                "expected (n_features,) and (n_features, n_features)"
            )
        symmetric = np.array_equal(self.covariance, self.covariance.T)
        variances, axes = np.linalg.eigh(self.covariance)
        if not symmetric or variances.min() < -1e-12 * variances.max():
            raise ValueError("covariance is not symmetric and positive semidefinite")
        if not (np.isfinite(noise) and noise >= 0):
            raise ValueError(f"noise is {noise}; expected a standard deviation, 0 or more")
        self.noise = float(noise)
        self._root = axes * np.sqrt(np.maximum(variances, 0))

    def __repr__(self) -> str:
        return f"GaussianLinear({self.weights.size} features, noise {self.noise})"

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Draw n independent samples: x (n, n_features), y (n,)."""
        x = rng.standard_normal((n, self.weights.size)) @ self._root.T
        return x, x @ self.weights + self.noise * rng.standard_normal(n)


class ProductRegression:
    """y = x₀·x₁ + ε with x ~ U[−1, 1]² and ε ~ U[−noise, noise], the paper's toy regression.

    Parameters
    ----------
    noise : float
        Half-width of the label noise. The default, 0.01, is recalled, not taken from the paper.

    Raises
    ------
    ValueError
        If the noise is negative.

    Examples
    --------
    >>> x, y = ProductRegression(noise=0.0).sample(np.random.default_rng(0), 4)
    >>> bool(np.allclose(y, x[:, 0] * x[:, 1]))
    True
    """

    def __init__(self, noise: float = 0.01) -> None:
        if not (np.isfinite(noise) and noise >= 0):
            raise ValueError(f"noise is {noise}; expected a half-width, 0 or more")
        self.noise = float(noise)

    def __repr__(self) -> str:
        return f"ProductRegression(noise={self.noise})"

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Draw n independent samples: x (n, 2), y (n,)."""
        x = rng.uniform(-1, 1, (n, 2))
        return x, x[:, 0] * x[:, 1] + self.noise * rng.uniform(-1, 1, n)
