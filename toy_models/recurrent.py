"""Recurrent networks, Elman and LSTM: one affine map, its weights tied through time."""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np

from .activations import sigmoid, tanh
from .affine_maps import AffineModel, Params, Tap, affine, chosen, no_tap
from .losses import LOSSES

#: Affine outputs of a cell for each hidden unit.
CELLS = {"elman": 1, "lstm": 4}


class RecurrentNet(AffineModel):
    """A recurrent cell over a sequence, and a dense layer on its last hidden state.

    Layer ``cell`` maps [input, hidden state] to the cell's pre-activations, at every time step with
    the same weights; layer ``output`` maps the last hidden state to the outputs. The first hidden
    (and cell) state is 0.

    Parameters
    ----------
    n_features, n_hidden, n_outputs : int
    cell : {"elman", "lstm"}
        Elman: h = tanh(z). LSTM: z = [i, f, g, o], c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c).
    loss : {"cross_entropy", "squared"}
    bias : bool
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Raises
    ------
    ValueError
        If a size, name or option is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> model = RecurrentNet(3, 4, 2, cell="lstm")
    >>> {name: value.shape for name, value in model.init(seed=0).items() if "weight" in name}
    {'cell.weight': (7, 16), 'output.weight': (4, 2)}
    >>> sequences = np.zeros((5, 6, 3))  # 5 samples, 6 time steps, 3 features
    >>> model.loss(model.init(seed=0), sequences, np.array([0, 1, 0, 1, 1])).round(4)
    array([0.6931, 0.6931, 0.6931, 0.6931, 0.6931])
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        n_outputs: int,
        cell: str = "elman",
        loss: str = "cross_entropy",
        bias: bool = True,
        frozen: Sequence[str] = (),
    ) -> None:
        layers = {
            "cell": (n_features + n_hidden, chosen("cell", cell, CELLS) * n_hidden),
            "output": (n_hidden, n_outputs),
        }
        super().__init__(layers, chosen("loss", loss, LOSSES), bias, frozen)
        self.n_features, self.n_hidden, self.n_outputs = n_features, n_hidden, n_outputs
        self.cell, self.loss_name = cell, loss

    def _settings(self) -> list[str]:
        sizes = (self.n_features, self.n_hidden, self.n_outputs)
        return [*map(str, sizes), f"cell={self.cell!r}", f"loss={self.loss_name!r}"]

    def with_shape(self, x: Any) -> Any:
        """Sequences (n_samples, n_steps, n_features), from flat ones too."""
        shape = np.shape(x)
        if len(shape) == 2 and shape[1] and shape[1] % self.n_features == 0:
            return np.reshape(x, (shape[0], -1, self.n_features))
        if len(shape) != 3 or shape[1] == 0 or shape[2] != self.n_features:
            raise ValueError(
                f"x has shape {shape}; expected (n_samples, n_steps, {self.n_features}), or flat"
            )
        return x

    def outputs(self, params: Params, x: Any, tap: Tap = no_tap) -> Any:
        """Outputs after the last time step, shape (n_samples, n_outputs)."""
        step = {"elman": self._elman, "lstm": self._lstm}[self.cell]
        hidden = state = np.zeros((len(x), self.n_hidden), np.asarray(x).dtype)
        for t in range(x.shape[1]):
            inputs = anp.concatenate((x[:, t], hidden), axis=1)
            hidden, state = step(affine(params, "cell", inputs, tap), state)
        return affine(params, "output", hidden, tap)

    def _elman(self, z: Any, state: Any) -> tuple[Any, Any]:
        return tanh(z), state

    def _lstm(self, z: Any, state: Any) -> tuple[Any, Any]:
        i, f, g, o = (z[:, k * self.n_hidden : (k + 1) * self.n_hidden] for k in range(4))
        state = sigmoid(f) * state + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(state), state
