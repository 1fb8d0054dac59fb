"""The comparisons as data: each a list of levels, best first, each level a condition in DuckDB SQL.

`l` is the client's record and `r` the register's, both of the shape `linkage.clean` makes. The first level that holds
is the one reached; a comparison whose `unknown` condition holds says nothing and weighs nothing.

For every level the model holds three probabilities:

- m, that a client and the register row of the same person reach it;
- u, that a client and a random register row reach it. Where two records agree on something of known frequency, u is
  that frequency (`frequency` names the column), not the level's average;
- h, that a client and another member of the same household reach it. Splink and its kin know only m and u, so a shared
  family name and address make a sister look like the person herself.
"""

from __future__ import annotations

from linkage.comparison.birth import BIRTH
from linkage.comparison.gender import GENDER
from linkage.comparison.level import Comparison, Level, Role, Stance
from linkage.comparison.names import FAMILY, GIVEN, MIDDLE
from linkage.comparison.numbers import NUMBER, OTHER_ID
from linkage.comparison.place import PLACE

__all__ = [
    "BIRTH",
    "COMPARISONS",
    "FAMILY",
    "GENDER",
    "GIVEN",
    "MIDDLE",
    "NUMBER",
    "OTHER_ID",
    "PLACE",
    "Comparison",
    "Level",
    "Role",
    "Stance",
]

COMPARISONS: tuple[Comparison, ...] = (GIVEN, MIDDLE, FAMILY, BIRTH, PLACE, GENDER, NUMBER, OTHER_ID)
