"""One backward pass for all samples, through the affine taps.

The loss of sample i depends on row i of an affine map's outputs and on no other row. So the
gradient of the *summed* loss with respect to those outputs is, row by row, each sample's own.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from autograd.tracer import getval

from gsnr_ref.autodiff import defvjp, make_vjp, ones_like, primitive
from gsnr_ref.contract import Array, InputError, Model, Params


@dataclass
class TappedLayer:
    """What one affine map saw of a batch: its inputs, and the loss's derivative by its outputs.

    Attributes
    ----------
    inputs : ndarray, shape (n_samples, n_positions, n_in)
    deltas : ndarray, shape (n_samples, n_positions, n_out)
    """

    inputs: Array
    deltas: Array

    def gradients(self, parameter: str) -> Array:
        """Per-sample gradients of the layer's weight or bias, (n_samples, *parameter_shape)."""
        if parameter.endswith(".bias"):
            gradients: Array = self.deltas.sum(axis=1)
        else:
            gradients = np.matmul(self.inputs.swapaxes(1, 2), self.deltas)  # Σ_p inputsᵀ deltas
        return gradients


@primitive
def _watch(outputs: Any, anchor: float, record: TappedLayer) -> Any:
    """Return `outputs` unchanged. On the way back, note the derivative that arrives here."""
    return outputs


def _note_deltas(ans: Any, outputs: Any, anchor: float, record: TappedLayer) -> Any:
    def backward(deltas: Array) -> float:
        record.deltas = deltas
        return 0.0

    return backward


# The anchor is the variable that autograd differentiates by: it makes every watched array part of
# the traced computation, without asking autograd for the gradients of the parameters.
defvjp(_watch, lambda ans, *_: lambda deltas: deltas, _note_deltas, argnums=(0, 1))


def tapped_layers(model: Model, params: Params, x: Any, y: Any) -> dict[str, TappedLayer]:
    """Run one forward and one backward pass and return what every affine map saw.

    An affine map that is applied several times (tied weights) gets its applications as positions.
    """
    records: list[tuple[str, TappedLayer]] = []

    def summed_loss(anchor: float) -> Any:
        def tap(name: str, inputs: Any, outputs: Any) -> Any:
            record = TappedLayer(getval(inputs), np.zeros(np.shape(outputs), getval(outputs).dtype))
            records.append((name, record))
            return _watch(outputs, anchor, record)

        return model.loss(params, x, y, tap)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input")  # told below
        backward, losses = make_vjp(summed_loss)(0.0)
    if np.shape(losses) != (len(x),):
        raise InputError(
            f"model.loss returned shape {np.shape(losses)}; expected per-sample losses, ({len(x)},)"
        )
    if records:
        backward(ones_like(losses))
    layers: dict[str, TappedLayer] = {}
    for name, record in records:
        inputs, deltas = _with_positions(record.inputs), _with_positions(record.deltas)
        if name in layers:
            inputs = np.concatenate([layers[name].inputs, inputs], axis=1)
            deltas = np.concatenate([layers[name].deltas, deltas], axis=1)
        layers[name] = TappedLayer(inputs, deltas)
    for parameter in model.trainable:
        if parameter.rpartition(".")[0] not in layers:
            raise InputError(
                f"model passes no affine map through its tap for the parameter {parameter!r}; "
                "expected one, or method='loop'"
            )
    return layers


def _with_positions(array: Array) -> Array:
    return array[:, None, :] if array.ndim == 2 else array


def tapped_gradients(model: Model, params: Params, x: Any, y: Any) -> Params:
    """Return per-sample gradients as products of each layer's inputs and deltas: equation 1.

    See `gsnr_ref.per_sample_gradients`, which checks the inputs.
    """
    layers = tapped_layers(model, params, x, y)
    return {p: layers[p.rpartition(".")[0]].gradients(p) for p in model.trainable}
