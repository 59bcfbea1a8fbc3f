"""Softmax (multinomial logistic) regression."""

from .affine_maps import AffineModel
from .losses import cross_entropy


class SoftmaxRegression(AffineModel):
    """Softmax regression with cross-entropy, natural logarithm.

    Parameters
    ----------
    n_features, n_classes : int
    bias : bool

    Examples
    --------
    >>> import numpy as np
    >>> model = SoftmaxRegression(3, 2)
    >>> params = model.init(seed=0, scale=0.0)
    >>> model.loss(params, np.ones((1, 3)), np.array([0]))
    array([0.69314718])
    """

    def __init__(self, n_features: int, n_classes: int, bias: bool = True) -> None:
        super().__init__({"linear": (n_features, n_classes)}, cross_entropy, bias)

    def _settings(self) -> list[str]:
        return [str(size) for size in self.layers["linear"]]
