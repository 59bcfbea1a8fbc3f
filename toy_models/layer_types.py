"""The layers of a `Stack`: affine maps, activations, residual connections.

Each takes rows of numbers, shape (n_samples, n_inputs), and returns rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import autograd.numpy as anp

from .activations import ACTIVATIONS
from .affine_maps import Params, Tap, affine

Shapes = dict[str, tuple[int, ...]]


class Layer(Protocol):
    """What a layer offers.

    ``is_tapped`` tells whether all its parameters pass through the tap.
    """

    @property
    def is_tapped(self) -> bool:
        """Whether all its parameters pass through the tap."""
        ...

    def shapes(self) -> Shapes:
        """Shape of each of its parameters, by name."""
        ...

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, shape (n_samples, n_outputs), of inputs (n_samples, n_inputs)."""
        ...


@dataclass(frozen=True)
class Affine:
    """inputs @ weight + bias, at each of several positions of a sample.

    `transposed` is for a weight that another layer owns: inputs @ weight.T, with no tap.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> layer = Affine("two", 2, 1, bias=False, n_positions=2)
    >>> layer({"two.weight": np.array([[1.0], [10.0]])}, np.array([[1.0, 2.0, 3.0, 4.0]]), no_tap)
    array([[21., 43.]])
    """

    name: str
    n_in: int
    n_out: int
    bias: bool = True
    n_positions: int = 1
    transposed: bool = False

    @property
    def is_tapped(self) -> bool:
        """Whether all its parameters pass through the tap."""
        return not self.transposed

    def shapes(self) -> Shapes:
        """Shape of each of its parameters."""
        weight = (self.n_out, self.n_in) if self.transposed else (self.n_in, self.n_out)
        shapes: Shapes = {f"{self.name}.weight": weight}
        return shapes | ({f"{self.name}.bias": (self.n_out,)} if self.bias else {})

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, position by position."""
        n_samples = len(inputs)
        if self.n_positions > 1:
            inputs = anp.reshape(inputs, (n_samples, self.n_positions, self.n_in))
        if self.transposed:
            outputs = anp.matmul(inputs, anp.transpose(params[f"{self.name}.weight"]))
            if self.bias:
                outputs = outputs + params[f"{self.name}.bias"]
        else:
            outputs = affine(params, self.name, inputs, tap)
        return anp.reshape(outputs, (n_samples, -1))


@dataclass(frozen=True)
class Activation:
    """A function of each number.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> Activation("relu")({}, np.array([[-1.0, 2.0]]), no_tap)
    array([[0., 2.]])
    """

    function: str
    is_tapped = True

    def shapes(self) -> Shapes:
        """None."""
        return {}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """The function of the inputs."""
        return ACTIVATIONS[self.function](inputs)


@dataclass(frozen=True)
class Residual:
    """Layers whose outputs are added to their inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> Residual([Activation("relu")])({}, np.array([[-1.0, 2.0]]), no_tap)
    array([[-1.,  4.]])
    """

    layers: Sequence[Layer]

    @property
    def is_tapped(self) -> bool:
        """Whether all parameters within pass through the tap."""
        return all(layer.is_tapped for layer in self.layers)

    def shapes(self) -> Shapes:
        """Shape of each parameter within."""
        return {name: shape for layer in self.layers for name, shape in layer.shapes().items()}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Inputs plus outputs."""
        outputs = inputs
        for layer in self.layers:
            outputs = layer(params, outputs, tap)
        return inputs + outputs
