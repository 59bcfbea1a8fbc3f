"""Recurrent networks, Elman, LSTM and GRU: affine maps, their weights tied through time."""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np

from .activations import sigmoid, tanh
from .affine_maps import AffineModel, Params, Tap, affine, chosen, no_tap
from .losses import LOSSES


def _elman(params: Params, name: str, x: Any, h: Any, c: Any, tap: Tap) -> tuple[Any, Any]:
    return tanh(affine(params, name, anp.concatenate((x, h), axis=1), tap)), c


def _lstm(params: Params, name: str, x: Any, h: Any, c: Any, tap: Tap) -> tuple[Any, Any]:
    z = affine(params, name, anp.concatenate((x, h), axis=1), tap)
    i, f, g, o = anp.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def _gru(params: Params, name: str, x: Any, h: Any, c: Any, tap: Tap) -> tuple[Any, Any]:
    r_x, z_x, new_x = anp.split(affine(params, f"{name}.input", x, tap), 3, axis=1)
    r_h, z_h, new_h = anp.split(affine(params, f"{name}.hidden", h, tap), 3, axis=1)
    z, new = z_x + z_h, tanh(new_x + sigmoid(r_x + r_h) * new_h)
    return sigmoid(-z) * new + sigmoid(z) * h, c  # σ(−z) = 1 − σ(z)


#: Of each cell its step, and the maps with their outputs for each hidden unit. The map named "" has
#: [input, hidden state] as inputs.
CELLS = {
    "elman": (_elman, {"": 1}),
    "lstm": (_lstm, {"": 4}),
    "gru": (_gru, {".input": 3, ".hidden": 3}),
}


def hidden_states(
    params: Params, name: str, cell: str, x: Any, n_hidden: int, tap: Tap = no_tap
) -> list[Any]:
    """Run a recurrent cell over sequences; its first hidden (and cell) state is 0.

    Parameters
    ----------
    params : dict of str to ndarray
    name : str
        Of the cell.
    cell : {"elman", "lstm", "gru"}
        As in `RecurrentNet`.
    x : ndarray, shape (n_samples, n_steps, n_features)
    n_hidden : int
    tap : callable
        Sees each affine map once a time step.

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_hidden)
        The hidden state after each time step.

    Examples
    --------
    >>> params = {"cell.weight": np.array([[1.0], [0.5]]), "cell.bias": np.zeros(1)}
    >>> x = np.array([[[1.0], [0.0]]])  # one sequence of two steps
    >>> [h.round(3) for h in hidden_states(params, "cell", "elman", x, n_hidden=1)]
    [array([[0.762]]), array([[0.363]])]
    """
    step, _ = CELLS[cell]
    hidden = state = np.zeros((x.shape[0], n_hidden), x.dtype)
    states = []
    for t in range(x.shape[1]):
        hidden, state = step(params, name, x[:, t], hidden, state, tap)
        states.append(hidden)
    return states


class RecurrentNet(AffineModel):
    """A recurrent cell over a sequence, and a dense layer on its last hidden state.

    Layer ``cell`` maps [input, hidden state] to the cell's pre-activations, at every time step with
    the same weights; a GRU has a layer for each, ``cell.input`` and ``cell.hidden``. Layer
    ``output`` maps the last hidden state to the outputs. The first hidden (and cell) state is 0.

    Parameters
    ----------
    n_features, n_hidden, n_outputs : int
    cell : {"elman", "lstm", "gru"}
        Elman: h = tanh(z). LSTM: z = [i, f, g, o], c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c).
        GRU: a = [r, z, n] of the input, b of the hidden state, h = (1 − σ(a_z + b_z))·tanh(a_n +
        σ(a_r + b_r)·b_n) + σ(a_z + b_z)·h.
    loss : {"cross_entropy", "squared"}
    bias : bool
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Raises
    ------
    ValueError
        If a size, name or option is none of these.

    Notes
    -----
    PyTorch's order of gates. Its LSTM has two biases where there is one here; their sum acts, and
    each alone has this one's gradient. Its GRU's biases are those of the two layers here.

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
        n_inputs = {"": n_features + n_hidden, ".input": n_features, ".hidden": n_hidden}
        _, maps = chosen("cell", cell, CELLS)
        layers = {f"cell{part}": (n_inputs[part], n * n_hidden) for part, n in maps.items()}
        layers["output"] = (n_hidden, n_outputs)
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
        hidden = hidden_states(params, "cell", self.cell, np.asarray(x), self.n_hidden, tap)
        return affine(params, "output", hidden[-1], tap)
