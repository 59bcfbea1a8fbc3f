"""Convolutions of every kind, in plain scalar arithmetic. Imports nothing of ``gsnr_ref``.

Forward passes only: the tape does the rest.
"""

from tests.certify.layers import Layer, Params, Vector


def convolution(layer: Layer, params: Params, a: Vector) -> Vector:
    """A cross-correlation with zeros around the image, steps of `stride`, groups of channels."""
    height, width, n_in, n_out, kernel, padding, stride, groups = (
        layer[key]
        for key in ("height", "width", "n_in", "n_out", "kernel", "padding", "stride", "groups")
    )
    weight, bias = params[f"{layer['name']}.weight"], params.get(f"{layer['name']}.bias")
    n_k = n_in // groups  # channels that an output sees
    outputs = []
    for row in range(-padding, height + padding - kernel + 1, stride):
        for column in range(-padding, width + padding - kernel + 1, stride):
            for c in range(n_out):
                first = c // (n_out // groups) * n_k
                terms = [
                    a[((row + u) * width + column + v) * n_in + first + k]
                    * weight[((u * kernel + v) * n_k + k) * n_out + c]
                    for u in range(kernel)
                    for v in range(kernel)
                    for k in range(n_k)
                    if 0 <= row + u < height and 0 <= column + v < width
                ]
                outputs.append(sum(terms) if bias is None else sum(terms) + bias[c])
    return outputs


IMAGES = {"convolution": convolution}
