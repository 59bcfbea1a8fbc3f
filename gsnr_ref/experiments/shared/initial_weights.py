"""Where training starts. Imports ``contract`` and ``toy_models``."""

import numpy as np

from gsnr_ref.contract import Params
from toy_models.affine_maps import AffineModel

#: Of weights and biases, in words. Whether a trained network raises its GSNR depends on it.
INITIAL = {
    "ours": "weights N(0, 1/n_in), biases 0",
    "he": "weights N(0, 2/n_in), biases 0",
    "pytorch": "weights and biases U(±1/√n_in)",
    "small": "weights N(0, 0.1²), biases 0",
}
INITIAL_IN_WORDS = "; ".join(f"{name}: {what}" for name, what in INITIAL.items())


def initial(model: AffineModel, seed: int, how: str, scale: float = 1.0) -> Params:
    """Parameters before the first step, drawn in one of the ways of `INITIAL`, times `scale`.

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> params = initial(LinearRegression(100), 0, "pytorch")
    >>> bool(np.abs(params["linear.weight"]).max() <= 0.1), params["linear.bias"] == 0
    (True, array([False]))
    """
    ours = model.init(seed, scale)
    if how in ("ours", "he"):
        gain = np.sqrt(2) if how == "he" else 1.0
        return {name: gain * value for name, value in ours.items()}
    rng, params = np.random.default_rng(seed), {}
    for name, value in ours.items():
        layer, _, kind = name.rpartition(".")
        bound = 1 / np.sqrt(model.layers[layer][0])
        if how == "pytorch":
            params[name] = scale * rng.uniform(-bound, bound, value.shape)
        elif kind == "weight":
            params[name] = scale * 0.1 * rng.standard_normal(value.shape)
        else:
            params[name] = value
    return params
