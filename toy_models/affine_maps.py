"""The one parametric building block, its tap, and what every toy model shares.

Knows nothing of ``gsnr_ref``. Every parameter of a toy model lives in an affine map,

    outputs = inputs @ weight + bias

and every affine map shows its inputs and outputs to a *tap*. A tap that returns the outputs
unchanged observes the model; that is all it takes to compute per-sample gradients in one
backward pass.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]
Tap = Callable[[str, Any, Any], Any]
Option = TypeVar("Option")


def chosen(name: str, key: str, options: Mapping[str, Option]) -> Option:
    """The option of this key, or an error that names the argument and lists the keys."""
    if key not in options:
        raise ValueError(f"{name} is {key!r}; expected one of {list(options)}")
    return options[key]


def no_tap(name: str, inputs: Any, outputs: Any) -> Any:
    """Return the outputs of the affine map `name` unchanged: the default tap.

    Parameters
    ----------
    name : str
    inputs : ndarray, shape (n_samples, n_in) or (n_samples, n_positions, n_in)
    outputs : ndarray, shape (n_samples, n_out) or (n_samples, n_positions, n_out)

    Returns
    -------
    ndarray
        The outputs.

    Examples
    --------
    >>> no_tap("layer", np.array([[1.0]]), np.array([[2.0]]))
    array([[2.]])
    """
    return outputs


def affine(params: Params, name: str, inputs: Any, tap: Tap = no_tap) -> Any:
    """Apply the affine map `name` and pass its inputs and outputs through the tap.

    Parameters
    ----------
    params : dict of str to ndarray
        Holds ``"<name>.weight"``, shape (n_in, n_out), and, if the map has a bias,
        ``"<name>.bias"``, shape (n_out,).
    name : str
        Name of the layer.
    inputs : ndarray, shape (n_samples, n_in) or (n_samples, n_positions, n_in)
        Two dimensions are one position per sample.
    tap : callable
        ``tap(name, inputs, outputs) -> outputs``.

    Returns
    -------
    ndarray, shape (n_samples, n_out) or (n_samples, n_positions, n_out)

    Examples
    --------
    >>> import numpy as np
    >>> params = {"layer.weight": np.array([[2.0], [1.0]]), "layer.bias": np.array([0.5])}
    >>> affine(params, "layer", np.array([[1.0, 3.0]]))
    array([[5.5]])
    """
    outputs = anp.matmul(inputs, params[f"{name}.weight"])
    if f"{name}.bias" in params:
        outputs = outputs + params[f"{name}.bias"]
    return tap(name, inputs, outputs)


class AffineModel:
    """What every toy model shares: named affine layers, initial values, and a per-sample loss.

    Parameters
    ----------
    layers : dict of str to (int, int)
        Name of each layer and its (n_in, n_out), in the order of the forward pass.
    loss : callable
        ``loss(outputs, y)`` -> per-sample losses, shape (n_samples,).
    bias : bool
        Whether the layers have biases.
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Examples
    --------
    >>> from toy_models import squared_error
    >>> model = AffineModel({"layer": (2, 1)}, squared_error, bias=False)
    >>> model
    AffineModel({'layer': (2, 1)}, squared_error, bias=False)
    >>> model.trainable, model.init(seed=0)["layer.weight"].shape
    (('layer.weight',), (2, 1))
    """

    def __init__(
        self,
        layers: dict[str, tuple[int, int]],
        loss: Callable[[Any, Any], Any],
        bias: bool = True,
        frozen: Sequence[str] = (),
    ) -> None:
        for name, sizes in layers.items():
            if not all(isinstance(size, (int, np.integer)) and size >= 1 for size in sizes):
                raise ValueError(f"sizes of {name!r} are {sizes}; expected positive integers")
        if isinstance(frozen, str) or not set(frozen) <= set(layers):
            raise ValueError(f"frozen is {frozen!r}; expected names out of {list(layers)}")
        self.layers = layers
        self.per_sample_loss = loss
        self.bias = bias
        self.frozen = tuple(frozen)

    def __repr__(self) -> str:
        settings = self._settings()
        settings += [] if self.bias else ["bias=False"]
        settings += [f"frozen={self.frozen}"] if self.frozen else []
        return f"{type(self).__name__}({', '.join(settings)})"

    def _settings(self) -> list[str]:
        """The arguments before `bias`, as they are written in a call."""
        loss = self.per_sample_loss
        return [str(self.layers), getattr(loss, "__name__", repr(loss))]

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that a gradient step moves."""
        kinds = ("weight", "bias") if self.bias else ("weight",)
        return tuple(
            f"{name}.{k}" for name in self.layers if name not in self.frozen for k in kinds
        )

    def init(self, seed: int, scale: float = 1.0) -> Params:
        """Draw fresh parameters: weights from N(0, scale²/n_in), biases zero."""
        rng = np.random.default_rng(seed)
        params: Params = {}
        for name, (n_in, n_out) in self.layers.items():
            params[f"{name}.weight"] = rng.standard_normal((n_in, n_out)) * (scale / np.sqrt(n_in))
            if self.bias:
                params[f"{name}.bias"] = np.zeros(n_out)
        return params

    def with_shape(self, x: Any) -> Any:
        """Return x in the shape that `outputs` takes, or say that it does not fit."""
        n_in = next(iter(self.layers.values()))[0]
        if np.ndim(x) != 2 or np.shape(x)[1] != n_in:
            raise ValueError(f"x has shape {np.shape(x)}; expected (n_samples, {n_in})")
        return x

    def outputs(self, params: Params, x: Any, tap: Tap = no_tap) -> Any:
        """Outputs of the model before the loss, shape (n_samples, n_outputs)."""
        (name,) = self.layers
        return affine(params, name, x, tap)

    def loss(self, params: Params, x: Any, y: Any, tap: Tap = no_tap) -> Any:
        """Per-sample losses, shape (n_samples,): never a sum, never a mean."""
        x = self.with_shape(x)
        if np.shape(y)[:1] != np.shape(x)[:1]:
            raise ValueError(
                f"y has shape {np.shape(y)}; expected one entry for each of {len(x)} samples of x"
            )
        return self.per_sample_loss(self.outputs(params, x, tap), y)
