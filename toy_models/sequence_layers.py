"""Layers of a `Stack` for sequences: embeddings, attention, recurrent cells.

A sequence is a row of numbers, time step by time step; tokens are a row of whole numbers.
"""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp

from .affine_maps import Params, Tap
from .attention import attention
from .embedding import add_positions, embed, tied_outputs
from .layer_types import Shapes
from .recurrent import CELLS, hidden_states


@dataclass(frozen=True)
class Embedding:
    """Row `token` of a weight, for each token.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import no_tap
    >>> params = {"tokens.weight": np.array([[1.0, 2.0], [3.0, 4.0]])}
    >>> Embedding("tokens", n_tokens=2, n_out=2, n_steps=2)(params, np.array([[1, 0]]), no_tap)
    array([[3., 4., 1., 2.]])
    """

    name: str
    n_tokens: int
    n_out: int
    n_steps: int
    is_tapped = True

    def shapes(self) -> Shapes:
        """One row a token."""
        return {f"{self.name}.weight": (self.n_tokens, self.n_out)}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Rows of the weight, side by side."""
        return anp.reshape(embed(params, self.name, inputs, tap), (len(inputs), -1))


@dataclass(frozen=True)
class PositionEmbedding:
    """Row t of a weight, added to time step t.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import no_tap
    >>> params = {"positions.weight": np.array([[1.0], [2.0]])}
    >>> PositionEmbedding("positions", n_steps=2, n_out=1)(params, np.array([[0.0, 10.0]]), no_tap)
    array([[ 1., 12.]])
    """

    name: str
    n_steps: int
    n_out: int
    is_tapped = True

    def shapes(self) -> Shapes:
        """One row a time step."""
        return {f"{self.name}.weight": (self.n_steps, self.n_out)}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """The inputs, moved."""
        steps = anp.reshape(inputs, (len(inputs), self.n_steps, self.n_out))
        return anp.reshape(add_positions(params, self.name, steps, tap), (len(inputs), -1))


@dataclass(frozen=True)
class TiedOutputs:
    """inputs @ weight.T at each time step, with the weight of an embedding.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import no_tap
    >>> layer = TiedOutputs("tokens", n_in=2, n_out=2, n_positions=1)
    >>> params = {"tokens.weight": np.array([[1.0, 2.0], [3.0, 4.0]])}
    >>> layer(params, np.array([[1.0, 10.0]]), no_tap)
    array([[21., 43.]])
    """

    name: str
    n_in: int
    n_out: int
    n_positions: int = 1
    is_tapped = True

    def shapes(self) -> Shapes:
        """That of the embedding."""
        return {f"{self.name}.weight": (self.n_out, self.n_in)}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Products of each time step with every row."""
        steps = anp.reshape(inputs, (len(inputs), self.n_positions, self.n_in))
        return anp.reshape(tied_outputs(params, self.name, steps, tap), (len(inputs), -1))


@dataclass(frozen=True)
class Attention:
    """Softmax of queries · keys, times values; the inputs are what `attention` takes.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import no_tap
    >>> layer = Attention(n_steps=2, n_out=1, n_heads=1, causal=False)
    >>> layer({}, np.array([[0.0, 1.0, 2.0, 0.0, 5.0, 4.0]]), no_tap)
    array([[3., 3.]])
    """

    n_steps: int
    n_out: int
    n_heads: int = 1
    causal: bool = False
    is_tapped = True

    def shapes(self) -> Shapes:
        """None."""
        return {}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """What each time step sees of the others."""
        columns = anp.reshape(inputs, (len(inputs), self.n_steps, 3 * self.n_out))
        return anp.reshape(attention(columns, self.n_heads, self.causal), (len(inputs), -1))


@dataclass(frozen=True)
class Recurrence:
    """A recurrent cell; its hidden state after the last time step ("last"), or after each ("all").

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models import no_tap
    >>> cell = Recurrence("gru", "cell", n_features=2, n_hidden=3, n_steps=4)
    >>> cell.shapes()["cell.input.weight"], cell.shapes()["cell.hidden.weight"]
    ((2, 9), (3, 9))
    >>> params = {name: np.zeros(shape) for name, shape in cell.shapes().items()}
    >>> cell(params, np.ones((1, 8)), no_tap)
    array([[0., 0., 0.]])
    """

    cell: str
    name: str
    n_features: int
    n_hidden: int
    n_steps: int
    bias: bool = True
    returns: str = "last"
    is_tapped = True

    def shapes(self) -> Shapes:
        """Of each affine map of the cell."""
        n_inputs = {
            "": self.n_features + self.n_hidden,
            ".input": self.n_features,
            ".hidden": self.n_hidden,
        }
        shapes: Shapes = {}
        for part, blocks in CELLS[self.cell][1].items():
            n_out = blocks * self.n_hidden
            shapes[f"{self.name}{part}.weight"] = (n_inputs[part], n_out)
            if self.bias:
                shapes[f"{self.name}{part}.bias"] = (n_out,)
        return shapes

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Hidden states, time step by time step."""
        steps = anp.reshape(inputs, (len(inputs), self.n_steps, self.n_features))
        states = hidden_states(params, self.name, self.cell, steps, self.n_hidden, tap)
        return states[-1] if self.returns == "last" else anp.concatenate(states, axis=1)
