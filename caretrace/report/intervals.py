"""The Wilson score interval: how far a share of a few may lie from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Share:
    """`part` of `whole` with its 95 % interval (Wilson 1927), which holds its level for few cases and near 0 and 1.

    >>> share = Share(81, 263)
    >>> round(share.low, 4), round(share.high, 4)
    (0.2553, 0.3662)
    """

    part: int
    whole: int

    def __post_init__(self) -> None:
        if not 0 <= self.part <= self.whole:
            raise ValueError("a share needs 0 <= part <= whole")

    @property
    def value(self) -> float:
        """The share itself; 0 of nobody is 0."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._ends()[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        if not self.whole:
            return 0.0, 1.0
        n, p, z2 = self.whole, self.value, Z_95 * Z_95
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        # Rounding may push the end past p where part is 0 or whole.
        return max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))
