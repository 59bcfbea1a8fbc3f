"""A small language model, built from layers."""

from collections.abc import Sequence

from .affine_maps import chosen
from .layer_types import Activation, Affine, Layer, Residual
from .norms import LayerNorm
from .sequence_layers import Attention, Embedding, PositionEmbedding, TiedOutputs
from .stack import Stack
from .token_losses import TOKEN_LOSSES


def transformer(
    n_tokens: int,
    n_steps: int,
    width: int,
    n_heads: int = 1,
    n_blocks: int = 1,
    tokens: str = "mean",
    frozen: Sequence[str] = (),
) -> Stack:
    """Return a causal pre-norm transformer whose output weight is its embedding's.

    Parameters
    ----------
    n_tokens, n_steps, width : int
        Of the vocabulary, of a sequence, of each token's row.
    n_heads : int
        A divisor of the width.
    n_blocks : int
        Each is attention and a perceptron with 4 · width hidden units, each of these after a layer
        norm and around it a residual connection.
    tokens : {"mean", "sum"}
        Whether a sample's loss is the mean or the sum over its tokens.
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Returns
    -------
    Stack
        ``model.loss(params, x, y)`` takes tokens x (n_samples, n_steps) and the tokens that follow
        them y, of the same shape, −1 where one is masked.

    Raises
    ------
    ValueError
        If the width is no multiple of `n_heads`, or an option is none of these.

    Notes
    -----
    Queries, keys and values are one affine map without bias: a bias of the keys has no gradient.

    Examples
    --------
    >>> import numpy as np
    >>> model = transformer(n_tokens=5, n_steps=3, width=4, n_heads=2)
    >>> model.init(seed=0)["block1.qkv.weight"].shape
    (4, 12)
    >>> x, y = np.array([[0, 3, 1], [2, 2, 4]]), np.array([[3, 1, 4], [2, 4, -1]])
    >>> model.loss(model.init(seed=0, scale=0.0), x, y).round(4)  # log 5
    array([1.6094, 1.6094])
    """
    if n_heads < 1 or width % n_heads:
        raise ValueError(f"n_heads is {n_heads}; expected a divisor of the width, {width}")
    layers: list[Layer] = [
        Embedding("tokens", n_tokens, width, n_steps),
        PositionEmbedding("positions", n_steps, width),
    ]
    for block in (f"block{k}" for k in range(1, n_blocks + 1)):
        layers += [
            Residual(
                [
                    LayerNorm(f"{block}.norm1", width, n_positions=n_steps),
                    Affine(f"{block}.qkv", width, 3 * width, False, n_steps),
                    Attention(n_steps, width, n_heads, causal=True),
                    Affine(f"{block}.mix", width, width, True, n_steps),
                ]
            ),
            Residual(
                [
                    LayerNorm(f"{block}.norm2", width, n_positions=n_steps),
                    Affine(f"{block}.up", width, 4 * width, True, n_steps),
                    Activation("gelu"),
                    Affine(f"{block}.down", 4 * width, width, True, n_steps),
                ]
            ),
        ]
    layers += [
        LayerNorm("norm", width, n_positions=n_steps),
        TiedOutputs("tokens", width, n_tokens, n_steps),
    ]
    return Stack(layers, chosen("tokens", tokens, TOKEN_LOSSES), frozen)
