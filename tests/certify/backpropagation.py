"""The loss of one sample and its gradient, through all layers of a model.

Imports nothing of ``gsnr_ref``. Layers whose derivative is written out by hand (``layers``) go back
by it; the others, which state their forward pass only, by a tape.
"""

from collections.abc import Callable
from typing import Any

from tests.certify.cases.shapes import parameter_shapes
from tests.certify.images import IMAGES
from tests.certify.layers import BY_HAND, Layer, Params, Vector, affine, backward, forward
from tests.certify.losses import LOSSES_BY_HAND, TAPED_LOSSES
from tests.certify.norms import NORMS
from tests.certify.scalars import Scalar
from tests.certify.tape import Node, derivatives


def affine_at_positions(layer: Layer, params: Params, a: Vector) -> Vector:
    """One affine map at each position of a sample; a transposed weight goes the other way."""
    n_in, n_out = layer["n_in"], layer["n_out"]
    weight, bias = params[f"{layer['name']}.weight"], params.get(f"{layer['name']}.bias")
    if layer.get("transposed"):
        weight = [weight[c * n_in + s] for s in range(n_in) for c in range(n_out)]
    rows = [a[start : start + n_in] for start in range(0, len(a), n_in)]
    return [z for row in rows for z in affine(weight, bias, row, n_out)]


#: Forward passes by type of layer: (layer, params, flat inputs) to flat outputs.
TAPED: dict[str, Callable[[Layer, Params, Vector], Vector]] = {
    "affine": affine_at_positions,
    **IMAGES,
    **NORMS,
}
#: Fields of a layer that its derivative by hand knows nothing of.
BEYOND = {"n_positions", "transposed", "padding", "stride", "groups"}


def has_derivative_by_hand(layer: Layer) -> bool:
    """Tell whether `layers.backward` knows a layer."""
    return layer["type"] in BY_HAND and BEYOND.isdisjoint(layer)


def apply(layer: Layer, params: Params, a: Vector) -> Vector:
    """The output of any layer, on any kind of scalar."""
    if layer["type"] == "residual":
        added = apply_all(layer["layers"], params, a)
        return [a_s + b_s for a_s, b_s in zip(a, added, strict=True)]
    if has_derivative_by_hand(layer):
        return forward(layer, params, a)[0]
    return TAPED[layer["type"]](layer, params, a)


def apply_all(layers: list[Layer], params: Params, a: Vector) -> Vector:
    """The output of layers one after the other."""
    for layer in layers:
        a = apply(layer, params, a)
    return a


def forward_and_back(
    layer: Layer, params: Params, a: Vector, by_hand: bool = True
) -> tuple[Vector, Callable[[Vector, Params], Vector]]:
    """A layer's output, and what goes back.

    The second maps the loss's derivative by the output to that by the input, and adds the layer's
    gradients to the params that it is given.
    """
    if by_hand and has_derivative_by_hand(layer):
        outputs, kept = forward(layer, params, a)
        return outputs, lambda delta, into: backward(layer, params, a, outputs, kept, delta, into)
    tape: list[Node] = []
    inputs = [Node(tape, a_s) for a_s in a]
    own = {name: [Node(tape, v) for v in params[name]] for name in parameter_shapes([layer])}
    nodes = apply(layer, own, inputs)

    def back(delta: Vector, into: Params) -> Vector:
        leaves = [*inputs, *(node for vector in own.values() for node in vector)]
        slopes = derivatives(nodes, delta, leaves)
        start = len(inputs)
        for name, vector in own.items():
            terms = slopes[start : start + len(vector)]
            start += len(vector)
            add(into, name, terms)
        return slopes[: len(inputs)]

    return [node.value for node in nodes], back


def add(gradients: Params, name: str, terms: Vector) -> None:
    """Add to a parameter's gradient: a weight may be used by several layers."""
    if name in gradients:
        terms = [known + term for known, term in zip(gradients[name], terms, strict=True)]
    gradients[name] = terms


def loss_and_delta(
    loss: dict[str, Any], outputs: Vector, y: Any, by_hand: bool = True
) -> tuple[Scalar, Vector]:
    """Return the loss of one sample, and its derivative by the outputs."""
    if by_hand and loss["type"] in LOSSES_BY_HAND and set(loss) == {"type", "scale"}:
        return LOSSES_BY_HAND[loss["type"]](loss, outputs, y)
    tape: list[Node] = []
    nodes = [Node(tape, o) for o in outputs]
    value = loss["scale"] * TAPED_LOSSES[loss["type"]](loss, nodes, y)
    return value.value, derivatives([value], [1], nodes)


def loss_of(model: dict[str, Any], params: Params, x: Vector, y: Any) -> Scalar:
    """Return the loss of one sample."""
    return loss_and_delta(model["loss"], apply_all(model["layers"], params, x), y)[0]


def loss_and_gradient(
    model: dict[str, Any], params: Params, x: Vector, y: Any, by_hand: bool = True
) -> tuple[Scalar, Params]:
    """Return the loss of one sample and its gradient by every parameter."""
    a, ways_back = x, []
    for layer in model["layers"]:
        a, back = forward_and_back(layer, params, a, by_hand)
        ways_back.append(back)
    loss, delta = loss_and_delta(model["loss"], a, y, by_hand)
    gradients: Params = {}
    for back in reversed(ways_back):
        delta = back(delta, gradients)
    return loss, {name: gradients[name] for name in params}
