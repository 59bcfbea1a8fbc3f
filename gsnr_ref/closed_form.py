"""Populations whose GSNR and OSGR are known on paper, at any n and any learning rate.

Stands alone: imports NumPy only, so that it can be held against every other route. Exact numbers
(``fractions.Fraction``, dtype object) in, exact numbers out.

A loss that is quadratic in the parameters falls in one step by λ g·g − (λ²/2) gᵀHg, with nothing
left out. So everything about a population is in four numbers: ‖g̃‖², A = E‖g_D‖²,
B′ = E g_DᵀHg_D and B = E g_DᵀH_Dg_D, with H the population's and H_D the training set's Hessian.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class ClosedForm:
    """GSNR, and OSGR at any learning rate, of a loss that is quadratic in the parameters.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_params,)
        g̃ and ρ² of the per-sample gradient.
    test_slope, training_slope : float or Fraction
        E ΔL[D′]/λ and E ΔL[D]/λ as λ → 0: ‖g̃‖² and A, where the test set is independent.
    test_curvature, training_curvature : float or Fraction
        B′ and B.

    Examples
    --------
    >>> location_model(theta=2.0, mean=0.0, variance=4.0, n=1).gsnr
    array([1.])
    """

    mean: Array
    variance: Array
    test_slope: Any
    training_slope: Any
    test_curvature: Any
    training_curvature: Any

    @property
    def gsnr(self) -> Array:
        """GSNR r = g̃²/ρ²: equation 2; ``inf`` and ``nan`` as in `gsnr_ref.gsnr`."""
        return _divide(self.mean * self.mean, self.variance)

    def test_decrease(self, learning_rate: Any) -> Any:
        """E ΔL[D′] = λ‖g̃‖² − λ²B′/2."""
        return learning_rate * (self.test_slope - learning_rate * self.test_curvature / 2)

    def training_decrease(self, learning_rate: Any) -> Any:
        """E ΔL[D] = λA − λ²B/2."""
        return learning_rate * (self.training_slope - learning_rate * self.training_curvature / 2)

    def osgr(self, learning_rate: Any = 0) -> Any:
        """OSGR R(λ) = (‖g̃‖² − λB′/2)/(A − λB/2): equation 5; its limit at 0."""
        test = self.test_slope - learning_rate * self.test_curvature / 2
        training = self.training_slope - learning_rate * self.training_curvature / 2
        return _divide(np.asarray(test), np.asarray(training)).item()


def _divide(numerator: Array, denominator: Array) -> Array:
    """Quotient with inf for a/0 and nan for 0/0, for exact numbers too."""
    if denominator.dtype == object:
        pairs = list(zip(numerator.ravel(), denominator.ravel(), strict=True))
        quotients = [a / b if b else float("inf" if a else "nan") for a, b in pairs]
        result = np.empty(denominator.shape, dtype=object)
        result.ravel()[:] = quotients
        return result
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator / denominator)


def _check_n(n: Any, smallest: int = 1, largest: float = np.inf) -> None:
    whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if not whole or not smallest <= n <= largest:
        span = f"{smallest} or more" if largest == np.inf else f"{smallest} to {largest}"
        raise ValueError(f"n is {n!r}; expected a whole number, {span}")


def location_model(theta: Any, mean: Any, variance: Any, n: int) -> ClosedForm:
    """Loss ½(θ − y)², with y of any distribution that has this mean and variance.

    r = (θ − μ)²/s². The Hessian is 1, so B = B′ = A and R(λ) = (g̃² − λA/2)/((1 − λ/2)A).

    Parameters
    ----------
    theta : float or Fraction
    mean, variance : float or Fraction
        μ and s² of y.
    n : int
        Size of the training set.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` is no size or the variance is negative.

    Examples
    --------
    >>> location_model(theta=1.0, mean=0.0, variance=4.0, n=4).osgr()  # r = 1/n
    0.5
    """
    _check_n(n)
    if not variance >= 0:
        raise ValueError(f"variance is {variance!r}; expected 0 or more")
    gradient = theta - mean
    expected = gradient * gradient + variance / n
    return ClosedForm(
        np.array([gradient]),
        np.array([variance]),
        gradient * gradient,
        expected,
        expected,
        expected,
    )


def gaussian_linear_regression(
    weights: Any, true_weights: Any, covariance: Any, noise: Any, n: int
) -> ClosedForm:
    """Loss ½(w·x − y)² with y = w*·x + ε, x ~ N(0, C), ε ~ N(0, s²).

    With e = w − w*: g̃ = Ce and Cov g = (eᵀCe + s²)C + Ce eᵀC, so
    r_j = (Ce)_j²/((eᵀCe + s²)C_jj + (Ce)_j²) < 1. On the training side the Hessian is a Wishart
    matrix over n, and B takes its second and third moments.

    Parameters
    ----------
    weights, true_weights : array_like, shape (n_features,)
        w and w*.
    covariance : array_like, shape (n_features, n_features)
        C.
    noise : float or Fraction
        Standard deviation s.
    n : int
        Size of the training set.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` is no size or shapes do not fit.

    Examples
    --------
    >>> closed = gaussian_linear_regression([2.0], [1.0], [[1.0]], noise=0.0, n=1)
    >>> closed.gsnr  # g = e x², with mean e and variance 2e²
    array([0.5])
    """
    _check_n(n)
    e = np.asarray(weights) - np.asarray(true_weights)
    c = np.asarray(covariance)
    if e.ndim != 1 or c.shape != (len(e), len(e)):
        raise ValueError(
            f"weights has shape {e.shape} and covariance {c.shape}; "
            "expected (n_features,) and (n_features, n_features)"
        )
    c2 = c @ c
    mean = c @ e
    residual = e @ mean + noise * noise  # variance of w·x − y
    variance = residual * np.diag(c) + mean * mean
    signal = mean @ mean
    e_c3_e = mean @ c @ mean
    # E W² and E W³ of W ~ Wishart(n, C), between e and e, or traced
    trace, trace2 = np.trace(c), np.trace(c2)
    e_w3_e = (
        n * (n * n + 3 * n + 4) * e_c3_e
        + 2 * n * (n + 1) * trace * signal
        + n * ((n + 1) * trace2 + trace * trace) * (e @ mean)
    )
    trace_w2 = n * (n + 1) * trace2 + n * trace * trace
    return ClosedForm(
        mean,
        variance,
        signal,
        signal + variance.sum() / n,
        e_c3_e + (residual * trace2 + e_c3_e) / n,
        e_w3_e / n**3 + noise * noise * trace_w2 / n**3,
    )


@dataclass(frozen=True)
class _Points:
    """Per-sample gradients x δᵀ of linear regression on given points, and sums over them."""

    mean: Array
    variance: Array
    signal: Any
    gradient_hessian_gradient: Any  # g̃ᵀHg̃
    spread: Any  # E gᵢᵀHgᵢ
    own_to_mean: Any  # g̃ᵀE[Hᵢgᵢ]
    own: Any  # E gᵢᵀHᵢgᵢ


def _points(x: Any, y: Any, weight: Any, bias: Any, probabilities: Any) -> _Points:
    x, y, weight = np.asarray(x), np.asarray(y), np.asarray(weight)
    y = y[:, None] if y.ndim == 1 else y
    weight = weight[:, None] if weight.ndim == 1 else weight
    if x.ndim != 2 or y.shape != (len(x), weight.shape[1]) or x.shape[1:] != weight.shape[:1]:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape} and weight {weight.shape}; "
            "expected (n_points, n_features), (n_points, n_outputs), (n_features, n_outputs)"
        )
    if bias is not None:  # a bias is the weight of an input that is always 1
        x = np.concatenate([x, np.ones_like(x[:, :1])], axis=1)
        weight = np.concatenate([weight, np.asarray(bias)[None, :]])
    p = np.asarray(probabilities)
    deltas = x @ weight - y
    g = x[:, :, None] * deltas[:, None, :]  # (n_points, n_inputs, n_outputs)

    def average(values: Array) -> Any:
        return np.tensordot(p, values, axes=1)

    mean = average(g)
    deviations = g - mean
    variance = average(deviations * deviations)
    hessian = (x * p[:, None]).T @ x
    x_dot_x = (x * x).sum(axis=1)
    own_hessian = g * x_dot_x[:, None, None]  # Hᵢgᵢ, with Hᵢ = xᵢxᵢᵀ for each output
    return _Points(
        mean.ravel(),
        variance.ravel(),
        (mean * mean).sum(),
        (mean * (hessian @ mean)).sum(),
        average((g * (hessian @ g)).sum(axis=(1, 2))),
        (mean * average(own_hessian)).sum(),
        average((g * own_hessian).sum(axis=(1, 2))),
    )


def finite_linear_regression(
    x: Any, y: Any, weight: Any, n: int, bias: Any = None, probabilities: Any = None
) -> ClosedForm:
    """Linear regression, loss ½‖x W + b − y‖², on n independent draws from given points.

    B = [n(n−1)(n−2) g̃ᵀHg̃ + n(n−1) E gᵢᵀHgᵢ + 2n(n−1) g̃ᵀE[Hᵢgᵢ] + n E gᵢᵀHᵢgᵢ]/n³: the triples of
    draws that are all different, that share a gradient, or a gradient and the Hessian, or all.

    Parameters
    ----------
    x : array_like, shape (n_points, n_features)
    y : array_like, shape (n_points,) or (n_points, n_outputs)
    weight : array_like, shape (n_features,) or (n_features, n_outputs)
    n : int
        Size of the training set.
    bias : array_like, shape (n_outputs,), optional
    probabilities : array_like, shape (n_points,), optional
        Equal if left out; must be exact where x and y are.

    Returns
    -------
    ClosedForm
        Parameters in the order of the flattened weight, then the bias.

    Raises
    ------
    ValueError
        If `n` is no size or shapes do not fit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> x, y = np.array([[Fraction(1)], [Fraction(1)]]), np.array([Fraction(0), Fraction(2)])
    >>> half = [Fraction(1, 2)] * 2
    >>> closed = finite_linear_regression(x, y, [Fraction(3)], n=1, probabilities=half)
    >>> closed.osgr(), closed.osgr(Fraction(1, 10))
    (Fraction(4, 5), Fraction(15, 19))
    """
    _check_n(n)
    if probabilities is None:
        probabilities = np.full(len(np.asarray(x)), 1 / len(np.asarray(x)))
    points = _points(x, y, weight, bias, probabilities)
    third = (
        n * (n - 1) * (n - 2) * points.gradient_hessian_gradient
        + n * (n - 1) * points.spread
        + 2 * n * (n - 1) * points.own_to_mean
        + n * points.own
    )
    covariance_trace = points.spread - points.gradient_hessian_gradient  # tr(HΣ)
    return ClosedForm(
        points.mean,
        points.variance,
        points.signal,
        points.signal + points.variance.sum() / n,
        points.gradient_hessian_gradient + covariance_trace / n,
        third / n**3,
    )


def holdout_linear_regression(x: Any, y: Any, weight: Any, n: int, bias: Any = None) -> ClosedForm:
    """Linear regression on a split: n points drawn without replacement, tested on the rest.

    What somebody measures who splits a dataset of N points. Its OSGR can be negative.

    Parameters
    ----------
    x, y, weight, bias
        As in `finite_linear_regression`.
    n : int
        Size of the training set, 1 to N − 1. The size of a test set drawn from the rest does not
        matter.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        If `n` leaves no point to train on or to test on, or shapes do not fit.

    Examples
    --------
    >>> closed = holdout_linear_regression([[1.0], [1.0]], [0.0, 2.0], [3.0], n=1)
    >>> closed.osgr()  # gradients 3 and 1: E g_D·g_D′ = 3, E g_D² = 5
    0.6
    """
    total = len(np.asarray(x))
    _check_n(n, 1, total - 1)
    exact = np.asarray(x).dtype == object
    one = np.asarray(x).ravel()[0] * 0 + 1 if exact else 1.0
    points = _points(x, y, weight, bias, np.full(total, one / total))
    # Sums over the N points, by which of the indices i, j, k of gᵢᵀHⱼg_k are different
    same = total * points.own
    shared_gradient = total**2 * points.spread - same
    shared_hessian = total**2 * points.own_to_mean - same
    different = (
        total**3 * points.gradient_hessian_gradient - shared_gradient - 2 * shared_hessian - same
    )
    pairs = n * (n - 1) * one / (total * (total - 1))
    triples = pairs * (n - 2) / (total - 2) if total > 2 else 0
    third = triples * different + pairs * (shared_gradient + 2 * shared_hessian)
    training_curvature = (third + n * one / total * same) / n**3
    shrink = (total - n) * one / (n * (total - 1))  # of Σ in the covariance of g_D
    noise = points.variance.sum()
    covariance_trace = points.spread - points.gradient_hessian_gradient
    with_all = points.gradient_hessian_gradient + covariance_trace * shrink  # E g_DᵀHg_D
    test_curvature = (total * with_all - n * training_curvature) / (total - n)
    return ClosedForm(
        points.mean,
        points.variance,
        points.signal - noise / (total - 1),
        points.signal + noise * shrink,
        test_curvature,
        training_curvature,
    )


def holdout_osgr(mean: Any, variance: Any, n_points: int, n: int) -> Any:
    """OSGR at a small learning rate of a split of any dataset, for any model.

    R = (‖g̃‖² − S/(N−1)) / (‖g̃‖² + (S/n)(N−n)/(N−1)), with S = tr Σ. E g_D·g_D′ is less than
    ‖g̃‖², because what is drawn for D is missing from D′.

    Parameters
    ----------
    mean, variance : array_like, shape (n_params,)
        Of the per-sample gradient over all N points; the variance with 1/N.
    n_points : int
        N.
    n : int
        Size of the training set, 1 to N − 1.

    Returns
    -------
    float or Fraction

    Raises
    ------
    ValueError
        If `n` leaves no point to train on or to test on.

    Examples
    --------
    >>> holdout_osgr([2.0], [1.0], n_points=2, n=1)
    0.6
    """
    _check_n(n_points, 2)
    _check_n(n, 1, n_points - 1)
    mean, variance = np.asarray(mean), np.asarray(variance)
    signal, noise = (mean * mean).sum(), variance.sum()
    test = signal - noise / (n_points - 1)
    training = signal + noise * (n_points - n) / (n * (n_points - 1))
    return _divide(np.asarray(test), np.asarray(training)).item()


def label_noise(
    mean: Any, variance: Any, uniform_mean: Any, uniform_variance: Any, probability: Any
) -> tuple[Any, Any]:
    """Mean and variance of the per-sample gradient when labels are random with a probability.

    Each sample's label is replaced, with this probability, by a uniform one. At fixed parameters
    the gradient's distribution is then a mixture, and so are its first and second moments:
    g̃ = (1−p)g̃₀ + p g̃₁ and ρ² = (1−p)ρ₀² + pρ₁² + p(1−p)(g̃₀ − g̃₁)².

    Parameters
    ----------
    mean, variance : array_like
        g̃₀ and ρ₀² with the true labels.
    uniform_mean, uniform_variance : array_like
        g̃₁ and ρ₁² with uniform labels, independent of the inputs.
    probability : float or Fraction
        p, 0 to 1. A uniform label can be the true one.

    Returns
    -------
    mean, variance : ndarray

    Raises
    ------
    ValueError
        If the probability is none.

    Examples
    --------
    >>> mean, variance = label_noise(1.0, 0.0, -1.0, 0.0, probability=0.5)
    >>> float(mean), float(variance)
    (0.0, 1.0)
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability!r}; expected 0 to 1")
    mean, uniform_mean = np.asarray(mean), np.asarray(uniform_mean)
    true = 1 - probability
    between = mean - uniform_mean
    mixed = true * np.asarray(variance) + probability * np.asarray(uniform_variance)
    return (
        true * mean + probability * uniform_mean,
        mixed + true * probability * between * between,
    )
