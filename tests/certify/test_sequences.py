"""Sequences: certified gradients against differences of losses that are written out again."""

import mpmath
import numpy as np
import pytest

from gsnr_ref import golden
from tests.certify.cases.attention import attention_cases, transformer_cases
from tests.certify.cases.sequences import embedding_cases, gated_cases, masked_cases

GROUPS = (embedding_cases, masked_cases, gated_cases, attention_cases, transformer_cases)
IDS = [case.id for group in GROUPS for case in group() if case.twin_of is None]
FUNCTIONS = (mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.tanh)
exp, log, sqrt, tanh = (np.frompyfunc(function, 1, 1) for function in FUNCTIONS)


@pytest.mark.parametrize("id", IDS)
def test_gradients_are_derivatives_of_the_losses(id):
    # Along one random direction of each parameter, which no wrong entry is orthogonal to: 60-digit
    # central differences in mpmath, on arrays, from the formulas in the document.
    case, rng = golden.load(id), np.random.default_rng(0)
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        params = {k: _numbers(v) for k, v in case.params.items()}
        assert np.allclose(_losses(case, params).astype(float), case.expected["losses"], 1e-15, 0)
        for name, gradients in case.expected["per_sample_gradients"].items():
            direction = rng.uniform(1, 2, gradients.shape[1:]) * rng.choice([-1, 1])
            up, down = (
                _losses(case, params | {name: params[name] + sign * step * _numbers(direction)})
                for sign in (1, -1)
            )
            terms = (gradients * direction).reshape(len(case.x), -1)
            found = ((up - down) / (2 * step)).astype(float)
            assert (abs(found - terms.sum(axis=1)) <= 2e-15 * abs(terms).sum(axis=1)).all()


def _numbers(array):
    return np.array([mpmath.mpf(v) for v in np.ravel(array)], object).reshape(np.shape(array))


def _losses(case, params):
    loss, n = case.model["loss"], len(case.x)
    a = case.x if case.x.dtype == int else _numbers(case.x)
    a = _apply(case.model["layers"], params, a.reshape(n, -1))
    if loss["type"] == "squared_error":
        return ((a - case.y) ** 2).sum(axis=1) / 2
    if loss["type"] == "cross_entropy":
        return log(exp(a).sum(axis=1)) - a[range(n), case.y]
    a = a.reshape(n, case.y.shape[1], -1)
    each = log(exp(a).sum(axis=2)) - np.take_along_axis(a, case.y[:, :, None], axis=2)[:, :, 0]
    sums = np.array([row[kept].sum() for row, kept in zip(each, case.y >= 0, strict=True)])
    return sums / (case.y >= 0).sum(axis=1) if loss["tokens"] == "mean" else sums


def _apply(layers, params, a):
    for layer in layers:
        a = (
            a + _apply(layer["layers"], params, a)
            if "layers" in layer
            else _layer(layer, params, a)
        )
    return a


def _layer(layer, params, a):
    n, kind = len(a), layer["type"]
    own = {k.removeprefix(f"{layer.get('name')}."): v for k, v in params.items()}
    if kind == "activation":
        return {"tanh": tanh, "softplus": lambda z: log(1 + exp(z))}[layer["function"]](a)
    if kind == "layer_norm":
        rows = a.reshape(n, -1, layer["n_features"])
        rows = rows - rows.mean(axis=2, keepdims=True)
        roots = sqrt((rows * rows).mean(axis=2, keepdims=True) + layer["eps"])
        return (rows / roots * own["scale"] + own["shift"]).reshape(n, -1)
    if kind == "embedding":
        return own["weight"][a].reshape(n, -1)
    if kind == "position_embedding":
        return a + own["weight"].ravel()
    if kind == "affine":
        weight = own["weight"].T if layer.get("transposed") else own["weight"]
        z = a.reshape(n, -1, layer["n_in"]) @ weight
        return (z + own["bias"] if layer["bias"] else z).reshape(n, -1)
    if kind == "attention":
        return _attention(layer, a.reshape(n, layer["n_steps"], 3, layer["n_heads"], -1))
    h = c = np.zeros((n, layer["n_hidden"]), object)
    states = []
    for x in a.reshape(n, layer["n_steps"], -1).swapaxes(0, 1):
        h, c = (_lstm if kind == "lstm" else _gru)(own, x, h, c)
        states.append(h)
    return h if layer["returns"] == "last" else np.stack(states, axis=1).reshape(n, -1)


def _sigmoid(z):
    return 1 / (1 + exp(-z))


def _lstm(own, x, h, c):
    z = np.concatenate([x, h], axis=1) @ own["weight"] + own.get("bias", 0)
    i, f, g, o = np.split(z, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * tanh(g)
    return _sigmoid(o) * tanh(c), c


def _gru(own, x, h, c):
    a = np.split(x @ own["input.weight"] + own.get("input.bias", 0), 3, axis=1)
    b = np.split(h @ own["hidden.weight"] + own.get("hidden.bias", 0), 3, axis=1)
    r, z = _sigmoid(a[0] + b[0]), _sigmoid(a[1] + b[1])
    return (1 - z) * tanh(a[2] + r * b[2]) + z * h, c


def _attention(layer, qkv):
    n, n_steps, _, n_heads, width = qkv.shape
    outputs = np.empty((n, n_steps, n_heads, width), object)
    for i, t, head in np.ndindex(n, n_steps, n_heads):
        seen = t + 1 if layer["causal"] else n_steps
        scores = qkv[i, :seen, 1, head] @ qkv[i, t, 0, head] / mpmath.sqrt(width)
        outputs[i, t, head] = exp(scores) @ qkv[i, :seen, 2, head] / exp(scores).sum()
    return outputs.reshape(n, -1)
