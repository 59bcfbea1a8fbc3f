"""How far a curve over steps of training rises early. Imports nothing of the package."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rise:
    """The largest rise of a curve while it is early: before it falls below a third of its start.

    From one of its points to the highest later one. What a curve does near its noise floor, late,
    is no rise in this sense.

    Examples
    --------
    >>> print(Rise.of(np.arange(6), np.array([4.0, 2.0, 3.0, 1.0, 0.1, 0.5])))
    4 at step 0, early rise × 1.50 from step 1 to 2, 0.5 at step 5
    """

    factor: float
    start: float
    top: float
    ends: tuple[float, float, float, float]

    @classmethod
    def of(cls, at: NDArray[Any], curve: NDArray[Any]) -> "Rise":
        """Of a positive curve over steps."""
        low = np.flatnonzero(curve < curve[0] / 3)
        early = curve[: low[0]] if len(low) else curve
        later = np.maximum.accumulate(early[::-1])[::-1]
        i = int(np.argmax(later / early))
        top = i + int(np.argmax(early[i:]))
        ends = (float(curve[0]), float(at[0]), float(curve[-1]), float(at[-1]))
        return cls(float(later[i] / early[i]), float(at[i]), float(at[top]), ends)

    def __str__(self) -> str:
        first, first_at, last, last_at = self.ends
        rise = f"early rise × {self.factor:.2f} from step {self.start:.0f} to {self.top:.0f}"
        if self.factor == 1:
            rise = "no early rise"
        return f"{first:.3g} at step {first_at:.0f}, {rise}, {last:.3g} at step {last_at:.0f}"
