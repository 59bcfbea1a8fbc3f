"""Cross-entropy with what frameworks add to it: class weights, ignored classes, smoothed labels."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .losses import cross_entropy


def cross_entropy_with(
    class_weights: Sequence[float] | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Callable[[Any, Any], Any]:
    """Return a per-sample loss, for a model to be given.

    Parameters
    ----------
    class_weights : sequence of float, optional
        A sample's loss is multiplied by the weight of its class. Where frameworks reduce, they
        divide by the sum of the weights: that is no mean over samples, and not done here.
    ignore_index : int, optional
        Samples of this "class" have the loss 0; they count as samples all the same.
    label_smoothing : float
        The share of the target that all classes have in equal parts, the right one too.

    Returns
    -------
    callable
        ``loss(outputs, y)``, as `cross_entropy`.

    Examples
    --------
    >>> loss = cross_entropy_with(class_weights=[1.0, 10.0], ignore_index=-100)
    >>> loss(np.zeros((3, 2)), np.array([0, 1, -100])).round(2)
    array([0.69, 6.93, 0.  ])
    """

    def loss(outputs: Any, y: Any) -> Any:
        y = np.asarray(y)
        counted = np.ones(y.shape, bool) if ignore_index is None else y != ignore_index
        classes = np.where(counted, y, 0)
        losses = cross_entropy(outputs, classes)
        if label_smoothing:
            n_classes = outputs.shape[1]
            of_all = [cross_entropy(outputs, np.full_like(classes, c)) for c in range(n_classes)]
            everything = sum(of_all[1:], start=of_all[0]) / n_classes
            losses = (1 - label_smoothing) * losses + label_smoothing * everything
        if class_weights is not None:
            losses = losses * np.asarray(class_weights, outputs.dtype)[classes]
        return losses * counted

    return loss
