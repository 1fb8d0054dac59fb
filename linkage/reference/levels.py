"""The levels of agreement, written a second time: plain Python over distinct pairs of values.

`linkage.comparison` says in SQL what a level is; this says it again from the meaning of each level, with other string
functions (jellyfish), so that a slip in either shows as a difference between the two. Nothing is shared with it but the
names of levels and the records of `linkage.clean`. Two rules run through it: the first level that holds is the one
reached, and what is not known (NaN, None) never holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jellyfish import jaro_winkler_similarity, levenshtein_distance

from linkage.comparison import COMPARISONS, Comparison
from linkage.reference.rules import (
    all_of,
    always,
    among,
    any_of,
    both,
    distinct,
    either,
    meet,
    negated,
    over_distinct,
    same,
)
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.reference.rules import Held, Rule

NOTHING = -1
"""Code of a comparison that says nothing: a code of its own, neither the best level nor the worst."""


@dataclass(frozen=True)
class Reference:
    """One comparison written again."""

    name: str
    columns: tuple[str, ...]
    """Of the records: all that its rules look at."""
    speaks: Rule
    """Where this does not hold the comparison says nothing."""
    levels: tuple[tuple[str, Rule], ...]

    def reached(self, left: pd.DataFrame, right: pd.DataFrame) -> NDArray[np.int8]:
        """Place of the first level that holds for each pair, or NOTHING."""
        found = np.full(len(left), NOTHING, np.int8)
        open_ = np.flatnonzero(self.speaks(left, right))
        for place, (_, rule) in enumerate(self.levels):
            held = rule(left.iloc[open_], right.iloc[open_])
            found[open_[held]] = place
            open_ = open_[~held]
        return found


def references(nicknames: frozenset[tuple[str, str]]) -> tuple[Reference, ...]:
    """Every standard comparison; `nicknames` holds pairs of names that are nicknames of one, both ways round."""
    form_or_slip = any_of(
        among("given", "other_givens"),
        among("given_root", "other_givens"),
        _slip_from_one_of("given", "other_givens"),
    )
    given = Reference(
        "given name",
        ("given", "given_root", "family", "other_givens"),
        both("given"),
        (
            ("exact", same("given")),
            ("nickname", distinct("given", lambda a, b: (a, b) in nicknames)),
            ("one slip", distinct("given", _one_slip)),
            ("swapped", _swapped),
            ("other name", either(form_or_slip)),
            ("initial", distinct("given", lambda a, b: a.startswith(b) or b.startswith(a))),
            ("half swapped", either(_half_swapped)),
            ("alike", distinct("given", _alike)),
            ("different", always),
        ),
    )
    family = Reference(
        "family name",
        ("given", "family", "other_families"),
        both("family"),
        (
            ("exact", same("family")),
            ("swapped", _swapped),
            ("other name", any_of(either(among("family", "other_families")), meet("other_families"))),
            ("one slip", distinct("family", _one_slip)),
            ("half swapped", either(_half_swapped)),
            ("alike", distinct("family", _alike)),
            ("different", always),
        ),
    )
    return (given, _MIDDLE, family, _BIRTH, _PLACE, _GENDER, _NUMBER, _OTHER_ID)


def require_known(comparisons: Sequence[Comparison], written: Sequence[Reference]) -> None:
    """Raise SettingsError where `comparisons` are not the standard ones, condition for condition."""
    known = {each.name: [name for name, _ in each.levels] for each in written}
    for comparison in comparisons:
        same_levels = known.get(comparison.name) == [level.name for level in comparison.levels]
        if comparison not in COMPARISONS or not same_levels:
            raise SettingsError(
                f"the recordlinkage engine does not know the comparison '{comparison.name}' with these levels: it holds"
                " the standard comparisons only; use --engine duckdb for a model that brings its own"
            )


# Names.


def _slip_from_one_of(value: str, others: str) -> Rule:
    def test(one: str, many: tuple[str, ...]) -> bool:
        return len(one) > 3 and any(jaro_winkler_similarity(one, other) >= 0.93 for other in many)

    return lambda left, right: over_distinct(left[value], right[others], test)


def _one_slip(a: str, b: str) -> bool:
    if min(len(a), len(b)) <= 2:
        return False
    if jaro_winkler_similarity(a, b) >= 0.93 or (max(len(a), len(b)) > 3 and levenshtein_distance(a, b) == 1):
        return True
    return len(a) < 7 and a[0] == b[0] and _neighbours_swapped(a, b)


def _neighbours_swapped(a: str, b: str) -> bool:
    """Two unlike neighbours stand in each other's place, and all else agrees."""
    if len(a) != len(b):
        return False
    wrong = [place for place, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    return len(wrong) == 2 and wrong[1] == wrong[0] + 1 and a[wrong[0]] == b[wrong[1]] and a[wrong[1]] == b[wrong[0]]


def _alike(a: str, b: str) -> bool:
    slips = 2 if max(len(a), len(b)) > 4 else 1
    return jaro_winkler_similarity(a, b) >= 0.82 or (min(len(a), len(b)) > 2 and levenshtein_distance(a, b) <= slips)


def _crosswise(test: Callable[[str, str], bool]) -> Rule:
    """The left's given name and the right's family name."""
    return lambda left, right: over_distinct(left["given"], right["family"], test)


def _swapped(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """Each name stands in the other's place: the one exactly and the other nearly so, or both with a slip."""
    exactly = _crosswise(lambda a, b: a == b)
    nearly = _crosswise(_alike)
    with_a_slip = _crosswise(lambda a, b: jaro_winkler_similarity(a, b) >= 0.88)
    one_exact = either(lambda one, two: exactly(one, two) & nearly(two, one))(left, right)
    held: Held = one_exact | with_a_slip(left, right) & with_a_slip(right, left)
    return held


_half_swapped = _crosswise(lambda a, b: len(a) > 3 and a == b)


# Middle names.


def _fitting_initial(a: str, b: str) -> bool:
    return 1 in (len(a), len(b)) and a[0] == b[0]


def _nearly(a: str, b: str) -> bool:
    return a[0] == b[0] and (jaro_winkler_similarity(a, b) >= 0.93 or levenshtein_distance(a, b) == 1)


def _stands_as(column: str) -> Rule:
    """The left's middle name is the right's value in `column`."""
    return lambda left, right: over_distinct(left["middle"], right[column], lambda a, b: a == b)


_MIDDLE = Reference(
    "middle name",
    ("middle", "given", "given_root", "other_givens"),
    all_of(both("middle"), negated(either(any_of(_stands_as("given"), _stands_as("given_root"))))),
    (
        ("same", distinct("middle", lambda a, b: a == b and len(a) > 1)),
        ("initial", distinct("middle", _fitting_initial)),
        ("other name", either(among("middle", "other_givens"))),
        ("one slip", distinct("middle", _nearly)),
        ("different", always),
    ),
)


# Dates of birth, by their parts.


def _crossed(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    day_is_month = left["birth_day"].to_numpy() == right["birth_month"].to_numpy()
    held: Held = day_is_month & (left["birth_month"].to_numpy() == right["birth_day"].to_numpy())
    return held


def _year_slip(a: float, b: float) -> bool:
    one, two = f"{a:.0f}", f"{b:.0f}"
    decade_and_year_swapped = one[:-2] == two[:-2] and one[-2:] == two[-2:][::-1]
    return abs(a - b) in (1, 10, 100) or levenshtein_distance(one, two) == 1 or decade_and_year_swapped


def _rest_not_known(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    def vague(record: pd.DataFrame) -> Held:
        new_year = (record["birth_month"] == 1) & (record["birth_day"] == 1)
        return (record["birth_month"].isna() | new_year).to_numpy(bool)

    return vague(left) | vague(right)


_FULL = both("birth_day")
_YEAR, _MONTH, _DAY = (same(f"birth_{part}") for part in ("year", "month", "day"))

_BIRTH = Reference(
    "date of birth",
    ("birth_year", "birth_month", "birth_day"),
    both("birth_year"),
    (
        ("exact", all_of(_YEAR, _MONTH, _DAY)),
        ("swapped", all_of(_FULL, _YEAR, _crossed)),
        ("day differs", all_of(_FULL, _YEAR, _MONTH)),
        ("month differs", all_of(_YEAR, _DAY)),
        ("year slip", all_of(_MONTH, _DAY, distinct("birth_year", _year_slip))),
        # Both days known and the month the same was "day differs".
        ("year and month", all_of(_YEAR, _MONTH)),
        ("year only", all_of(_YEAR, _rest_not_known)),
        ("year agrees", _YEAR),
        ("different", always),
    ),
)


# Places, genders, numbers.


def _sector(postcode: str) -> str:
    outward, _, inward = postcode.partition(" ")
    return f"{outward} {inward[:1]}"


def _one_character_apart(a: str, b: str) -> bool:
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _alike_places(a: str, b: str) -> bool:
    return a == b or jaro_winkler_similarity(a, b) >= 0.92


_BOTH_UNITS = both("unit")
_STREET = distinct("street", _alike_places)
_TOWN = distinct("town", _alike_places)

_PLACE = Reference(
    "address",
    ("unit", "house", "street", "town", "district", "other_units"),
    any_of(_BOTH_UNITS, both("street")),
    (
        ("same house", same("unit", "house")),
        ("same postcode", same("unit")),
        ("earlier postcode", any_of(either(among("unit", "other_units")), meet("other_units"))),
        ("same street and house", all_of(same("house"), _STREET, any_of(same("district"), negated(_BOTH_UNITS)))),
        ("postcode slip", distinct("unit", _one_character_apart)),
        ("same sector", distinct("unit", lambda a, b: _sector(a) == _sector(b))),
        ("same street", all_of(negated(_BOTH_UNITS), _STREET)),
        ("same district", any_of(same("district"), all_of(negated(_BOTH_UNITS), _TOWN))),
        ("elsewhere", always),
    ),
)

_GENDER = Reference("gender", ("gender",), both("gender"), (("same", same("gender")), ("different", always)))


def _refused_slip(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """The left's number was refused as it was entered, and is one slip from the right's."""

    def one_slip(entered: str, number: float) -> bool:
        valid = f"{number:010.0f}"
        return levenshtein_distance(entered, valid) == 1 or _neighbours_swapped(entered, valid)

    refused = left["nhs"].isna().to_numpy(bool)
    return refused & over_distinct(left["nhs_entered"], right["nhs"], one_slip)


_FORMER = either(among("nhs", "former_nhs"))
_NEAR = either(_refused_slip)

_NUMBER = Reference(
    "NHS number",
    ("nhs", "former_nhs", "nhs_entered"),
    any_of(both("nhs"), _FORMER, _NEAR),
    (("same", same("nhs")), ("superseded", _FORMER), ("near", _NEAR), ("different", always)),
)

_OTHER_ID = Reference(
    "other identifier",
    ("ids", "schemes"),
    meet("schemes"),
    (("same", meet("ids")), ("different", always)),
)
