"""What a comparison is: levels of agreement, best first, and what of them the model learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stance = Literal["agrees", "differs"]
"""What a level says to the guards (linkage.guards), whatever it weighs."""
Role = Literal["given", "middle", "family", "birth", "place", "gender", "number", "other id"]
"""What a comparison is about, for guards and training, whatever its levels are."""


@dataclass(frozen=True)
class Level:
    """One level of agreement."""

    name: str
    condition: str
    meaning: str
    frequency: str | None = None
    """Column of `pair_level` that holds log2 of this level's own u for the pair."""
    stance: Stance | None = None
    at_least: str | None = None
    """Column of `pair_level` that holds log2 of a frequency below which u does not fall: what is near to a common value
    is met by chance as often as the value itself, so it never weighs more than agreeing on it."""
    namesakes_reach: bool = False
    """Kin and namesakes reach it so often that m is learnt only from pairs that NHS numbers confirm."""
    among: str | None = None
    """The kind of pairs that alone can reach it, such as those of two whole dates; levels of one kind have one word. A
    frequency is one among those pairs, so u is that much less (`linkage.model.shares_among`)."""


@dataclass(frozen=True)
class Comparison:
    """A field, or fields that are not independent of each other, looked at as one."""

    name: str
    unknown: str
    levels: tuple[Level, ...]
    role: Role | None = None

    @property
    def column(self) -> str:
        """Name of its level column in `pair_level`."""
        return "".join(c if c.isalnum() else "_" for c in self.name.lower()) + "_level"

    def sql(self) -> str:
        """An expression for the index of the level reached; null where the comparison says nothing."""
        arms = " ".join(f"WHEN {level.condition} THEN {index}" for index, level in enumerate(self.levels))
        return f"CAST(CASE WHEN {self.unknown} THEN NULL {arms} END AS UTINYINT)"

    def index(self, level: str) -> int:
        """Place of the level called `level`."""
        return next(i for i, each in enumerate(self.levels) if each.name == level)

    def reached(self, stance: Stance) -> str:
        """A condition over `pair_level`: a level of that stance was reached; never null."""
        indexes = [str(i) for i, each in enumerate(self.levels) if each.stance == stance]
        return f"coalesce({self.column} IN ({', '.join(indexes)}), false)" if indexes else "false"
