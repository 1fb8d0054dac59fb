"""What moved between two models, in bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from linkage.model import ComparisonWeights, LevelWeights, Model
from linkage.model_file import bits

SMALLEST = 5e-9
"""Bits; less is the rounding of the file."""


@dataclass(frozen=True)
class Moved:
    """One thing that two models do not have in common; a value is None where one lacks it."""

    place: str
    before: float | None
    after: float | None
    unit: str

    @property
    def size(self) -> float:
        """How far it moved; without end where one model lacks it."""
        return math.inf if self.before is None or self.after is None else abs(self.after - self.before)


def diff(a: Model, b: Model) -> tuple[Moved, ...]:
    """What moved from `a` to `b`: the prior, households and bands, then every level in its order."""
    moved = [
        Moved("odds of being in the register", _odds(a), _odds(b), "bits"),
        Moved("members of a household", math.log2(a.household), math.log2(b.household), "bits"),
        Moved("how freely names combine", math.log2(a.names_together), math.log2(b.names_together), "bits"),
    ]
    if a.bands != b.bands:
        for name in ("link_at", "review_at"):
            values = [None if each.bands is None else float(getattr(each.bands, name)) for each in (a, b)]
            moved.append(Moved(name.replace("_at", " band"), values[0], values[1], "probability"))
    before, after = _levels(a), _levels(b)
    for source in sorted({*a.sources, *b.sources}):
        # Held against what holds for all where a model has nothing of the system's own.
        before |= _levels(a.of(source), f" of {source}")
        after |= _levels(b.of(source), f" of {source}")
    for name in dict.fromkeys([*before, *after]):
        moved += _of_level(name, before.get(name), after.get(name))
    return tuple(each for each in moved if each.size > SMALLEST)


_Found = tuple[ComparisonWeights, LevelWeights]


def _levels(model: Model, whose: str = "") -> dict[str, _Found]:
    return {f"{c.comparison.name}{whose}, {level.level}": (c, level) for c in model.comparisons for level in c.levels}


def _of_level(name: str, old: _Found | None, new: _Found | None) -> list[Moved]:
    if old is None or new is None:
        return [Moved(name, old and bits(old[1]), new and bits(new[1]), "bits")]
    moved = [
        Moved(name, bits(old[1]), bits(new[1]), "bits"),
        Moved(f"{name}, against a relative", against_kin(old[1]), against_kin(new[1]), "bits"),
    ]
    if _asked(*old) != _asked(*new):
        moved.append(Moved(f"{name}: asks something else", None, None, ""))
    return moved


def against_kin(level: LevelWeights) -> float:
    """What a level weighs against a member of the same household: log2(m / h)."""
    return math.log2(level.m / level.h)


def _asked(weights: ComparisonWeights, level: LevelWeights) -> tuple[object, ...]:
    asked = next(each for each in weights.comparison.levels if each.name == level.level)
    return (
        asked.condition,
        asked.frequency,
        asked.at_least,
        asked.stance,
        asked.among,
        weights.comparison.unknown,
        weights.comparison.role,
    )


def _odds(model: Model) -> float:
    return math.log2(model.in_register / (1 - model.in_register))
