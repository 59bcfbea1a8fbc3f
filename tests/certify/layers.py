"""Layers of one sample and their derivatives by hand, in plain scalar arithmetic.

Imports nothing of ``gsnr_ref``. A layer is a pair of functions: `forward`
takes the layer's input and returns its output and what the way back needs; `backward` takes the
loss's derivative by the output, adds the layer's gradients, and returns the derivative by the
input. Vectors, images (row by row, pixel by pixel, channel by channel) and weights are flat lists.
"""

from typing import Any

from tests.certify.scalars import Scalar, sign

Vector = list[Scalar]
Layer = dict[str, Any]
Params = dict[str, Vector]
#: Types of layers that `backward` knows, as long as they have no fields beyond those used here.
BY_HAND = ("affine", "activation", "convolution", "max_pool", "elman")


def sigmoid(z: Scalar) -> Scalar:
    """1/(1 + e^−z)."""
    return 1 / (1 + (-z).exp())


def normal(z: Scalar) -> Scalar:
    """Φ(z), the standard normal distribution's share below z."""
    return (1 + (z / (0 * z + 2).sqrt()).erf()) / 2


def bell(z: Scalar) -> Scalar:
    """φ(z) = Φ′(z)."""
    return (-z * z / 2).exp() / (2 * z.pi()).sqrt()


def leak(z: Scalar) -> Scalar:
    """The derivative of leaky ReLU: 1, and 1/100 where z is not positive."""
    return 0 * z + 1 if sign(z) > 0 else (0 * z + 1) / 100


#: Each activation, and its derivative as a function of (z, activation of z).
ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "tanh": (lambda z: z.tanh(), lambda z, a: 1 - a * a),
    "relu": (lambda z: z if sign(z) > 0 else 0 * z, lambda z, a: int(sign(z) > 0)),
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "softplus": (lambda z: (1 + z.exp()).log(), lambda z, a: sigmoid(z)),
    "identity": (lambda z: z, lambda z, a: 1),
    "silu": (lambda z: z * sigmoid(z), lambda z, a: sigmoid(z) + a * (1 - sigmoid(z))),
    "gelu": (lambda z: z * normal(z), lambda z, a: normal(z) + z * bell(z)),
    "leaky_relu": (lambda z: z if sign(z) > 0 else z / 100, lambda z, a: leak(z)),
}


def affine(weight: Vector, bias: Vector | None, a: Vector, n_out: int) -> Vector:
    """z[c] = Σ_s a[s]·weight[s, c] + bias[c]."""
    z = [sum(a[s] * weight[s * n_out + c] for s in range(len(a))) for c in range(n_out)]
    return z if bias is None else [z[c] + bias[c] for c in range(n_out)]


def affine_back(weight: Vector, n_in: int, delta: Vector) -> Vector:
    """∂L/∂a[s] = Σ_c weight[s, c]·δ[c]."""
    n_out = len(delta)
    return [sum(weight[s * n_out + c] * delta[c] for c in range(n_out)) for s in range(n_in)]


def add_affine_gradients(gradients: Params, name: str, a: Vector, delta: Vector) -> None:
    """∂L/∂weight[s, c] += a[s]·δ[c] and ∂L/∂bias[c] += δ[c]: one position of a layer."""
    for key, terms in (
        (f"{name}.weight", [a_s * delta_c for a_s in a for delta_c in delta]),
        (f"{name}.bias", delta),
    ):
        if key in gradients:
            terms = [known + term for known, term in zip(gradients[key], terms, strict=True)]
        gradients[key] = terms


def patch(layer: Layer, row: int, column: int) -> list[int]:
    """Places in a flat image of the patch whose first pixel is (row, column)."""
    width, n_in, kernel = layer["width"], layer["n_in"], layer["kernel"]
    return [
        ((row + u) * width + column + v) * n_in + k
        for u in range(kernel)
        for v in range(kernel)
        for k in range(n_in)
    ]


def positions(layer: Layer) -> list[tuple[int, int]]:
    """First pixels of all patches."""
    rows, columns = (layer[side] - layer["kernel"] + 1 for side in ("height", "width"))
    return [(row, column) for row in range(rows) for column in range(columns)]


def largest(layer: Layer, image: Vector) -> list[int]:
    """Places of the largest pixel of each 2 × 2 window and channel; of equal ones the first."""
    width, n_channels = layer["width"], layer["n_channels"]
    chosen = []
    for row in range(0, layer["height"] // 2 * 2, 2):
        for column in range(0, width // 2 * 2, 2):
            for k in range(n_channels):
                window = [
                    ((row + u) * width + column + v) * n_channels + k
                    for u in (0, 1)
                    for v in (0, 1)
                ]
                best = window[0]
                for place in window[1:]:
                    if sign(image[place] - image[best]) > 0:
                        best = place
                chosen.append(best)
    return chosen


def forward(layer: Layer, params: Params, a: Vector) -> tuple[Vector, Any]:
    """Return the output of a layer, and what `backward` needs."""
    kind = layer["type"]
    if kind == "activation":
        return [ACTIVATIONS[layer["function"]][0](z) for z in a], None
    if kind == "max_pool":
        chosen = largest(layer, a)
        return [a[place] for place in chosen], chosen
    weight, bias = params[f"{layer['name']}.weight"], params.get(f"{layer['name']}.bias")
    if kind == "affine":
        return affine(weight, bias, a, layer["n_out"]), None
    if kind == "convolution":
        places = [patch(layer, row, column) for row, column in positions(layer)]
        outputs = [affine(weight, bias, [a[p] for p in ps], layer["n_out"]) for ps in places]
        return [z for pixel in outputs for z in pixel], places
    # elman: h_t = tanh([x_t, h_{t−1}] @ weight + bias)
    n_features, n_hidden = layer["n_features"], layer["n_hidden"]
    hidden: Vector = [0 * a[0]] * n_hidden
    steps = []
    for t in range(layer["n_steps"]):
        inputs = a[t * n_features : (t + 1) * n_features] + hidden
        hidden = [z.tanh() for z in affine(weight, bias, inputs, n_hidden)]
        steps.append((inputs, hidden))
    return hidden, steps


def backward(
    layer: Layer, params: Params, a: Vector, output: Vector, kept: Any, delta: Vector, into: Params
) -> Vector:
    """Add the layer's gradients to `into`; return the loss's derivative by the layer's input."""
    kind = layer["type"]
    if kind == "activation":
        slope = ACTIVATIONS[layer["function"]][1]
        return [d * slope(z, o) for d, z, o in zip(delta, a, output, strict=True)]
    if kind == "max_pool":
        back = [0 * z for z in a]
        for d, place in zip(delta, kept, strict=True):
            back[place] = back[place] + d
        return back
    weight = params[f"{layer['name']}.weight"]
    if kind == "affine":
        add_affine_gradients(into, layer["name"], a, delta)
        return affine_back(weight, layer["n_in"], delta)
    if kind == "convolution":
        back, n_out = [0 * z for z in a], layer["n_out"]
        for position, places in enumerate(kept):
            d = delta[position * n_out : (position + 1) * n_out]
            add_affine_gradients(into, layer["name"], [a[p] for p in places], d)
            for place, term in zip(places, affine_back(weight, len(places), d), strict=True):
                back[place] = back[place] + term
        return back
    back, n_features = [], layer["n_features"]
    for inputs, hidden in reversed(kept):  # elman, backwards through time
        d = [d_h * (1 - h * h) for d_h, h in zip(delta, hidden, strict=True)]
        add_affine_gradients(into, layer["name"], inputs, d)
        by_inputs = affine_back(weight, len(inputs), d)
        back, delta = by_inputs[:n_features] + back, by_inputs[n_features:]
    return back
