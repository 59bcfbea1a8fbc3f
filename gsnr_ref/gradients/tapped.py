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
from gsnr_ref.loss_checks import check_losses_shape

#: What a tapped map's parameters are called: name.weight and so on.
KINDS = ("weight", "bias", "scale", "shift")


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
        """Per-sample gradients of one of the layer's parameters, (n_samples, *parameter_shape)."""
        if parameter.endswith((".bias", ".shift")):
            ones = np.ones(self.deltas.shape[1], self.deltas.dtype)
            gradients: Array = np.matmul(ones, self.deltas)  # Σ_p deltas, faster than a sum
        elif parameter.endswith(".scale"):
            gradients = (self.inputs * self.deltas).sum(axis=1)
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
    check_losses_shape(losses, len(x))
    if records:
        backward(ones_like(losses))
    applied: dict[str, list[TappedLayer]] = {}
    for name, record in records:
        if any(f"{name}.{kind}" in model.trainable for kind in KINDS):
            _check_shapes(name, record, params, len(x))
        applied.setdefault(name, []).append(record)
    layers = {name: _with_positions(several) for name, several in applied.items()}
    for parameter in model.trainable:
        layer, _, kind = parameter.rpartition(".")
        if layer in layers and kind not in KINDS:
            raise InputError(
                f"parameter {parameter!r} is neither the weight nor the bias of an affine map, nor "
                "a scale or a shift; expected one of them, or method='loop'"
            )
        if layer not in layers:
            raise InputError(
                f"model passes no affine map through its tap for the parameter {parameter!r}; "
                "expected one, or method='loop'"
            )
    return layers


def _check_shapes(name: str, record: TappedLayer, params: Params, n_samples: int) -> None:
    """Refuse inputs and outputs that cannot be those of an affine map, one row a sample."""
    inputs, outputs = record.inputs.shape, record.deltas.shape
    fault = f"the tap of layer {name!r} got inputs of shape {inputs} and outputs of shape {outputs}"
    places = inputs[:-1]
    if len(places) not in (1, 2) or places != outputs[:-1] or places[0] != n_samples:
        usually = ""
        if len(places) == 2 and places == outputs[:-1] and places[1] == n_samples:
            usually = ": usually time steps before samples"
        elif len(places) > 2 and places[0] == n_samples:
            usually = "; reshape the positions of a sample into one axis"
        raise InputError(
            f"{fault}; expected {n_samples} samples first, as in (n_samples, n_in) and "
            f"(n_samples, n_out), or with n_positions between{usually}"
        )
    expected = {"weight": (inputs[-1], outputs[-1]), "bias": (outputs[-1],)}
    if f"{name}.scale" in params:
        expected = {"scale": (inputs[-1],), "shift": (outputs[-1],)}
    for kind, shape in expected.items():
        found = np.shape(params.get(f"{name}.{kind}", np.empty(shape)))
        if found != shape:
            usually = ""
            if found == shape[::-1]:
                usually = ": usually inputs @ weight.T"
            elif found[1:] == shape[1:] and found[:1] > shape[:1] and kind == "weight":
                usually = ": usually a tap that gets a part of the inputs"
            raise InputError(
                f"params['{name}.{kind}'] has shape {found}, and {fault}; expected {shape}{usually}"
            )


def _with_positions(several: list[TappedLayer]) -> TappedLayer:
    """The applications of one map side by side, as positions."""

    def positions(arrays: list[Array]) -> Array:
        arrays = [a[:, None, :] if a.ndim == 2 else a for a in arrays]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)

    return TappedLayer(
        positions([r.inputs for r in several]), positions([r.deltas for r in several])
    )


def tapped_gradients(model: Model, params: Params, x: Any, y: Any) -> Params:
    """Return per-sample gradients as products of each layer's inputs and deltas: equation 1.

    See `gsnr_ref.per_sample_gradients`, which checks the inputs.
    """
    layers = tapped_layers(model, params, x, y)
    return {p: layers[p.rpartition(".")[0]].gradients(p) for p in model.trainable}
