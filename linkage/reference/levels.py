"""The levels of agreement, written a second time: plain Python over distinct pairs of values.

`linkage.comparison` says in SQL what a level is; this says it again from the meaning of each level, with other string
functions (jellyfish), so that a slip in either shows as a difference between the two. Nothing is shared with it but the
names of levels and the records of `linkage.clean`. Two rules run through it: the first level that holds is the one
reached, and what is not known (NaN, None) never holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jellyfish import jaro_winkler_similarity, levenshtein_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.comparison import Comparison

    Held = NDArray[np.bool_]
    Rule = Callable[[pd.DataFrame, pd.DataFrame], Held]
    """What holds for each pair, given its client's record and its register's, row by row."""

from schemas.errors import SettingsError

NOTHING = -1
"""Code of a comparison that says nothing: a code of its own, neither the best level nor the worst."""


@dataclass(frozen=True)
class Reference:
    """One comparison written again."""

    name: str
    columns: tuple[str, ...]
    """Of the records: all that its rules look at."""
    needed: str
    """Where this is not known on both sides the comparison says nothing."""
    levels: tuple[tuple[str, Rule], ...]

    def reached(self, left: pd.DataFrame, right: pd.DataFrame) -> NDArray[np.int8]:
        """Place of the first level that holds for each pair, or NOTHING."""
        known = left[self.needed].notna().to_numpy(bool) & right[self.needed].notna().to_numpy(bool)
        found = np.full(len(left), NOTHING, np.int8)
        open_ = np.flatnonzero(known)
        for place, (_, rule) in enumerate(self.levels):
            held = rule(left.iloc[open_], right.iloc[open_])
            found[open_[held]] = place
            open_ = open_[~held]
        return found


def references(nicknames: frozenset[tuple[str, str]]) -> tuple[Reference, ...]:
    """Every standard comparison; `nicknames` holds pairs of names that are nicknames of one, both ways round."""
    names = ("given", "family")
    given = Reference(
        "given name",
        (*names, "other_givens"),
        "given",
        (
            ("exact", _same("given")),
            ("nickname", _distinct("given", lambda a, b: (a, b) in nicknames)),
            ("one slip", _distinct("given", _one_slip)),
            ("swapped", _swapped),
            ("other name", _either(_among("given", "other_givens"))),
            ("initial", _distinct("given", lambda a, b: a.startswith(b) or b.startswith(a))),
            ("alike", _distinct("given", _alike)),
            ("different", _always),
        ),
    )
    family = Reference(
        "family name",
        (*names, "other_families"),
        "family",
        (
            ("exact", _same("family")),
            ("swapped", _swapped),
            ("other name", _any_of(_either(_among("family", "other_families")), _meet("other_families"))),
            ("one slip", _distinct("family", _one_slip)),
            ("alike", _distinct("family", _alike)),
            ("different", _always),
        ),
    )
    return (given, family, _BIRTH, _PLACE, _GENDER, _NUMBER)


def require_same_levels(comparisons: Sequence[Comparison], written: Sequence[Reference]) -> None:
    """Raise SettingsError where `comparisons` are not the ones written again here, level for level."""
    known = {each.name: [name for name, _ in each.levels] for each in written}
    for comparison in comparisons:
        if known.get(comparison.name) != [level.name for level in comparison.levels]:
            raise SettingsError(
                f"the recordlinkage engine does not know the comparison '{comparison.name}' with these levels: it holds"
                " the standard comparisons only; use --engine duckdb for a model that brings its own"
            )


# Rules over whole columns.


def _always(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    return np.ones(len(left), bool)


def _same(*columns: str) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held = np.ones(len(left), bool)
        for column in columns:
            known = left[column].notna().to_numpy(bool) & right[column].notna().to_numpy(bool)
            held &= known & (left[column].to_numpy() == right[column].to_numpy())
        return held

    return rule


def _any_of(*rules: Rule) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        return np.logical_or.reduce([each(left, right) for each in rules])

    return rule


def _all_of(*rules: Rule) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        return np.logical_and.reduce([each(left, right) for each in rules])

    return rule


def _either(one_way: Rule) -> Rule:
    """It holds one way round or the other."""
    return _any_of(one_way, lambda left, right: one_way(right, left))


# Rules over distinct pairs of values, each tested once however many pairs of records have them.


def _over_distinct(left: pd.Series[Any], right: pd.Series[Any], test: Callable[[Any, Any], bool]) -> Held:
    held = np.zeros(len(left), bool)
    known = np.flatnonzero(left.notna().to_numpy(bool) & right.notna().to_numpy(bool))
    if len(known):
        a, a_values = pd.factorize(left.iloc[known])
        b, b_values = pd.factorize(right.iloc[known])
        distinct, back = np.unique(a * len(b_values) + b, return_inverse=True)
        answers = (test(a_values[code // len(b_values)], b_values[code % len(b_values)]) for code in distinct)
        held[known] = np.fromiter(answers, bool, len(distinct))[back]
    return held


def _distinct(column: str, test: Callable[[Any, Any], bool]) -> Rule:
    return lambda left, right: _over_distinct(left[column], right[column], test)


def _among(value: str, others: str) -> Rule:
    """The left's value is one of the right's others."""
    return lambda left, right: _over_distinct(left[value], right[others], lambda one, many: one in many)


def _meet(others: str) -> Rule:
    return lambda left, right: _over_distinct(
        left[others], right[others], lambda one, two: not set(one).isdisjoint(two)
    )


def _one_slip(a: str, b: str) -> bool:
    if min(len(a), len(b)) <= 2:
        return False
    return jaro_winkler_similarity(a, b) >= 0.93 or (len(a) > 3 and levenshtein_distance(a, b) == 1)


def _alike(a: str, b: str) -> bool:
    return jaro_winkler_similarity(a, b) >= 0.82


def _swapped(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """One name stands exactly in the other's place, and the other nearly so."""

    def one_way(a: pd.DataFrame, b: pd.DataFrame) -> Held:
        crossed = a["given"].notna().to_numpy(bool) & (a["given"].to_numpy() == b["family"].to_numpy())
        return crossed & _over_distinct(b["given"], a["family"], _alike)

    return _either(one_way)(left, right)


# Dates of birth, by their parts.


def _full(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    return left["birth_day"].notna().to_numpy(bool) & right["birth_day"].notna().to_numpy(bool)


def _crossed(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    day_is_month = left["birth_day"].to_numpy() == right["birth_month"].to_numpy()
    return day_is_month & (left["birth_month"].to_numpy() == right["birth_day"].to_numpy())


def _year_slip(a: float, b: float) -> bool:
    one, two = f"{a:.0f}", f"{b:.0f}"
    decade_and_year_swapped = one[:-2] == two[:-2] and one[-2:] == two[-2:][::-1]
    return abs(a - b) in (1, 10, 100) or levenshtein_distance(one, two) == 1 or decade_and_year_swapped


def _rest_not_known(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    def vague(record: pd.DataFrame) -> Held:
        new_year = (record["birth_month"] == 1) & (record["birth_day"] == 1)
        return (record["birth_month"].isna() | new_year).to_numpy(bool)

    return vague(left) | vague(right)


_YEAR, _MONTH, _DAY = (_same(f"birth_{part}") for part in ("year", "month", "day"))

_BIRTH = Reference(
    "date of birth",
    ("birth_year", "birth_month", "birth_day"),
    "birth_year",
    (
        ("exact", _all_of(_YEAR, _MONTH, _DAY)),
        ("swapped", _all_of(_full, _YEAR, _crossed)),
        ("day differs", _all_of(_full, _YEAR, _MONTH)),
        ("month differs", _all_of(_YEAR, _DAY)),
        ("year slip", _all_of(_MONTH, _DAY, _distinct("birth_year", _year_slip))),
        # Both days known and the month the same was "day differs".
        ("year and month", _all_of(_YEAR, _MONTH)),
        ("year only", _all_of(_YEAR, _rest_not_known)),
        ("year agrees", _YEAR),
        ("different", _always),
    ),
)


# Places, genders, numbers.


def _sector(postcode: str) -> str:
    outward, _, inward = postcode.partition(" ")
    return f"{outward} {inward[:1]}"


def _one_character_apart(a: str, b: str) -> bool:
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


_PLACE = Reference(
    "address",
    ("unit", "house", "district", "other_units"),
    "unit",
    (
        ("same house", _same("unit", "house")),
        ("same postcode", _same("unit")),
        ("earlier postcode", _any_of(_either(_among("unit", "other_units")), _meet("other_units"))),
        ("postcode slip", _distinct("unit", _one_character_apart)),
        ("same sector", _distinct("unit", lambda a, b: _sector(a) == _sector(b))),
        ("same district", _same("district")),
        ("elsewhere", _always),
    ),
)

_GENDER = Reference("gender", ("gender",), "gender", (("same", _same("gender")), ("different", _always)))

_NUMBER = Reference("NHS number", ("nhs",), "nhs", (("same", _same("nhs")), ("different", _always)))
