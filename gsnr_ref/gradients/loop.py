"""One backward pass a sample: slow, obviously right, the oracle."""

from typing import Any

import numpy as np

from gsnr_ref.autodiff import make_vjp, ones_like
from gsnr_ref.contract import Model, Params
from gsnr_ref.loss_checks import check_losses_shape


def looped_gradients(model: Model, params: Params, x: Any, y: Any) -> Params:
    """Return dL(yᵢ, f(xᵢ, θ))/dθ for each sample i, one after the other: equation 1.

    See `gsnr_ref.per_sample_gradients`, which checks the inputs.
    """
    moving = {name: params[name] for name in model.trainable}
    frozen = {name: value for name, value in params.items() if name not in moving}

    def gradient(i: int) -> Params:
        def loss(boxed: Params) -> Any:
            theta = frozen | {name: boxed[name] for name in moving}
            return model.loss(theta, x[i : i + 1], y[i : i + 1])

        backward, losses = make_vjp(loss)(moving)
        check_losses_shape(losses, 1)
        return backward(ones_like(losses))

    rows = [gradient(i) for i in range(len(x))]
    return {name: np.stack([row[name] for row in rows]) for name in model.trainable}  # equation 1
