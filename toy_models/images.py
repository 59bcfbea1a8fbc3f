"""Layers of a `Stack` that see a sample as an image: convolutions of every kind, and a max-pool."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp

from .affine_maps import Params, Tap, affine
from .convnet import max_pool, patches
from .layer_types import Shapes


@dataclass(frozen=True)
class Convolution:
    """A cross-correlation: an affine map over patches, at every `stride`-th position.

    The weight, (kernel · kernel · n_in / groups, n_out), has its rows in the order of a patch's
    rows, columns, channels. With several groups, an output channel sees the input channels of its
    group only; that is no affine map of the whole patch, so it has no tap.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> layer = Convolution("conv", 2, 3, n_in=1, n_out=1, kernel=2, bias=False)
    >>> params = {"conv.weight": np.array([[1.0], [10.0], [100.0], [1000.0]])}
    >>> layer(params, np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), no_tap)
    array([[5421., 6532.]])
    """

    name: str
    height: int
    width: int
    n_in: int
    n_out: int
    kernel: int
    bias: bool = True
    padding: int = 0
    stride: int = 1
    groups: int = 1

    @property
    def is_tapped(self) -> bool:
        """Whether all its parameters pass through the tap."""
        return self.groups == 1

    def shapes(self) -> Shapes:
        """Shape of each of its parameters."""
        rows = self.kernel**2 * self.n_in // self.groups
        shapes: Shapes = {f"{self.name}.weight": (rows, self.n_out)}
        return shapes | ({f"{self.name}.bias": (self.n_out,)} if self.bias else {})

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, pixel by pixel and channel by channel."""
        n_samples = len(inputs)
        images = anp.reshape(inputs, (n_samples, self.height, self.width, self.n_in))
        pixels = patches(images, self.kernel, self.padding)
        high, wide = (
            side + 2 * self.padding - self.kernel + 1 for side in (self.height, self.width)
        )
        pixels = anp.reshape(pixels, (n_samples, high, wide, -1))
        pixels = pixels[:, :: self.stride, :: self.stride]
        pixels = anp.reshape(pixels, (n_samples, -1, self.kernel**2 * self.n_in))
        outputs = (
            affine(params, self.name, pixels, tap)
            if self.is_tapped
            else self._grouped(params, pixels)
        )
        return anp.reshape(outputs, (n_samples, -1))

    def _grouped(self, params: Params, pixels: Any) -> Any:
        """Each group of output channels from its group of input channels."""
        n_samples, n_positions, _ = pixels.shape
        by_group = (n_samples, n_positions, self.kernel**2, self.groups, self.n_in // self.groups)
        pixels = anp.reshape(pixels, by_group)
        weights = anp.split(params[f"{self.name}.weight"], self.groups, axis=1)
        outputs = [
            anp.matmul(anp.reshape(pixels[:, :, :, g], (n_samples, n_positions, -1)), weight)
            for g, weight in enumerate(weights)
        ]
        joined = anp.concatenate(outputs, axis=2)
        return joined + params[f"{self.name}.bias"] if self.bias else joined


@dataclass(frozen=True)
class MaxPool:
    """The largest of each 2 × 2 window; of equal pixels the first one counts.

    Examples
    --------
    >>> import numpy as np
    >>> from toy_models.affine_maps import no_tap
    >>> MaxPool(2, 3, 1)({}, np.array([[1.0, 2.0, 9.0, 4.0, 3.0, 9.0]]), no_tap)
    array([[4.]])
    """

    height: int
    width: int
    n_channels: int
    is_tapped = True

    def shapes(self) -> Shapes:
        """None."""
        return {}

    def __call__(self, params: Params, inputs: Any, tap: Tap) -> Any:
        """Outputs, pixel by pixel and channel by channel."""
        images = anp.reshape(inputs, (len(inputs), self.height, self.width, self.n_channels))
        return anp.reshape(max_pool(images), (len(inputs), -1))
