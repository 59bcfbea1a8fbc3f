"""Moments of a model's per-sample gradients, chunk by chunk, without keeping the gradients.

Imports ``contract``, ``gradients`` and ``moments``.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gsnr_ref.contract import (
    Array,
    InputError,
    Model,
    Number,
    Params,
    as_array,
    check_batch,
    check_count,
    check_finite,
    explain_not_finite,
    is_exact,
)
from gsnr_ref.gradients import Method, per_sample_gradients
from gsnr_ref.gradients.checked import check_once
from gsnr_ref.gradients.tapped import KINDS, TappedLayer, tapped_layers
from gsnr_ref.moments.checks import are_counts, checked_weights, total_weight, weights_like
from gsnr_ref.moments.mergeable import GradientMoments
from gsnr_ref.moments.products import position_sums, product_sums
from gsnr_ref.moments.sums import Sums, block_sums, empty_sums

_LARGEST_CHUNK = 10_000
_CACHED_BYTES = 16 * 2**20
_KEPT_BYTES = 2**25 - 2**16


@np.errstate(all="ignore")
def gradient_moments(
    model: Model,
    params: Params,
    x: Any,
    y: Any = None,
    weights: Any = None,
    chunk_size: int | None = None,
    method: Method = "tapped",
    check: bool = True,
) -> GradientMoments[Params]:
    """Mean and variance of the per-sample gradient, without keeping per-sample gradients.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray, or any mapping
    x : array_like, shape (n_samples, ...), or iterable of (x, y) batches
        An iterable is read once, batch by batch, and may be longer than memory; leave `y` out.
    y : array_like, shape (n_samples, ...)
    weights : array_like, shape (n_samples,), optional
        Not negative, of any real dtype. Whole numbers count repeated samples. Where one is not
        whole, all are the probabilities of a finite population: no variance with ``ddof=1``.
    chunk_size : int, optional
        Samples taken at a time. Sets the memory and the speed, not the result. Left out: 10,000, or
        fewer where a layer is applied at many positions (a convolution), so that what the taps see
        stays in cache.
    method : {"tapped", "loop"}
        As in `per_sample_gradients`. ``"loop"`` is for models without taps.
    check : bool
        Whether to look at two samples once for each model and shapes, as `check_model` does.

    Returns
    -------
    GradientMoments
        Over ``model.trainable``: g̃ and ρ² of equation 1 if the samples are the population, or
        their estimates if they are a sample from it.

    Raises
    ------
    InputError
        If an input has no samples, does not fit, or holds NaN or infinity, or the model breaks
        the contract of `Model`.
    RangeError
        If a gradient or its square leaves the range of float64.

    Warns
    -----
    PrecisionWarning
        If squared deviations underflow (gradients below about 1e-150).

    Notes
    -----
    A layer's gradients are products of its inputs and deltas, so their sums and sums of squares are
    two matrix products. Their rounding error is bounded, and where the bound exceeds 1e-10 of the
    variance (large GSNR) inputs and deltas are centred first, or the products are formed and taken
    through two passes. The gradients are computed in the dtype of the inputs and accumulated in
    float64.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model = LinearRegression(1, bias=False)
    >>> params = {"linear.weight": np.array([[2.0]])}
    >>> x, y = np.array([[1.0], [3.0]]), np.array([1.0, 1.0])
    >>> moments = gradient_moments(model, params, x, y)  # gradients 1 and 15
    >>> moments.mean["linear.weight"], moments.variance()["linear.weight"]
    (array([[8.]]), array([[49.]]))
    >>> gradient_moments(model, params, [(x[:1], y[:1]), (x[1:], y[1:])]).count
    2
    """
    if chunk_size is not None:
        check_count("chunk_size", chunk_size)
    elif method != "tapped":
        chunk_size = _LARGEST_CHUNK
    _keep_freed_memory()
    total: GradientMoments[Params] | None = None
    largest = 0
    for chunk_x, chunk_y, chunk_weights in _chunks(model, params, x, y, weights, chunk_size):
        if method == "tapped":
            piece = _tapped_moments(model, params, chunk_x, chunk_y, chunk_weights)
        else:
            gradients = per_sample_gradients(model, params, chunk_x, chunk_y, method, check=False)
            piece = GradientMoments.from_samples(gradients, chunk_weights)
        if check and len(chunk_x) > largest:  # one sample does not tell what several do
            check_once(model, params, chunk_x, chunk_y, method, chunk_weights)
            largest = len(chunk_x)
        total = piece if total is None else total.merge(piece)
    if total is None or total.count == 0:
        raise InputError("x holds no sample (of positive weight); expected at least one")
    return total


def _keep_freed_memory() -> None:
    """Have the C library keep what one chunk frees for the next one: up to 64 MiB.

    glibc gives back what is free at the end of the heap if it is more than twice the largest block
    mapped and freed so far. Mapped anew, page by page, it took a third of the time of narrow
    networks. This block, of the largest size that counts, is never written to.
    """
    np.empty(_KEPT_BYTES, np.uint8)


def _chunks(
    model: Model, params: Params, x: Any, y: Any, weights: Any, chunk_size: int | None
) -> Iterator[tuple[Array, Array, Array | None]]:
    if y is not None:
        batches: Iterable[Any] = [(x, y)]
    elif not isinstance(x, Iterable) or isinstance(x, np.ndarray):
        raise InputError(f"y is left out and x is {type(x).__name__}; expected (x, y) batches")
    elif weights is not None:
        raise InputError("weights is given with an iterable of batches; expected x and y arrays")
    else:
        batches = x
    for batch in batches:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise InputError(f"a batch is {type(batch).__name__}; expected a pair (x, y)")
        batch_x, batch_y = (as_array(name, value) for name, value in zip("xy", batch, strict=True))
        if y is None and batch_x.shape[:1] == batch_y.shape[:1] == (0,):
            continue
        checked = checked_weights(weights, len(batch_x))
        if chunk_size is None:
            one = check_batch(model, params, batch_x[:1], batch_y[:1], finite=False)
            chunk_size = _cached_chunk(model, params, *one)
        for start in range(0, max(1, len(batch_x)), chunk_size):
            rows = slice(start, start + chunk_size)
            chunk = check_batch(model, params, batch_x[rows], batch_y[rows], finite=False)
            yield (*chunk, None if checked is None else checked[rows])


def _cached_chunk(model: Model, params: Params, x: Array, y: Array) -> int:
    """Samples whose inputs and deltas, in layers of several positions, take `_CACHED_BYTES`."""
    with np.errstate(over="ignore", invalid="ignore"):
        layers = tapped_layers(model, params, x, y).values()
    sizes = [la.inputs.nbytes + la.deltas.nbytes for la in layers if la.inputs.shape[1] > 1]
    return max(1, min(_LARGEST_CHUNK, _CACHED_BYTES // max(1, sum(sizes))))


def _tapped_moments(
    model: Model, params: Params, x: Array, y: Array, weights: Array | None
) -> GradientMoments[Params]:
    is_population = not are_counts(weights)
    if weights is not None:
        used = weights > 0
        x, y, weights = x[used], y[used], weights[used]
        if len(weights) == 0:
            return GradientMoments.of_sums(
                0, {p: empty_sums(params[p].shape) for p in model.trainable}
            )
    with np.errstate(all="ignore"):
        sums: dict[str, Sums] = {}
        for name, layer in tapped_layers(model, params, x, y).items():
            wanted = [p for p in (f"{name}.{kind}" for kind in KINDS) if p in model.trainable]
            if not wanted:
                check_finite(f"inputs of {name!r}", layer.inputs)
            sums |= {p: _layer_sums(layer, p, weights) for p in wanted}
    for s in sums.values():
        if not is_exact(s.mean) and not np.isfinite(s.mean).all():
            explain_not_finite(params, x, y)
    exact = any(is_exact(s.mean) for s in sums.values())
    count: Number = len(x) if weights is None else total_weight(weights, exact)
    return GradientMoments.of_sums(count, {p: sums[p] for p in model.trainable}, is_population)


def _layer_sums(layer: TappedLayer, parameter: str, weights: Array | None) -> Sums:
    """Sums of a parameter's gradients; those of a dense layer are products, and never formed."""
    weights, n_positions = weights_like(layer.deltas, weights), layer.inputs.shape[1]
    if not parameter.endswith(".weight") or is_exact(layer.deltas):
        return block_sums(layer.gradients(parameter), weights)
    if n_positions > 1:
        return position_sums(layer.inputs, layer.deltas, weights)
    return product_sums(layer.inputs[:, 0], layer.deltas[:, 0], weights)
