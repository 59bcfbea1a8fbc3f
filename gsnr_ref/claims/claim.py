"""A claim: two sides that should agree, and by how much they may differ, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from toy_models.cases import Case


@dataclass(frozen=True)
class Claim:
    """Two sides of an equation on one case. Asserts nothing: ask `holds`.

    Attributes
    ----------
    name : str
    equation : str
        Number in the paper, or "-" for what the paper does not number.
    left, right : float or Fraction
    error_bound : float
        Largest difference that rounding, sampling or truncation explains.
    explanation : str
        Where the bound comes from.
    case : str
    n : int or None
        Size of the training set.
    learning_rate : float, Fraction, str or None
        A word where it is a limit.
    control : bool
        A planted violation of an assumption: the two sides must differ.

    Examples
    --------
    >>> Claim("1 + 1 = 2", "-", 2.0, 2.0, 0.0, "exact").verdict
    'holds'
    >>> Claim("1 + 1 = 3", "-", 2.0, 3.0, 0.0, "exact", control=True).verdict
    'broken, as expected'
    """

    name: str
    equation: str
    left: float | Fraction
    right: float | Fraction
    error_bound: float
    explanation: str
    case: str = ""
    n: int | None = None
    learning_rate: float | Fraction | str | None = None
    control: bool = False

    @property
    def difference(self) -> Any:
        """|left − right|."""
        return abs(self.left - self.right)

    @property
    def holds(self) -> bool:
        """Whether the two sides agree within the bound. A NaN agrees with nothing."""
        return bool(self.difference <= self.error_bound)

    @property
    def as_expected(self) -> bool:
        """Whether the claim holds, or, for a control, is clearly broken."""
        return bool(self.difference > self.error_bound) if self.control else self.holds

    @property
    def verdict(self) -> str:
        """One or a few words for the table."""
        if self.control:
            return "broken, as expected" if self.as_expected else "NOT BROKEN"
        return "holds" if self.holds else "FAILS"


@dataclass(frozen=True)
class Settings:
    """What the user can set.

    Examples
    --------
    >>> Settings().learning_rate
    0.0001
    """

    ns: tuple[int, ...] = (10, 100, 1000)
    learning_rate: float = 1e-4
    n_trials: int = 1000
    seed: int = 0
    n_jobs: int = 1


#: Evaluates claims on a case. Its docstring is its title.
Check = Callable[[Case, Settings], list[Claim]]


def title(check: Check) -> str:
    """Return the one line that says what a check claims.

    Examples
    --------
    >>> def check(case, settings):
    ...     '''1 + 1 = 2'''
    >>> title(check)
    '1 + 1 = 2'
    """
    return str(check.__doc__)
