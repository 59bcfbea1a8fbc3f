"""Multilayer perceptron. With two layers it is the paper's."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .activations import ACTIVATIONS
from .affine_maps import AffineModel, Params, Tap, affine, chosen, no_tap
from .losses import LOSSES


class MLP(AffineModel):
    """Affine layers ``layer1``, ``layer2``, ... with an activation between them.

    Parameters
    ----------
    sizes : sequence of int
        Width of the input, of each hidden layer, and of the output: (64, 32, 10) has two layers.
    activation : {"tanh", "relu", "sigmoid", "softplus", "identity"}
    loss : {"squared", "cross_entropy"}
    bias : bool
    frozen : sequence of str
        Names of layers that a gradient step does not move, such as ``("layer1",)``.

    Raises
    ------
    ValueError
        If a size, name or option is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> model = MLP((2, 3, 1), activation="tanh", frozen=("layer1",))
    >>> model
    MLP((2, 3, 1), activation='tanh', loss='squared', frozen=('layer1',))
    >>> model.trainable
    ('layer2.weight', 'layer2.bias')
    >>> model.loss(model.init(seed=0), np.zeros((4, 2)), np.ones(4))
    array([0.5, 0.5, 0.5, 0.5])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "tanh",
        loss: str = "squared",
        bias: bool = True,
        frozen: Sequence[str] = (),
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"sizes is {sizes}; expected at least an input and an output width")
        chosen("activation", activation, ACTIVATIONS)
        layers = {f"layer{i}": pair for i, pair in enumerate(pairwise(sizes), start=1)}
        super().__init__(layers, chosen("loss", loss, LOSSES), bias, frozen)
        self.sizes, self.activation, self.loss_name = tuple(map(int, sizes)), activation, loss

    def _settings(self) -> list[str]:
        return [f"{self.sizes}", f"activation={self.activation!r}", f"loss={self.loss_name!r}"]

    def outputs(self, params: Params, x: Any, tap: Tap = no_tap) -> Any:
        """Outputs of the last layer, shape (n_samples, sizes[-1])."""
        first, *rest = self.layers
        activation = ACTIVATIONS[self.activation]
        outputs = affine(params, first, x, tap)
        for name in rest:
            outputs = affine(params, name, activation(outputs), tap)
        return outputs
