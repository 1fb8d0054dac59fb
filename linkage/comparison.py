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


# Two names are mostly nothing like each other, and measuring how much costs more than all the rest. Letters that only
# one of them has are counted in an instant, and bound what any measure can reach: such a letter matches nothing, so
# with x of them in names no longer than n, Jaro is at most 1 - x / 3n and Levenshtein at least x / 2. Jaro-Winkler adds
# at most 0.4 of what is missing to 1, and only where the first letters agree. So the bounds decide nothing themselves.
_UNSHARED = "bit_count(xor({a}_letters, {b}_letters))"
_LONGER = "greatest(length({a}), length({b}))"
# Levenshtein counts a transposition as two, and Jaro-Winkler is kind to those but in short names: it takes all three.
_ONE_SLIP = (
    "(length({a}) > 2 AND length({b}) > 2"
    f" AND {_UNSHARED} <= greatest(2, 7 * {_LONGER} // 20)"
    " AND (jaro_winkler_similarity({a}, {b}) >= 0.93"
    f" OR ({_LONGER} > 3 AND levenshtein({{a}}, {{b}}) = 1)"
    " OR (length({a}) = length({b}) AND length({a}) < 7 AND {a}[1] = {b}[1]"
    " AND damerau_levenshtein({a}, {b}) = 1 AND levenshtein({a}, {b}) = 2)))"
)
_ALIKE = (
    f"({_UNSHARED} <= greatest(4, 9 * {_LONGER} // 10)"
    f" AND ({{a}}[1] = {{b}}[1] OR {_UNSHARED} <= greatest(4, 27 * {_LONGER} // 50))"
    " AND (jaro_winkler_similarity({a}, {b}) >= 0.82 OR (length({a}) > 2 AND length({b}) > 2"
    f" AND levenshtein({{a}}, {{b}}) <= CASE WHEN {_LONGER} > 4 THEN 2 ELSE 1 END)))"
)
_ANY_SLIP = (
    "({others} IS NOT NULL AND length({one}) > 3"
    " AND len(list_filter({others}, lambda x: jaro_winkler_similarity(x, {one}) >= 0.93)) > 0)"
)
_CROSSWISE = f"({_UNSHARED} <= 3 * {_LONGER} // 5 AND jaro_winkler_similarity({{a}}, {{b}}) >= 0.88)"
_SWAPPED = (
    f"(l.given = r.family AND {_ALIKE.format(a='r.given', b='l.family')}"
    f" OR r.given = l.family AND {_ALIKE.format(a='l.given', b='r.family')}"
    f" OR {_CROSSWISE.format(a='l.given', b='r.family')} AND {_CROSSWISE.format(a='r.given', b='l.family')})"
)
_HALF_SWAPPED = "(length(l.given) > 3 AND l.given = r.family OR length(r.given) > 3 AND r.given = l.family)"

GIVEN = Comparison(
    "given name",
    "l.given IS NULL OR r.given IS NULL",
    (
        Level("exact", "l.given = r.given", "the same first given name", "given_u", "agrees"),
        Level(
            "nickname",
            "n.a IS NOT NULL",  # from a join with table `nickname`
            "nicknames of one name",
            "nickname_u",
            "agrees",
        ),
        Level(
            "one slip",
            _ONE_SLIP.format(a="l.given", b="r.given"),
            "one letter or a transposition apart",
            at_least="given_u",
        ),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_givens, l.given) OR list_contains(r.other_givens, l.given_root)"
            " OR list_contains(l.other_givens, r.given) OR list_contains(l.other_givens, r.given_root)"
            f" OR {_ANY_SLIP.format(one='l.given', others='r.other_givens')}"
            f" OR {_ANY_SLIP.format(one='r.given', others='l.other_givens')}",
            "one's first given name is another given name of the other, or a form of it, or one slip from it",
            at_least="given_u",
        ),
        Level(
            "initial",
            "starts_with(l.given, r.given) OR starts_with(r.given, l.given)",
            "an initial, or the beginning of a name, that fits",
            at_least="given_u",
        ),
        Level("half swapped", _HALF_SWAPPED, "one of the names stands in the other's place, the other is another"),
        Level("alike", _ALIKE.format(a="l.given", b="r.given"), "alike, more than one slip apart", at_least="given_u"),
        Level("different", "true", "different given names", stance="differs", namesakes_reach=True),
    ),
    role="given",
)

# Then the given names have reached "other name", which weighs it.
_EXCHANGED = "(l.middle = r.given OR r.middle = l.given OR l.middle = r.given_root OR r.middle = l.given_root)"
_FIT = "l.middle[1] = r.middle[1]"

MIDDLE = Comparison(
    "middle name",
    f"l.middle IS NULL OR r.middle IS NULL OR {_EXCHANGED}",
    (
        Level("same", "l.middle = r.middle AND length(l.middle) > 1", "the same first middle name", "middle_u"),
        Level("initial", f"{_FIT} AND (length(l.middle) = 1 OR length(r.middle) = 1)", "an initial that fits"),
        Level(
            "other name",
            "list_contains(r.other_givens, l.middle) OR list_contains(l.other_givens, r.middle)",
            "one's first middle name is another name of the other, or a form of it",
        ),
        Level(
            "one slip",
            f"{_FIT} AND (jaro_winkler_similarity(l.middle, r.middle) >= 0.93 OR levenshtein(l.middle, r.middle) = 1)",
            "one letter or a transposition apart, the first letter the same",
        ),
        Level("different", "true", "different middle names", namesakes_reach=True),
    ),
    role="middle",
)

FAMILY = Comparison(
    "family name",
    "l.family IS NULL OR r.family IS NULL",
    (
        Level("exact", "l.family = r.family", "the same family name", "family_u", "agrees"),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_families, l.family) OR list_contains(l.other_families, r.family)"
            " OR list_has_any(l.other_families, r.other_families)",
            "the same as a previous name, or one part of a double-barrelled name",
            "other_family_u",
            "agrees",
        ),
        Level(
            "one slip",
            _ONE_SLIP.format(a="l.family", b="r.family"),
            "one letter or a transposition apart",
            None,
            "agrees",
            "family_near_u",
        ),
        Level("half swapped", _HALF_SWAPPED, "one of the names stands in the other's place, the other is another"),
        Level(
            "alike",
            _ALIKE.format(a="l.family", b="r.family"),
            "alike, more than one slip apart",
            at_least="family_near_u",
        ),
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

_WHOLE, _IN_PART = "whole dates", "dates known in part"

BIRTH = Comparison(
    "date of birth",
    "l.birth_year IS NULL OR r.birth_year IS NULL",
    (
        Level(
            "exact",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_M} AND {_SAME_D}",
            "the same day",
            "birth_u",
            "agrees",
            among=_WHOLE,
        ),
        Level(
            "swapped",
            f"{_FULL} AND {_SAME_Y} AND l.birth_day = r.birth_month AND l.birth_month = r.birth_day",
            "day and month stand in each other's place",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "day differs",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_M}",
            "the same year and month, another day",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "month differs",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_D}",
            "the same year and day, another month",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "year slip",
            f"{_FULL} AND {_SAME_M} AND {_SAME_D} AND {_YEAR_SLIP}",
            "the same day and month, the year one, ten or a hundred off, one digit wrong or two swapped",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "year and month",
            f"NOT ({_FULL}) AND {_SAME_Y} AND coalesce({_SAME_M}, false)",
            "the same year and month, the day not known",
            among=_IN_PART,
        ),
        Level(
            "year only",
            f"{_SAME_Y} AND (l.birth_month IS NULL OR r.birth_month IS NULL OR {_NEW_YEAR.format('l')}"
            f" OR {_NEW_YEAR.format('r')})",
            "the same year, the rest not known, or 1 January on one side, which often stands for that",
            "year_u",
            among=_IN_PART,
        ),
        Level("year agrees", _SAME_Y, "the same year, another day and month", None, "differs", "birth_u", True),
        Level("different", "true", "different dates", None, "differs", namesakes_reach=True),
    ),
    role="birth",
)

_BOTH_UNITS = "(l.unit IS NOT NULL AND r.unit IS NOT NULL)"
_SAME_STREET = "(l.street = r.street OR jaro_winkler_similarity(l.street, r.street) >= 0.92)"

PLACE = Comparison(
    "address",
    f"NOT {_BOTH_UNITS} AND (l.street IS NULL OR r.street IS NULL)",
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
            "same street and house",
            f"l.house = r.house AND {_SAME_STREET} AND (l.district = r.district OR NOT {_BOTH_UNITS})",
            "the same house number and street, the postcode not known or another of the same district",
            stance="agrees",
        ),
        Level(
            "postcode slip",
            "length(l.unit) = length(r.unit) AND hamming(l.unit, r.unit) = 1",
            "one character of the postcode apart",
            at_least="unit_u",
        ),
        Level("same sector", "l.unit[:-3] = r.unit[:-3]", "the same postcode sector", at_least="unit_u"),
        Level("same street", f"NOT {_BOTH_UNITS} AND {_SAME_STREET}", "the same street, the postcode not known"),
        Level(
            "same district",
            f"l.district = r.district OR NOT {_BOTH_UNITS} AND jaro_winkler_similarity(l.town, r.town) >= 0.92",
            "the same postcode district, or a town of like name where that is not known",
        ),
        Level("elsewhere", "true", "another district or town"),
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

_BOTH_NUMBERS = "(l.nhs IS NOT NULL AND r.nhs IS NOT NULL)"
_FORMER = "(list_contains(r.former_nhs, l.nhs) OR list_contains(l.former_nhs, r.nhs))"
# Modulus 11 catches every single wrong digit and every transposition, so two valid numbers are never a slip apart: a
# slip shows as a number that was entered and refused.
_NEAR = (
    "(CASE WHEN l.nhs IS NULL AND l.nhs_entered IS NOT NULL"
    " THEN damerau_levenshtein(l.nhs_entered, lpad(CAST(r.nhs AS VARCHAR), 10, '0')) = 1"
    " WHEN r.nhs IS NULL AND r.nhs_entered IS NOT NULL"
    " THEN damerau_levenshtein(r.nhs_entered, lpad(CAST(l.nhs AS VARCHAR), 10, '0')) = 1 END)"
)

NUMBER = Comparison(
    "NHS number",
    f"NOT {_BOTH_NUMBERS} AND NOT coalesce({_FORMER} OR {_NEAR}, false)",
    (
        Level("same", "l.nhs = r.nhs", "the same number", stance="agrees"),
        Level("superseded", _FORMER, "one's number is a number that the other had before", stance="agrees"),
        Level("near", _NEAR, "a number as entered, which cannot be one, is one slip from the other's"),
        Level("different", "true", "another valid number", stance="differs"),
    ),
    role="number",
)

OTHER_ID = Comparison(
    "other identifier",
    "l.schemes IS NULL OR r.schemes IS NULL OR NOT list_has_any(l.schemes, r.schemes)",
    (
        Level(
            "same", "list_has_any(l.ids, r.ids)", "the same id of another system, such as a national insurance number"
        ),
        Level("different", "true", "another id of one system"),
    ),
    role="other id",
)

COMPARISONS: tuple[Comparison, ...] = (GIVEN, MIDDLE, FAMILY, BIRTH, PLACE, GENDER, NUMBER, OTHER_ID)
