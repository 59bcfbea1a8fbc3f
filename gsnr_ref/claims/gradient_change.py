"""Equation 28: how a step of the earlier layers changes a layer's mean gradient."""

from typing import Any

import numpy as np
from autograd import grad

from gsnr_ref.claims.claim import Claim, Settings, title
from gsnr_ref.claims.population import finite_support
from gsnr_ref.feature_learning import feature_learning_terms, layer_inputs
from gsnr_ref.gradients.tapped import tapped_layers
from toy_models.cases import Case


def feature_learning_term(case: Case, settings: Settings) -> list[Claim]:
    """Δg_D in a step of the earlier layers, δ frozen: each weight's own term, and all terms"""
    points, params, model = finite_support(case), case.params, case.model
    x, y = points.x, points.y
    layer = list(model.layers)[-1]
    weight = params[f"{layer}.weight"]
    deltas = tapped_layers(model, params, x, y)[layer].deltas[:, 0] / len(x)
    earlier = [k for k in model.trainable if k.rpartition(".")[0] != layer]
    rate = 1e-4

    def mean_gradient(theta: Any) -> Any:
        return np.asarray(layer_inputs(model, params | theta, x, y, layer)).T @ deltas

    def measured(part: Any) -> Any:
        """Central difference of mean δ a along the step that the weights `part` would cause."""

        def frozen_loss(theta: Any) -> Any:
            inputs = layer_inputs(model, params | {k: theta[k] for k in earlier}, x, y, layer)
            return ((inputs @ part) * deltas).sum()

        step = grad(frozen_loss)({k: params[k] for k in earlier})
        ahead, back = (
            mean_gradient({k: params[k] - sign * rate * step[k] for k in earlier})
            for sign in (1, -1)
        )
        return (ahead - back) / (2 * rate)

    own = np.zeros_like(weight)
    for s, c in np.ndindex(weight.shape):
        alone = np.zeros_like(weight)
        alone[s, c] = weight[s, c]
        own[s, c] = measured(alone)[s, c]
    terms = feature_learning_terms(model, params, x, y, layer)
    name, bound = title(feature_learning_term), 1e-6
    reason = "λ² of central differences, of the largest change"
    claims = []
    for left, right in ((own, terms.diagonal), (measured(weight), terms.complete)):
        worst = float(np.abs(left - right).max() / np.abs(right).max())
        claims.append(Claim(name, "28", worst, 0.0, bound, reason, case.name, None, rate))
    return claims
