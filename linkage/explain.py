"""Why a candidate weighs what it weighs: its weight taken apart into the prior, each comparison, and the household.

In: a row of `candidate` (schemas.CANDIDATE) and the model of its run. Out: a waterfall whose bars add up to the weight.
Nothing is computed anew, so what is explained is what was decided on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linkage.model import FLOOR, LevelWeights, Model

PRIOR, HOUSEHOLD = "before anything is compared", "a member of the household"


@dataclass(frozen=True)
class Bar:
    """One step of the waterfall, `bits` long."""

    name: str
    bits: float
    meaning: str
    level: str | None = None
    """The level reached; null where the comparison says nothing, and for prior and household."""
    m: float | None = None
    """How often the two records of one person reach the level."""
    u: float | None = None
    """How often two records of different people do, here: with the pair's own frequency where the level has one."""
    usual_u: float | None = None
    """The same on average over all values; it differs from `u` where a name is rarer or more common than most."""

    @property
    def frequency_bits(self) -> float:
        """What the value's own frequency adds to what the level would weigh on average."""
        if self.m is None or self.u is None or self.usual_u is None:
            return 0.0
        return math.log2(self.usual_u / self.u)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        facts = {
            "name": self.name,
            "level": self.level,
            "meaning": self.meaning,
            "bits": round(self.bits, 6),
            "m": self.m,
            "u": None if self.u is None else float(f"{self.u:.6g}"),
            "usual_u": self.usual_u,
            "frequency_bits": round(self.frequency_bits, 6),
        }
        return {key: value for key, value in facts.items() if value is not None}


@dataclass(frozen=True)
class Waterfall:
    """One candidate: the bars in order, and where they lead."""

    rank: int
    method: str
    bars: tuple[Bar, ...]
    weight: float
    probability: float

    def steps(self) -> tuple[tuple[Bar, float, float], ...]:
        """Every bar with the totals before and after it."""
        found, total = [], 0.0
        for bar in self.bars:
            found.append((bar, total, total + bar.bits))
            total += bar.bits
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "rank": self.rank,
            "method": self.method,
            "bars": [bar.to_json() for bar in self.bars],
            "weight": self.weight,
            "probability": self.probability,
        }


def waterfall(candidate: Mapping[str, Any], model: Model) -> Waterfall:
    """Take a row of `candidate` apart; `levels` and `bits` are mappings of comparison to level and to bits."""
    model = model.of(candidate.get("source"))
    levels, bits = candidate["levels"], candidate["bits"]
    bars = [
        Bar(PRIOR, candidate["prior_bits"], "how many people it might be, and how many clients are in the register"),
        *(_bar(weights.comparison.name, model, levels, bits) for weights in model.comparisons),
        Bar(HOUSEHOLD, candidate["household_bits"], "what somebody of the same household would share as well"),
    ]
    return Waterfall(
        int(candidate["rank"]), candidate["method"], tuple(bars), candidate["weight"], candidate["probability"]
    )


def _bar(name: str, model: Model, levels: Mapping[str, str], bits: Mapping[str, float]) -> Bar:
    if name not in levels:
        return Bar(name, 0.0, "says nothing: not known on one side or both")
    weights = model[name]
    place = weights.comparison.index(levels[name])
    level, usual = weights.comparison.levels[place], weights.levels[place]
    own = level.frequency is not None
    return Bar(
        name,
        bits[name],
        level.meaning,
        level.name,
        usual.m,
        max(usual.m, FLOOR) / 2 ** bits[name] if own else usual.u,
        _usual(usual) if own else None,
    )


def _usual(weights: LevelWeights) -> float:
    return max(weights.u, FLOOR)


@dataclass(frozen=True)
class Competition:
    """How a client's candidates share out its probability: with each other, and with "not in the register"."""

    candidates: tuple[float, ...]
    others: float
    """Candidates that were not kept, together."""
    nobody: float


def competition(candidates: Sequence[Waterfall]) -> Competition:
    """The shares of all candidates, in order of rank.

    A candidate's odds against nobody are 2^weight, so nobody's share follows from any one candidate's.
    """
    if not candidates:
        return Competition((), 0.0, 1.0)
    shares = tuple(each.probability for each in candidates)
    best = candidates[0]
    nobody = min(best.probability * 2.0 ** -max(best.weight, -1000.0), 1.0)
    return Competition(shares, max(1.0 - math.fsum(shares) - nobody, 0.0), nobody)
