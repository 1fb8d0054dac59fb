"""Names that stand in each other's place: seen by two comparisons, weighed once.

The given and the family name reach "swapped" together or not at all, and so they do "half swapped". Taken for
independent, one slip of a clerk would count as two, and a namesake in reverse as more than the person herself.
"""

from __future__ import annotations

from dataclasses import replace

from linkage.model import ComparisonWeights, Model

SWAPPED = "swapped"


def weighed_once(model: Model) -> Model:
    """`model` with such levels weighed by the given name, and weighing nothing for the family name.

    A client whose names were exchanged meets strangers and kin in that order as well: what they agree on by chance is
    both names, once exchanged. Few random pairs show that, so u and h of "swapped" are never below what follows from m
    and from how often both names agree.
    """
    roles = {weights.comparison.role: weights for weights in model.comparisons}
    given, family = roles.get("given"), roles.get("family")
    if given is None or family is None:
        return model
    model = model.with_weights(_silent(family, _shared(given, family)))
    swapped = next((level for level in given.levels if level.level == SWAPPED), None)
    if swapped is None:
        return model
    u = max(swapped.u, swapped.m * given.levels[0].u * family.levels[0].u)
    h = max(swapped.h, swapped.m * given.levels[0].h * family.levels[0].h)
    return model.with_weights(_with_rest(given, {SWAPPED: u}, {SWAPPED: h}))


def weighed_once_of_system(model: Model, own: ComparisonWeights) -> ComparisonWeights:
    """`own`, a client system's weights, with levels as silent as they are in `model`, which is weighed once.

    How often a system exchanges names is said by its given name; u is the register's, so m follows it here.
    """
    given = next((each for each in model.comparisons if each.comparison.role == "given"), None)
    if given is None or own.comparison.role != "family":
        return own
    silent = _shared(given, own)
    kept = {level.level: level.u for level in own.levels if level.level in silent}
    m, h = (
        (1 - sum(kept.values())) / sum(getattr(level, kind) for level in own.levels if level.level not in kept)
        for kind in ("m", "h")
    )
    return replace(
        own,
        levels=tuple(
            replace(level, m=level.u, h=level.u)
            if level.level in kept
            else replace(level, m=level.m * m, h=level.h * h)
            for level in own.levels
        ),
    )


def _shared(given: ComparisonWeights, family: ComparisonWeights) -> set[str]:
    """The levels of the family name that are reached where the given name reaches its own of the same condition."""
    together = {level.condition for level in given.comparison.levels} - {"true"}
    return {level.name for level in family.comparison.levels if level.condition in together}


def _silent(weights: ComparisonWeights, levels: set[str]) -> ComparisonWeights:
    """`weights` with levels that are as likely of anybody as of the person herself."""
    m = {level.level: level.m for level in weights.levels if level.level in levels}
    return _with_rest(weights, m, m)


def _with_rest(weights: ComparisonWeights, u: dict[str, float], h: dict[str, float]) -> ComparisonWeights:
    """`weights` with these u and h; the other levels share what is left."""
    left_u = (1 - sum(u.values())) / sum(level.u for level in weights.levels if level.level not in u)
    left_h = (1 - sum(h.values())) / sum(level.h for level in weights.levels if level.level not in h)
    return replace(
        weights,
        levels=tuple(
            replace(level, u=u.get(level.level, level.u * left_u), h=h.get(level.level, level.h * left_h))
            for level in weights.levels
        ),
    )
