"""Layers of sequences on one sample, forward only, in plain scalar arithmetic.

Imports nothing of ``gsnr_ref``. A sequence is a flat list, time step by time step; tokens are ints.
"""

from collections.abc import Callable

from tests.certify.layers import Layer, Params, Vector, affine, sigmoid
from tests.certify.tape import Node


def mapped(params: Params, name: str, a: Vector) -> Vector:
    """z[k] = Σ_s a[s]·weight[s, k] + bias[k]."""
    weight = params[f"{name}.weight"]
    return affine(weight, params.get(f"{name}.bias"), a, len(weight) // len(a))


def steps(a: Vector, n_steps: int) -> list[Vector]:
    """Each time step of a sequence."""
    width = len(a) // n_steps
    return [a[t * width : (t + 1) * width] for t in range(n_steps)]


def embedding(layer: Layer, params: Params, a: Vector) -> Vector:
    """Row `token` of the weight, for each; on a tape a token is the value of a node."""
    rows = steps(params[f"{layer['name']}.weight"], layer["n_tokens"])
    tokens = [token.value if isinstance(token, Node) else token for token in a]
    return [w for token in tokens for w in rows[token]]


def position_embedding(layer: Layer, params: Params, a: Vector) -> Vector:
    """Add row t of the weight to time step t."""
    return [z + w for z, w in zip(a, params[f"{layer['name']}.weight"], strict=True)]


def attention(layer: Layer, params: Params, a: Vector) -> Vector:
    """Softmax of queries · keys / √width over the steps that are seen, times their values."""
    width = layer["n_out"] // layer["n_heads"]
    root = (0 * a[0] + width).sqrt()
    qkv = steps(a, layer["n_steps"])
    outputs = []
    for t, own in enumerate(qkv):
        seen = qkv[: t + 1] if layer["causal"] else qkv
        for start in range(0, layer["n_out"], width):
            query, keys, values = (
                [step[start + part * layer["n_out"] :][:width] for step in among]
                for part, among in enumerate(([own], seen, seen))
            )
            scores = [sum(q * k for q, k in zip(query[0], key, strict=True)) / root for key in keys]
            shares = [(score - scores[0]).exp() for score in scores]
            total = sum(shares)
            outputs += [
                sum(share * value[c] for share, value in zip(shares, values, strict=True)) / total
                for c in range(width)
            ]
    return outputs


def lstm(layer: Layer, params: Params, a: Vector) -> Vector:
    """c = σ(f)·c + σ(i)·tanh(g) and h = σ(o)·tanh(c), of z = [i, f, g, o]."""
    n = layer["n_hidden"]
    hidden: Vector = [0 * a[0]] * n
    state = hidden
    states = []
    for x in steps(a, layer["n_steps"]):
        i, f, g, o = steps(mapped(params, layer["name"], x + hidden), 4)
        state = [sigmoid(f[k]) * state[k] + sigmoid(i[k]) * g[k].tanh() for k in range(n)]
        hidden = [sigmoid(o[k]) * state[k].tanh() for k in range(n)]
        states += hidden
    return states if layer["returns"] == "all" else hidden


def gru(layer: Layer, params: Params, a: Vector) -> Vector:
    """h = (1 − z)·tanh(a_n + r·b_n) + z·h, of a = [r, z, n] of the input and b of h."""
    n, name = layer["n_hidden"], layer["name"]
    hidden: Vector = [0 * a[0]] * n
    states = []
    for x in steps(a, layer["n_steps"]):
        of_input = steps(mapped(params, f"{name}.input", x), 3)
        of_hidden = steps(mapped(params, f"{name}.hidden", hidden), 3)
        r, z = (
            [sigmoid(p + q) for p, q in zip(of_input[gate], of_hidden[gate], strict=True)]
            for gate in (0, 1)
        )
        new = [(of_input[2][k] + r[k] * of_hidden[2][k]).tanh() for k in range(n)]
        hidden = [(1 - z[k]) * new[k] + z[k] * hidden[k] for k in range(n)]
        states += hidden
    return states if layer["returns"] == "all" else hidden


#: Forward passes by type of layer: (layer, params, flat inputs) to flat outputs.
SEQUENCE_LAYERS: dict[str, Callable[[Layer, Params, Vector], Vector]] = {
    "embedding": embedding,
    "position_embedding": position_embedding,
    "attention": attention,
    "lstm": lstm,
    "gru": gru,
}
