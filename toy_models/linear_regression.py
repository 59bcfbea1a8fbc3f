"""Linear regression, loss ½‖x @ weight + bias − y‖²."""

from .affine_maps import AffineModel
from .losses import squared_error


class LinearRegression(AffineModel):
    """Linear regression with squared error.

    Its arithmetic is rational, so it also runs exactly on ``fractions.Fraction`` arrays.

    Parameters
    ----------
    n_features, n_outputs : int
    bias : bool

    Examples
    --------
    >>> import numpy as np
    >>> model = LinearRegression(2, bias=False)
    >>> model.trainable
    ('linear.weight',)
    >>> model.loss({"linear.weight": np.array([[1.0], [1.0]])}, np.array([[1.0, 2.0]]), np.zeros(1))
    array([4.5])
    """

    def __init__(self, n_features: int, n_outputs: int = 1, bias: bool = True) -> None:
        super().__init__({"linear": (n_features, n_outputs)}, squared_error, bias)

    def _settings(self) -> list[str]:
        return [str(size) for size in self.layers["linear"]]
