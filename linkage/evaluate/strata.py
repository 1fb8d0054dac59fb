"""A sample that people looked at, drawn by strata: how many of the whole are so, and how far that may be off.

Cochran, Sampling Techniques (1977), chapter 5: the estimate is the sum of W p and its variance the sum of
W^2 p (1 - p) / n over the strata, W being the stratum's share of the whole and p the share found in a sample of n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from linkage.evaluate.shares import Estimate, Share


@dataclass(frozen=True)
class Stratum:
    """One part of the whole, and what was found in the sample of it."""

    name: str
    size: int
    found: Share

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"name": self.name, "size": self.size, "found": self.found.to_json()}


def stratified(strata: Sequence[Stratum]) -> Estimate | None:
    """The share of the whole, or None where a stratum of some size has no sample: then nothing is known of it."""
    whole = sum(each.size for each in strata)
    found = total(strata)
    if not whole or found is None:
        return None
    value, variance = found
    return Estimate.normal(value / whole, variance / whole**2)


def ratio(right: Sequence[Stratum], missed: Sequence[Stratum]) -> Estimate | None:
    """Recall: the total found right over that and the total missed, or None as for `stratified`.

    With totals a and c of variances va and vc, a / (a + c) has variance (c^2 va + a^2 vc) / (a + c)^4 by the delta
    method; that the two may come from one sample, where more of the one is less of the other, is left aside.
    """
    first, second = total(right), total(missed)
    if first is None or second is None or not first[0] + second[0]:
        return None
    (a, a_variance), (c, c_variance) = first, second
    return Estimate.normal(a / (a + c), (c**2 * a_variance + a**2 * c_variance) / (a + c) ** 4)


def total(strata: Sequence[Stratum]) -> tuple[float, float] | None:
    """How many of the whole are so, with the variance; None where a stratum of some size has no sample.

    In a stratum where all or none were found, p (1 - p) / n is 0, as if nothing could be unknown. There the variance is
    taken at (x + 1) / (n + 2) instead (Wilson's centre, rounded: Agresti and Coull 1998), so that ten looked at and ten
    right do not pass for certainty.
    """
    held = [each for each in strata if each.size]
    if any(not each.found.whole for each in held):
        return None
    return fsum(each.size * each.found.value for each in held), fsum(each.size**2 * _variance(each) for each in held)


def _variance(stratum: Stratum) -> float:
    found, n = stratum.found.part, stratum.found.whole
    if n >= stratum.size:
        return 0.0  # everybody was looked at
    p = stratum.found.value if 0 < found < n else (found + 1) / (n + 2)
    return p * (1 - p) / n


def allocate(sizes: Sequence[int], spreads: Sequence[float], sample: int, least: int = 5) -> list[int]:
    """How many to draw from each stratum: as size times spread (Neyman 1934), `least` at any rate, all where fewer.

    `spreads` are standard deviations guessed beforehand, such as sqrt(p (1 - p)) of the probabilities.

    >>> allocate([1000, 100, 3], [0.02, 0.5, 0.5], 50)
    [15, 32, 3]
    """
    drawn = [min(size, least) for size in sizes]
    left = max(sample - sum(drawn), 0)
    while left:
        weights = [(size - got) * spread for size, got, spread in zip(sizes, drawn, spreads, strict=True)]
        total_weight = fsum(weights)
        if not total_weight:
            break
        wanted = [left * weight / total_weight for weight in weights]
        more = [min(int(share), size - got) for share, size, got in zip(wanted, sizes, drawn, strict=True)]
        if not any(more):
            # Less than one each is left: to those who are owed most, first come first served among equals.
            for at in sorted(range(len(sizes)), key=lambda at: (-wanted[at], at))[:left]:
                more[at] = 1 if weights[at] else 0
        drawn = [got + extra for got, extra in zip(drawn, more, strict=True)]
        left -= sum(more)
    return drawn
