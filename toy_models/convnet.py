"""Convolutional network: convolutions as affine maps over patches, max-pooling, dense layers."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive

from .activations import ACTIVATIONS
from .affine_maps import AffineModel, Params, Tap, affine, chosen, no_tap
from .losses import LOSSES


@primitive  # type: ignore[untyped-decorator]
def patches(images: Any, kernel: int, padding: int = 0) -> Any:
    """All kernel × kernel patches of images, one a position, row by row.

    Parameters
    ----------
    images : ndarray, shape (n_samples, height, width, n_channels)
    kernel : int
    padding : int
        Zeros added on each side.

    Returns
    -------
    ndarray, shape (n_samples, n_positions, kernel · kernel · n_channels)
        The last axis runs over the rows of a patch, then its columns, then its channels.
    """
    if padding:
        sides = (padding, padding)
        images = np.pad(images, ((0, 0), sides, sides, (0, 0)))
    images = np.ascontiguousarray(images)
    n_samples, rows, columns, n_channels = images.shape
    high, wide = rows - kernel + 1, columns - kernel + 1
    sample, row, column, channel = images.strides
    at = np.lib.stride_tricks.as_strided
    if kernel * n_channels < wide:  # copied by runs of memory: the longer, the faster
        windows = at(
            images,
            (n_samples, kernel, kernel, n_channels, high, wide),
            (sample, row, column, channel, row, column),
            writeable=False,
        )
        return windows.reshape(n_samples, kernel * kernel * n_channels, high * wide).swapaxes(1, 2)
    windows = at(
        images,
        (n_samples, high, wide, kernel, kernel * n_channels),
        (sample, row, column, row, channel),
        writeable=False,
    )
    return windows.reshape(n_samples, high * wide, kernel * kernel * n_channels)


@primitive  # type: ignore[untyped-decorator]
def _add_patches(cotangents: Any, shape: tuple[int, ...], kernel: int, padding: int) -> Any:
    """The adjoint of `patches`: each pixel gets the sum of its copies. `shape`: of the images."""
    n_samples, height, width, n_channels = shape
    rows, columns = height + 2 * padding, width + 2 * padding
    high, wide, run = rows - kernel + 1, columns - kernel + 1, kernel * n_channels
    parts = cotangents.reshape(n_samples, high, wide, kernel, run)
    images = np.zeros((n_samples, rows, columns * n_channels), cotangents.dtype)
    for row in range(kernel):
        for column in range(wide):
            start = column * n_channels
            images[:, row : row + high, start : start + run] += parts[:, :, column, row]
    images = images.reshape(n_samples, rows, columns, n_channels)
    return images[:, padding : padding + height, padding : padding + width]


defvjp(
    patches,
    lambda ans, images, kernel, padding=0: (
        lambda g: _add_patches(g, np.shape(images), kernel, padding)
    ),
    argnums=(0,),
)
defvjp(
    _add_patches,
    lambda ans, cotangents, shape, kernel, padding: lambda g: patches(g, kernel, padding),
    argnums=(0,),
)


def _quarters(images: Any) -> list[Any]:
    """The four pixels of each 2 × 2 window, in reading order; a last odd row or column is cut."""
    high, wide = images.shape[1] // 2 * 2, images.shape[2] // 2 * 2
    return [images[:, row:high:2, column:wide:2] for row in (0, 1) for column in (0, 1)]


@primitive  # type: ignore[untyped-decorator]
def max_pool(images: Any) -> Any:
    """Maximum over 2 × 2 windows that do not overlap; of equal pixels the first one counts.

    Parameters
    ----------
    images : ndarray, shape (n_samples, height, width, n_channels)
        A last row or column that fills no window is left out.

    Returns
    -------
    ndarray, shape (n_samples, height // 2, width // 2, n_channels)
    """
    a, b, c, d = _quarters(images)
    return np.maximum(np.maximum(a, b), np.maximum(c, d))


@primitive  # type: ignore[untyped-decorator]
def _to_largest(cotangents: Any, images: Any, largest: Any) -> Any:
    """The adjoint of picking the largest pixels."""
    result = np.zeros(images.shape, cotangents.dtype)
    free = np.ones(largest.shape, bool)
    for quarter, target in zip(_quarters(images), _quarters(result), strict=True):
        chosen = quarter == largest
        chosen &= free
        free ^= chosen
        np.multiply(cotangents, chosen, out=target)
    return result


@primitive  # type: ignore[untyped-decorator]
def _pick_largest(values: Any, images: Any, largest: Any) -> Any:
    """The pixels of `values` where `images` is the largest of its window."""
    result, free = np.zeros(largest.shape, values.dtype), np.ones(largest.shape, bool)
    for quarter, value in zip(_quarters(images), _quarters(values), strict=True):
        chosen = free & (quarter == largest)
        result = np.where(chosen, value, result)
        free &= ~chosen
    return result


defvjp(max_pool, lambda ans, images: lambda g: _to_largest(g, images, ans))
defvjp(
    _to_largest,
    lambda ans, g, images, largest: lambda h: _pick_largest(h, images, largest),
    None,
    None,
)
defvjp(
    _pick_largest,
    lambda ans, h, images, largest: lambda g: _to_largest(g, images, largest),
    None,
    None,
)


class ConvNet(AffineModel):
    """Blocks of convolutions and a 2 × 2 max-pool, then dense layers.

    Layers ``conv1``, ``conv2``, ... and ``dense1``, ``dense2``, ...; an activation follows each but
    the last. A convolution (a cross-correlation, stride 1) is an affine map over patches: its
    weight has shape (kernel · kernel · n_in, n_out), rows over the rows of a patch, then its
    columns, then its channels. After the last block the pixels are flattened in the same order.

    Parameters
    ----------
    image_shape : (int, int, int)
        (height, width, n_channels).
    channels : sequence of int
        Output channels of each block.
    hidden : sequence of int
        Widths of the hidden dense layers.
    n_outputs : int
    kernel : int
    padding : int
        Zeros added around the input of each convolution.
    convolutions : int
        In each block, before its max-pool.
    activation : {"relu", "tanh", "sigmoid", "softplus", "identity"}
    loss : {"cross_entropy", "squared"}
    bias : bool
    frozen : sequence of str
        Names of layers that a gradient step does not move.

    Raises
    ------
    ValueError
        If an option is none of these, or an image is too small for the blocks.

    Notes
    -----
    ``ConvNet((28, 28, 1), (6, 16), (120,), 10)`` is the network of Liu et al., ICLR 2020, for MNIST
    (its 5 × 5 kernels are recalled, not verified); with ``kernel=3, padding=1, convolutions=2`` and
    four channels it is theirs for CIFAR-10 without batch normalization, under which no sample has
    a gradient of its own.

    Examples
    --------
    >>> import numpy as np
    >>> model = ConvNet((4, 4, 1), (2,), (), 3, kernel=3)
    >>> {name: value.shape for name, value in model.init(seed=0).items()}
    {'conv1.weight': (9, 2), 'conv1.bias': (2,), 'dense1.weight': (2, 3), 'dense1.bias': (3,)}
    >>> model.loss(model.init(seed=0), np.zeros((5, 16)), np.arange(5) % 3).shape
    (5,)
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        channels: Sequence[int],
        hidden: Sequence[int],
        n_outputs: int,
        kernel: int = 5,
        padding: int = 0,
        convolutions: int = 1,
        activation: str = "relu",
        loss: str = "cross_entropy",
        bias: bool = True,
        frozen: Sequence[str] = (),
    ) -> None:
        chosen("activation", activation, ACTIVATIONS)
        if kernel < 1 or padding < 0 or convolutions < 1:
            raise ValueError(
                f"kernel is {kernel}, padding {padding}, convolutions {convolutions}; "
                "expected at least 1, 0 and 1"
            )
        height, width, n_in = image_shape
        layers: dict[str, tuple[int, int]] = {}
        for n_out in channels:
            for _ in range(convolutions):
                layers[f"conv{len(layers) + 1}"] = (kernel * kernel * n_in, n_out)
                height, width = (side + 2 * padding - kernel + 1 for side in (height, width))
                n_in = n_out
            height, width = height // 2, width // 2
            if height < 1 or width < 1:
                raise ValueError(f"image_shape is {image_shape}; too small for {channels}")
        sizes = (height * width * n_in, *hidden, n_outputs)
        layers |= {f"dense{i}": pair for i, pair in enumerate(pairwise(sizes), start=1)}
        super().__init__(layers, chosen("loss", loss, LOSSES), bias, frozen)
        self.image_shape, self.channels = tuple(image_shape), tuple(channels)
        self.hidden, self.n_outputs = tuple(hidden), n_outputs
        self.kernel, self.padding = kernel, padding
        self.convolutions, self.activation, self.loss_name = convolutions, activation, loss

    def _settings(self) -> list[str]:
        return [
            *map(str, (self.image_shape, self.channels, self.hidden, self.n_outputs)),
            *(f"{name}={getattr(self, name)}" for name in ("kernel", "padding", "convolutions")),
            f"activation={self.activation!r}",
            f"loss={self.loss_name!r}",
        ]

    def with_shape(self, x: Any) -> Any:
        """Images (n_samples, height, width, n_channels), from flat ones too."""
        if np.shape(x)[1:] not in (self.image_shape, (int(np.prod(self.image_shape)),)):
            raise ValueError(
                f"x has shape {np.shape(x)}; expected (n_samples, *{self.image_shape}), or flat"
            )
        return np.reshape(x, (len(x), *self.image_shape))

    def outputs(self, params: Params, x: Any, tap: Tap = no_tap) -> Any:
        """Outputs of the last layer, shape (n_samples, n_outputs)."""
        activation = ACTIVATIONS[self.activation]
        maps = x
        convolutional = [name for name in self.layers if name.startswith("conv")]
        for i, name in enumerate(convolutional, start=1):
            height, width = (s + 2 * self.padding - self.kernel + 1 for s in maps.shape[1:3])
            pixels = affine(params, name, patches(maps, self.kernel, self.padding), tap)
            maps = anp.reshape(activation(pixels), (len(x), height, width, -1))
            if i % self.convolutions == 0:
                maps = max_pool(maps)
        first, *rest = [name for name in self.layers if name.startswith("dense")]
        outputs = affine(params, first, anp.reshape(maps, (len(x), -1)), tap)
        for name in rest:
            outputs = affine(params, name, activation(outputs), tap)
        return outputs
