"""How a step of the earlier layers changes the mean gradient of a layer: equation 28.

Imports ``contract``, ``gradients`` and ``notebook``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from autograd import make_vjp

from gsnr_ref.contract import Array, InputError, Model, Params, check_batch
from gsnr_ref.gradients.tapped import tapped_layers
from gsnr_ref.notebook import ShownAsTable


@dataclass(frozen=True)
class FeatureLearningTerms(ShownAsTable):
    """Change of a layer's mean gradient per unit of learning rate, as its features move.

    Attributes
    ----------
    diagonal : ndarray, shape (n_in, n_out)
        −W_{s,c} ‖v_{s,c}‖²: equation 28, the term of each weight's own feature and output.
    complete : ndarray, shape (n_in, n_out)
        −Σ_{s′,c′} W_{s′,c′}⟨v_{s,c}, v_{s′,c′}⟩: all of what moving features do while δ is frozen.

    Examples
    --------
    >>> FeatureLearningTerms(np.array([[-1.0]]), np.array([[-0.5]])).diagonal
    array([[-1.]])
    """

    diagonal: Array
    complete: Array


def layer_inputs(model: Model, params: Params, x: Any, y: Any, layer: str) -> Any:
    """Return the inputs a_{i,s} of an affine map, shape (n_samples, n_in); traceable by autograd.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> model = LinearRegression(2)
    >>> layer_inputs(model, model.init(0), np.ones((3, 2)), np.ones(3), "linear").shape
    (3, 2)
    """
    seen: dict[str, Any] = {}

    def tap(name: str, inputs: Any, outputs: Any) -> Any:
        seen[name] = inputs
        return outputs

    model.loss(params, x, y, tap)
    if layer not in seen or np.ndim(seen[layer]) != 2:
        raise InputError(
            f"layer is {layer!r}; expected a dense layer, one of "
            f"{[name for name in seen if np.ndim(seen[name]) == 2]}"
        )
    return seen[layer]


def feature_learning_terms(
    model: Model, params: Params, x: Any, y: Any, layer: str
) -> FeatureLearningTerms:
    """Change of g_D of a dense layer in a step of the earlier layers, per unit of learning rate.

    With o_c = Σ_s W_{s,c} a_s(θ⁻) and δ_c = ∂L/∂o_c, g_{D,s,c} = mean_i δ_{i,c} a_{i,s}, and
    v_{s,c} = mean_i δ_{i,c} ∂a_{i,s}/∂θ⁻.

    Parameters
    ----------
    model : Model
        The layer's outputs must be the only way from the earlier layers to the loss.
    params : dict of str to ndarray
    x, y : array_like, one entry a sample
        The training set D.
    layer : str
        Its ``"<layer>.weight"`` is W.

    Returns
    -------
    FeatureLearningTerms
        Multiply by the learning rate: Δg_D = λ·complete + O(λ²) with δ frozen.

    Raises
    ------
    InputError
        If there is no such dense layer, or no trainable parameter before it.

    Notes
    -----
    One backward pass for each entry of W. Where g_D·W < 0 the diagonal term has the sign of g_D,
    and so does the change of −W: both grow. It says nothing about ρ². Source: Liu et al., ICLR
    2020, equation 28 for the diagonal; the complete term was derived for this package.

    Examples
    --------
    >>> from toy_models import MLP
    >>> model, params = MLP((1, 1, 1), "identity", bias=False), {
    ...     "layer1.weight": np.array([[2.0]]), "layer2.weight": np.array([[3.0]])}
    >>> x, y = np.array([[1.0]]), np.array([5.0])  # δ = 1, a = 2, ∂a/∂θ⁻ = 1
    >>> feature_learning_terms(model, params, x, y, "layer2").diagonal
    array([[-3.]])
    """
    x, y = check_batch(model, params, x, y)
    weight = f"{layer}.weight"
    layer_inputs(model, params, x, y, layer)  # names the layer if it is not there
    own = (weight, f"{layer}.bias")
    layers = tapped_layers(model, params, x, y)
    before = list(layers)[: list(layers).index(layer)]
    earlier = {
        name: params[name]
        for name in model.trainable
        if name not in own and name.rpartition(".")[0] in before
    }
    if not earlier:
        raise InputError(f"layer is {layer!r}; expected one with a trainable layer before it")
    deltas = layers[layer].deltas[:, 0] / len(x)

    def inputs(theta: Any) -> Any:
        moved = {**params, **{name: theta[name] for name in earlier}}
        return layer_inputs(model, moved, x, y, layer)

    backward, values = make_vjp(inputs)(earlier)

    def v(s: int, c: int) -> Array:
        """v_{s,c}: the gradient of mean_i δ_{i,c} a_{i,s} with respect to θ⁻."""
        cotangent = np.zeros(np.shape(values))
        cotangent[:, s] = deltas[:, c]
        gradient = backward(cotangent)
        return np.concatenate([gradient[name].ravel() for name in earlier])

    w = params[weight]
    vs = np.array([[v(s, c) for c in range(w.shape[1])] for s in range(w.shape[0])])
    step = np.tensordot(w, vs, axes=2)  # Σ W v: the gradient of the mean loss by θ⁻
    return FeatureLearningTerms(-w * (vs * vs).sum(axis=2), -(vs @ step))  # equation 28
