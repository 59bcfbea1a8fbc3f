"""How far a curve over steps of training rises early. Imports nothing of the package."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rise:
    """The largest rise of a curve while it is early: before it falls below a third of its start.

    From one of its points to the highest level that it keeps for two measured steps in a row: a
    spike of a single step is none. Where the training loss is given, the rise counts only while
    that falls: at each of its steps the loss is the lowest so far, or an instability would do. What
    a curve does near its noise floor, late, is no rise in this sense.

    Examples
    --------
    >>> print(Rise.of(np.arange(6), np.array([4.0, 2.0, 3.0, 3.2, 0.1, 0.5])))
    × 1.50 from step 1 to 2
    >>> loss = np.array([1.0, 0.9, 1.4, 1.3, 0.2, 0.1])  # jumps where the curve does
    >>> print(Rise.of(np.arange(6), np.array([4.0, 2.0, 3.0, 3.2, 0.1, 0.5]), loss))
    none
    """

    factor: float
    start: float
    top: float

    @classmethod
    def of(
        cls, at: NDArray[Any], curve: NDArray[Any], training_loss: NDArray[Any] | None = None
    ) -> "Rise":
        """Of a positive curve over steps."""
        low = np.flatnonzero(curve < curve[0] / 3)
        early = curve[: low[0]] if len(low) else curve
        kept = np.minimum(early[:-1], early[1:])
        best = cls(1.0, float(at[0]), float(at[0]))
        loss = np.zeros(len(curve)) if training_loss is None else training_loss
        falls = loss <= np.minimum.accumulate(loss)
        for i in range(len(kept)):
            # As long as the loss falls: up to the step before the first at which it does not.
            stops = np.flatnonzero(~falls[i:])
            reach = kept[i : i + (max(stops[0] - 1, 0) if len(stops) else len(kept))]
            if len(reach) and reach.max() > best.factor * early[i]:
                top = i + int(np.argmax(reach))
                best = cls(float(kept[top] / early[i]), float(at[i]), float(at[top]))
        return best

    def __str__(self) -> str:
        if self.factor == 1:
            return "none"
        return f"× {self.factor:.2f} from step {self.start:.0f} to {self.top:.0f}"
