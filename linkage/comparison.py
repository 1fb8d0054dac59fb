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

from dataclasses import dataclass
from typing import Literal

Stance = Literal["agrees", "differs"]
"""What a level says to the guards (linkage.decide), whatever it weighs."""
Role = Literal["given", "family", "birth", "place", "gender", "number"]
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
    namesakes_reach: bool = False
    """Kin and namesakes reach it so often that m is learnt only from pairs that NHS numbers confirm."""


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


# Levenshtein counts a transposition as two, and Jaro-Winkler is kind to those, so the two together find one slip.
_ONE_SLIP = (
    "(length({a}) > 2 AND length({b}) > 2"
    " AND (jaro_winkler_similarity({a}, {b}) >= 0.93 OR (length({a}) > 3 AND levenshtein({a}, {b}) = 1)))"
)
_ALIKE = "jaro_winkler_similarity({a}, {b}) >= 0.82"
_SWAPPED = (
    f"(l.given = r.family AND {_ALIKE.format(a='r.given', b='l.family')}"
    f" OR r.given = l.family AND {_ALIKE.format(a='l.given', b='r.family')})"
)

GIVEN = Comparison(
    "given name",
    "l.given IS NULL OR r.given IS NULL",
    (
        Level("exact", "l.given = r.given", "the same first given name", "given_u"),
        Level(
            "nickname",
            "n.a IS NOT NULL",  # from a join with table `nickname`
            "nicknames of one name",
            "nickname_u",
        ),
        Level("one slip", _ONE_SLIP.format(a="l.given", b="r.given"), "one letter or a transposition apart"),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_givens, l.given) OR list_contains(l.other_givens, r.given)",
            "one's first given name is another given name of the other",
        ),
        Level(
            "initial",
            "starts_with(l.given, r.given) OR starts_with(r.given, l.given)",
            "an initial, or the beginning of a name, that fits",
        ),
        Level("alike", _ALIKE.format(a="l.given", b="r.given"), "alike, more than one slip apart"),
        Level("different", "true", "different given names", stance="differs", namesakes_reach=True),
    ),
    role="given",
)

FAMILY = Comparison(
    "family name",
    "l.family IS NULL OR r.family IS NULL",
    (
        Level("exact", "l.family = r.family", "the same family name", "family_u"),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_families, l.family) OR list_contains(l.other_families, r.family)"
            " OR list_has_any(l.other_families, r.other_families)",
            "the same as a previous name, or one part of a double-barrelled name",
            "other_family_u",
        ),
        Level("one slip", _ONE_SLIP.format(a="l.family", b="r.family"), "one letter or a transposition apart"),
        Level("alike", _ALIKE.format(a="l.family", b="r.family"), "alike, more than one slip apart"),
        Level("different", "true", "different family names", stance="differs"),
    ),
    role="family",
)

_FULL = "l.birth_day IS NOT NULL AND r.birth_day IS NOT NULL"
_SAME_Y, _SAME_M, _SAME_D = (f"l.birth_{part} = r.birth_{part}" for part in ("year", "month", "day"))
_NEW_YEAR = "({0}.birth_month = 1 AND {0}.birth_day = 1)"
_YEAR_SLIP = (
    "(abs(l.birth_year - r.birth_year) IN (1, 10, 100)"
    " OR levenshtein(CAST(l.birth_year AS VARCHAR), CAST(r.birth_year AS VARCHAR)) = 1"
    " OR (l.birth_year // 100 = r.birth_year // 100 AND l.birth_year % 10 = (r.birth_year // 10) % 10"
    " AND (l.birth_year // 10) % 10 = r.birth_year % 10))"
)

BIRTH = Comparison(
    "date of birth",
    "l.birth_year IS NULL OR r.birth_year IS NULL",
    (
        Level("exact", f"{_FULL} AND {_SAME_Y} AND {_SAME_M} AND {_SAME_D}", "the same day", "birth_u"),
        Level(
            "swapped",
            f"{_FULL} AND {_SAME_Y} AND l.birth_day = r.birth_month AND l.birth_month = r.birth_day",
            "day and month stand in each other's place",
        ),
        Level("day differs", f"{_FULL} AND {_SAME_Y} AND {_SAME_M}", "the same year and month, another day"),
        Level("month differs", f"{_FULL} AND {_SAME_Y} AND {_SAME_D}", "the same year and day, another month"),
        Level(
            "year slip",
            f"{_FULL} AND {_SAME_M} AND {_SAME_D} AND {_YEAR_SLIP}",
            "the same day and month, the year one, ten or a hundred off, one digit wrong or two swapped",
        ),
        Level(
            "year and month",
            f"NOT ({_FULL}) AND {_SAME_Y} AND coalesce({_SAME_M}, false)",
            "the same year and month, the day not known",
        ),
        Level(
            "year only",
            f"{_SAME_Y} AND (l.birth_month IS NULL OR r.birth_month IS NULL OR {_NEW_YEAR.format('l')}"
            f" OR {_NEW_YEAR.format('r')})",
            "the same year, the rest not known, or 1 January on one side, which often stands for that",
        ),
        Level("year agrees", _SAME_Y, "the same year, another day and month", None, "differs", namesakes_reach=True),
        Level("different", "true", "different dates", None, "differs", namesakes_reach=True),
    ),
    role="birth",
)

PLACE = Comparison(
    "address",
    "l.unit IS NULL OR r.unit IS NULL",
    (
        Level(
            "same house", "l.unit = r.unit AND l.house = r.house", "the same postcode and house", "house_u", "agrees"
        ),
        Level(
            "same postcode", "l.unit = r.unit", "the same postcode, the house not known or another", "unit_u", "agrees"
        ),
        Level(
            "earlier postcode",
            "list_contains(r.other_units, l.unit) OR list_contains(l.other_units, r.unit)"
            " OR list_has_any(l.other_units, r.other_units)",
            "a former postcode of the one is a postcode of the other",
            "other_unit_u",
            "agrees",
        ),
        Level(
            "postcode slip",
            "length(l.unit) = length(r.unit) AND hamming(l.unit, r.unit) = 1",
            "one character of the postcode apart",
        ),
        Level("same sector", "l.unit[:-3] = r.unit[:-3]", "the same postcode sector"),
        Level("same district", "l.district = r.district", "the same postcode district"),
        Level("elsewhere", "true", "another district"),
    ),
    role="place",
)

GENDER = Comparison(
    "gender",
    "l.gender IS NULL OR r.gender IS NULL",
    (
        Level("same", "l.gender = r.gender", "the same"),
        Level("different", "true", "different"),
    ),
    role="gender",
)

# Modulus 11 catches every single wrong digit and every transposition, so two valid numbers are never a slip apart.
NUMBER = Comparison(
    "NHS number",
    "l.nhs IS NULL OR r.nhs IS NULL",
    (
        Level("same", "l.nhs = r.nhs", "the same number", stance="agrees"),
        Level("different", "true", "another valid number", stance="differs"),
    ),
    role="number",
)

COMPARISONS: tuple[Comparison, ...] = (GIVEN, FAMILY, BIRTH, PLACE, GENDER, NUMBER)
