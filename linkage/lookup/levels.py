"""The levels of agreement in Python: for every level of `linkage.comparison` a function over a client's candidates.

Each gives, for all candidates at once, whether the level's condition holds; the first level that holds is the one
reached. The functions stand in `name_levels` and `other_levels`, are found by the names of comparison and level, and
importing this module fails where a declared level has none. That both forms say the same is tested on one table and on
people that look alike.
"""

from __future__ import annotations

import numpy as np

from linkage.comparison import COMPARISONS, Comparison
from linkage.lookup.columns import Array
from linkage.lookup.declared import UNKNOWN
from linkage.lookup.name_levels import NAME_LEVELS
from linkage.lookup.other_levels import OTHER_LEVELS
from linkage.lookup.pairs import Mask, Pairs

_LEVELS = NAME_LEVELS.tests | OTHER_LEVELS.tests


def reached(comparison: Comparison, pairs: Pairs) -> Array:
    """The index of the level that each candidate reaches, -1 where the comparison says nothing."""
    open_ = ~_LEVELS[comparison.name, UNKNOWN](pairs)
    found = np.full(len(pairs), -1, np.int8)
    for index, level in enumerate(comparison.levels):
        if not open_.any():
            break
        holds = _LEVELS[comparison.name, level.name](pairs) & open_
        found[holds] = index
        open_ &= ~holds
    return found


def _everyone(p: Pairs) -> Mask:
    return np.ones(len(p), bool)


def _check() -> None:
    """Every level that is declared has a function, and every function a level."""
    declared = {(each.name, name) for each in COMPARISONS for name in (UNKNOWN, *(level.name for level in each.levels))}
    if declared != set(_LEVELS):
        raise ImportError(
            f"linkage.lookup and linkage.comparison differ in their levels: {sorted(declared ^ set(_LEVELS))}"
        )


for _each in COMPARISONS:
    if _each.levels[-1].condition == "true":
        _LEVELS[_each.name, _each.levels[-1].name] = _everyone
_check()
