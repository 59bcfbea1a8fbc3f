"""Inputs that a case states by a formula instead of numbers. Imports ``contract``."""

import math
from typing import Any

import numpy as np

from gsnr_ref.contract import Array

PRIME = 65521


def generate(array: dict[str, Any]) -> Array:
    """The array of a statement: see ``inputs.generated.formula`` in a large case.

    Examples
    --------
    >>> generate({"shape": [2, 2], "a": 1, "b": 2, "c": 3, "offset": 0.5, "shift": 15})
    array([[-0.49966431, -0.49957275],
           [-0.49942017, -0.49920654]])
    >>> generate({"shape": [4], "a": 1, "b": 2, "c": 3, "n_classes": 5})
    array([3, 1, 1, 3])
    """
    m = np.arange(math.prod(array["shape"]), dtype=np.int64) % PRIME
    h = ((array["a"] * m + array["b"]) % PRIME * m + array["c"]) % PRIME
    if "n_classes" in array:
        return np.asarray(h % array["n_classes"]).reshape(array["shape"])
    values = array["offset"] + (h - 32760) / 2.0 ** array["shift"]
    return np.asarray(values).reshape(array["shape"])
