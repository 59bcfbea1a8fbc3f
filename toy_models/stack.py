"""Layers of any kind, applied one after the other, and a loss.

What `AffineModel` is for affine maps only. A layer sees each sample as one row of numbers, shapes
it as it needs, and returns rows again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .affine_maps import Params, Tap, no_tap
from .layer_types import Layer


class Stack:
    """A model that is a list of layers.

    Parameters
    ----------
    layers : sequence of Layer
        Applied one after the other. Layers that bear the same name share their parameters.
    loss : callable
        ``loss(outputs, y)`` -> per-sample losses, shape (n_samples,).
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Examples
    --------
    >>> from toy_models import squared_error
    >>> from toy_models.layer_types import Activation, Affine
    >>> model = Stack([Affine("one", 2, 3), Activation("tanh"), Affine("two", 3, 1)], squared_error)
    >>> model.trainable
    ('one.weight', 'one.bias', 'two.weight', 'two.bias')
    >>> model.loss(model.init(seed=0), np.zeros((2, 2)), np.ones(2))
    array([0.5, 0.5])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: Callable[[Any, Any], Any],
        frozen: Sequence[str] = (),
    ) -> None:
        self.layers = tuple(layers)
        self.per_sample_loss = loss
        names = {name.rpartition(".")[0] for name in self.shapes}
        if isinstance(frozen, str) or not set(frozen) <= names:
            raise ValueError(f"frozen is {frozen!r}; expected names out of {sorted(names)}")
        self.frozen = tuple(frozen)

    def __repr__(self) -> str:
        return f"Stack({list(self.layers)}, {getattr(self.per_sample_loss, '__name__', '...')})"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter."""
        return {name: shape for layer in self.layers for name, shape in layer.shapes().items()}

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that a gradient step moves."""
        return tuple(n for n in self.shapes if n.rpartition(".")[0] not in self.frozen)

    @property
    def is_tapped(self) -> bool:
        """Whether every parameter passes through a tap; if not, ``method="loop"`` serves."""
        return all(layer.is_tapped for layer in self.layers)

    def init(self, seed: int, scale: float = 1.0) -> Params:
        """Draw fresh parameters: matrices from N(0, scale²/n_in), scales one, all others zero."""
        rng = np.random.default_rng(seed)
        params: Params = {}
        for name, shape in self.shapes.items():
            if len(shape) == 2:
                params[name] = rng.standard_normal(shape) * (scale / np.sqrt(shape[0]))
            else:
                params[name] = np.full(shape, float(name.endswith(".scale")))
        return params

    def outputs(self, params: Params, x: Any, tap: Tap = no_tap) -> Any:
        """Outputs of the last layer, shape (n_samples, n_outputs)."""
        outputs = np.reshape(x, (len(x), -1))
        for layer in self.layers:
            outputs = layer(params, outputs, tap)
        return outputs

    def loss(self, params: Params, x: Any, y: Any, tap: Tap = no_tap) -> Any:
        """Per-sample losses, shape (n_samples,): never a sum, never a mean."""
        if np.shape(y)[:1] != np.shape(x)[:1]:
            raise ValueError(
                f"y has shape {np.shape(y)}; expected one entry for each of {len(x)} samples of x"
            )
        return self.per_sample_loss(self.outputs(params, x, tap), y)
