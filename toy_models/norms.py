"""Layers of a `Stack` that normalize: layer, root-mean-square, group and batch norm.

Each ends with a scale and, but for the root-mean-square norm, a shift of every feature,

    outputs = inputs * scale + shift

whose inputs and outputs pass through the tap as those of an affine map do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp

from .affine_maps import Params, Tap
from .layer_types import Shapes


def _mean(values: Any, axes: tuple[int, ...]) -> Any:
    """The mean over some axes, which stay with length 1; with autograd's own, float32 is lost."""
    count = math.prod(values.shape[axis] for axis in axes)
    return anp.sum(values, axis=axes, keepdims=True) / count


def _standardized(inputs: Any, axes: tuple[int, ...], eps: float) -> Any:
    """(inputs − mean)/√(variance + eps) over some axes; the variance divides by their number."""
    deviations = inputs - _mean(inputs, axes)
    return deviations / anp.sqrt(_mean(deviations * deviations, axes) + eps)


def _scaled(params: Params, name: str, inputs: Any, tap: Tap) -> Any:
    """inputs * scale + shift, shown to the tap, and as rows: inputs (n_samples, n_positions, n)."""
    outputs = inputs * params[f"{name}.scale"]
    if f"{name}.shift" in params:
        outputs = outputs + params[f"{name}.shift"]
    return anp.reshape(tap(name, inputs, outputs), (len(inputs), -1))


@dataclass(frozen=True)
class LayerNorm:
    """Mean 0 and variance 1 over the features of each position, then scale and shift.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> params = {"norm.scale": np.array([2.0, 2.0]), "norm.shift": np.array([0.5, 0.5])}
    >>> LayerNorm("norm", 2, eps=0.0)(params, np.array([[1.0, 3.0]]), no_tap)
    array([[-1.5,  2.5]])
    """

    name: str
    n_features: int
    eps: float = 1e-5
    n_positions: int = 1
    is_tapped = True

    def shapes(self) -> Shapes:
        """Shape of each of its parameters."""
        return {f"{self.name}.{kind}": (self.n_features,) for kind in ("scale", "shift")}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, position by position."""
        inputs = anp.reshape(inputs, (len(inputs), self.n_positions, self.n_features))
        return _scaled(params, self.name, _standardized(inputs, (2,), self.eps), tap)


@dataclass(frozen=True)
class RMSNorm:
    """Root mean square 1 over the features of each position, then a scale.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> params = {"norm.scale": np.array([1.0, 2.0])}
    >>> RMSNorm("norm", 2, eps=0.0)(params, np.array([[-3.0, 3.0]]), no_tap)
    array([[-1.,  2.]])
    """

    name: str
    n_features: int
    eps: float = 1e-5
    n_positions: int = 1
    is_tapped = True

    def shapes(self) -> Shapes:
        """Shape of its parameter."""
        return {f"{self.name}.scale": (self.n_features,)}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, position by position."""
        inputs = anp.reshape(inputs, (len(inputs), self.n_positions, self.n_features))
        root = anp.sqrt(_mean(inputs * inputs, (2,)) + self.eps)
        return _scaled(params, self.name, inputs / root, tap)


@dataclass(frozen=True)
class GroupNorm:
    """Mean 0 and variance 1 over all positions and the channels of a group, then scale and shift.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> params = {"norm.scale": np.ones(2), "norm.shift": np.zeros(2)}
    >>> layer = GroupNorm("norm", 2, n_groups=2, n_positions=2, eps=0.0)
    >>> layer(params, np.array([[1.0, 30.0, 3.0, 10.0]]), no_tap)  # channels 1, 3 and 30, 10
    array([[-1.,  1.,  1., -1.]])
    """

    name: str
    n_channels: int
    n_groups: int
    n_positions: int
    eps: float = 1e-5
    is_tapped = True

    def shapes(self) -> Shapes:
        """Shape of each of its parameters."""
        return {f"{self.name}.{kind}": (self.n_channels,) for kind in ("scale", "shift")}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, (n_samples, n_positions · n_channels)."""
        groups = (len(inputs), self.n_positions, self.n_groups, -1)
        normed = _standardized(anp.reshape(inputs, groups), (1, 3), self.eps)
        positions = (len(inputs), self.n_positions, self.n_channels)
        return _scaled(params, self.name, anp.reshape(normed, positions), tap)


@dataclass(frozen=True)
class BatchNorm:
    """Batch norm in evaluation mode: by stated means and variances, then scale and shift.

    In training mode each loss depends on the whole batch: there are no per-sample gradients, and
    this package has no such layer.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> params = {"norm.scale": np.array([2.0]), "norm.shift": np.array([1.0])}
    >>> BatchNorm("norm", 1, [5.0], [4.0], eps=0.0)(params, np.array([[7.0]]), no_tap)
    array([[3.]])
    """

    name: str
    n_channels: int
    mean: Sequence[float]
    variance: Sequence[float]
    eps: float = 1e-5
    n_positions: int = 1
    is_tapped = True

    def shapes(self) -> Shapes:
        """Shape of each of its parameters."""
        return {f"{self.name}.{kind}": (self.n_channels,) for kind in ("scale", "shift")}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, position by position."""
        inputs = anp.reshape(inputs, (len(inputs), self.n_positions, self.n_channels))
        root = anp.sqrt(anp.array(self.variance, inputs.dtype) + self.eps)
        deviations = inputs - anp.array(self.mean, inputs.dtype)
        return _scaled(params, self.name, deviations / root, tap)
