"""A share with its interval, and what is made of shares: the F measure and the standardised difference."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, lgamma, log, log1p, sqrt
from typing import Any

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
_ONE_SIDE = 0.025
"""What such an interval leaves out on each side."""


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

    def to_json(self) -> dict[str, Any]:
        """Counts, share and interval; the share of nobody is null."""
        value = round(self.value, 9) if self.whole else None
        return {"part": self.part, "of": self.whole, "value": value, "interval_95": _rounded(self.low, self.high)}


@dataclass(frozen=True)
class Estimate:
    """A value that was reckoned and not counted, with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def normal(cls, value: float, variance: float) -> Estimate:
        """The interval of the normal approximation, cut to 0 to 1: for shares."""
        half = Z_95 * sqrt(max(variance, 0.0))
        return cls(value, max(0.0, value - half), min(1.0, value + half))

    def to_json(self) -> dict[str, Any]:
        """Value and interval."""
        return {"value": round(self.value, 9), "interval_95": _rounded(self.low, self.high)}


def _rounded(low: float, high: float) -> list[float]:
    return [round(low, 9), round(high, 9)]


def is_surprising(part: int, whole: int, expected: float) -> bool:
    """Whether chance alone would bring so few, or so many, of `whole` in fewer than 1 of 40 cases: 1 of 20 both ways.

    The exact tail of the binomial distribution, because Wilson's interval is too short where one case or none is
    expected. Probabilities that differ from case to case spread less than this, so it errs towards no surprise.

    >>> is_surprising(17, 18, 0.9963), is_surprising(170, 180, 0.9963)
    (False, True)
    """
    if not whole or part == whole * expected:
        return False
    if not 0 < expected < 1:
        return True
    # From the count on away from what is expected the terms only fall.
    step = -1 if part < whole * expected else 1
    tail, at = 0.0, part
    while 0 <= at <= whole and tail < _ONE_SIDE:
        logarithm = lgamma(whole + 1) - lgamma(at + 1) - lgamma(whole - at + 1)
        term = exp(logarithm + at * log(expected) + (whole - at) * log1p(-expected))
        tail += term
        if term < tail * 1e-9:
            break
        at += step
    return tail < _ONE_SIDE


def f_measure(right: int, links: int, findable: int) -> Estimate:
    """F1, the harmonic mean of precision and recall, with an interval.

    F1 is 2x / (1 + x) of x = right / (links + findable - right), the share that is right among all pairs that are
    either claimed or true (F*: Hand, Christen and Kirielle 2021, doi 10.1007/s10994-021-05964-1). That is a share of a
    count, so Wilson's interval holds for it and, the map being increasing, for F1.

    >>> f_measure(8, 10, 10).value
    0.8
    """
    shared = Share(right, links + findable - right)
    value, low, high = (2 * x / (1 + x) for x in (shared.value, shared.low, shared.high))
    return Estimate(value, low, high)


def standardised_difference(share: float, other: float) -> float:
    """The difference of two shares in units of their common spread; from 0.1 on by custom worth notice.

    Austin 2009, doi 10.1080/03610910902859574: (p - q) / sqrt((p(1 - p) + q(1 - q)) / 2). It does not grow with the
    number of people, as a test of significance would.

    >>> round(standardised_difference(0.30, 0.25), 3)
    0.112
    """
    spread = (share * (1 - share) + other * (1 - other)) / 2
    if spread <= 0:
        return 0.0 if share == other else inf if share > other else -inf
    return (share - other) / sqrt(spread)
