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

from linkage.comparison import COMPARISONS, Comparison
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Held = NDArray[np.bool_]
    Rule = Callable[[pd.DataFrame, pd.DataFrame], Held]
    """What holds for each pair, given its client's record and its register's, row by row."""

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
    form_or_slip = _any_of(
        _among("given", "other_givens"),
        _among("given_root", "other_givens"),
        _slip_from_one_of("given", "other_givens"),
    )
    given = Reference(
        "given name",
        ("given", "given_root", "family", "other_givens"),
        _both("given"),
        (
            ("exact", _same("given")),
            ("nickname", _distinct("given", lambda a, b: (a, b) in nicknames)),
            ("one slip", _distinct("given", _one_slip)),
            ("swapped", _swapped),
            ("other name", _either(form_or_slip)),
            ("initial", _distinct("given", lambda a, b: a.startswith(b) or b.startswith(a))),
            ("half swapped", _either(_half_swapped)),
            ("alike", _distinct("given", _alike)),
            ("different", _always),
        ),
    )
    family = Reference(
        "family name",
        ("given", "family", "other_families"),
        _both("family"),
        (
            ("exact", _same("family")),
            ("swapped", _swapped),
            ("other name", _any_of(_either(_among("family", "other_families")), _meet("other_families"))),
            ("one slip", _distinct("family", _one_slip)),
            ("half swapped", _either(_half_swapped)),
            ("alike", _distinct("family", _alike)),
            ("different", _always),
        ),
    )
    return (given, family, _BIRTH, _PLACE, _GENDER, _NUMBER, _OTHER_ID)


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


# Rules over whole columns.


def _always(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    return np.ones(len(left), bool)


def _both(column: str) -> Rule:
    """Both know it."""
    return lambda left, right: left[column].notna().to_numpy(bool) & right[column].notna().to_numpy(bool)


def _same(*columns: str) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held = np.ones(len(left), bool)
        for column in columns:
            held &= _both(column)(left, right) & (left[column].to_numpy() == right[column].to_numpy())
        return held

    return rule


def _any_of(*rules: Rule) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held: Held = np.logical_or.reduce([each(left, right) for each in rules])
        return held

    return rule


def _all_of(*rules: Rule) -> Rule:
    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held: Held = np.logical_and.reduce([each(left, right) for each in rules])
        return held

    return rule


def _not(other: Rule) -> Rule:
    return lambda left, right: ~other(left, right)


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


def _slip_from_one_of(value: str, others: str) -> Rule:
    def test(one: str, many: tuple[str, ...]) -> bool:
        return len(one) > 3 and any(jaro_winkler_similarity(one, other) >= 0.93 for other in many)

    return lambda left, right: _over_distinct(left[value], right[others], test)


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
    return lambda left, right: _over_distinct(left["given"], right["family"], test)


def _swapped(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """Each name stands in the other's place: the one exactly and the other nearly so, or both with a slip."""
    exactly = _crosswise(lambda a, b: a == b)
    nearly = _crosswise(_alike)
    with_a_slip = _crosswise(lambda a, b: jaro_winkler_similarity(a, b) >= 0.88)
    one_exact = _either(lambda one, two: exactly(one, two) & nearly(two, one))(left, right)
    held: Held = one_exact | with_a_slip(left, right) & with_a_slip(right, left)
    return held


_half_swapped = _crosswise(lambda a, b: len(a) > 3 and a == b)


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


_FULL = _both("birth_day")
_YEAR, _MONTH, _DAY = (_same(f"birth_{part}") for part in ("year", "month", "day"))

_BIRTH = Reference(
    "date of birth",
    ("birth_year", "birth_month", "birth_day"),
    _both("birth_year"),
    (
        ("exact", _all_of(_YEAR, _MONTH, _DAY)),
        ("swapped", _all_of(_FULL, _YEAR, _crossed)),
        ("day differs", _all_of(_FULL, _YEAR, _MONTH)),
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


def _alike_places(a: str, b: str) -> bool:
    return a == b or jaro_winkler_similarity(a, b) >= 0.92


_BOTH_UNITS = _both("unit")
_STREET = _distinct("street", _alike_places)
_TOWN = _distinct("town", _alike_places)

_PLACE = Reference(
    "address",
    ("unit", "house", "street", "town", "district", "other_units"),
    _any_of(_BOTH_UNITS, _both("street")),
    (
        ("same house", _same("unit", "house")),
        ("same postcode", _same("unit")),
        ("earlier postcode", _any_of(_either(_among("unit", "other_units")), _meet("other_units"))),
        ("same street and house", _all_of(_same("house"), _STREET, _any_of(_same("district"), _not(_BOTH_UNITS)))),
        ("postcode slip", _distinct("unit", _one_character_apart)),
        ("same sector", _distinct("unit", lambda a, b: _sector(a) == _sector(b))),
        ("same street", _all_of(_not(_BOTH_UNITS), _STREET)),
        ("same district", _any_of(_same("district"), _all_of(_not(_BOTH_UNITS), _TOWN))),
        ("elsewhere", _always),
    ),
)

_GENDER = Reference("gender", ("gender",), _both("gender"), (("same", _same("gender")), ("different", _always)))


def _refused_slip(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """The left's number was refused as it was entered, and is one slip from the right's."""

    def one_slip(entered: str, number: float) -> bool:
        valid = f"{number:010.0f}"
        return levenshtein_distance(entered, valid) == 1 or _neighbours_swapped(entered, valid)

    refused = left["nhs"].isna().to_numpy(bool)
    return refused & _over_distinct(left["nhs_entered"], right["nhs"], one_slip)


_FORMER = _either(_among("nhs", "former_nhs"))
_NEAR = _either(_refused_slip)

_NUMBER = Reference(
    "NHS number",
    ("nhs", "former_nhs", "nhs_entered"),
    _any_of(_both("nhs"), _FORMER, _NEAR),
    (("same", _same("nhs")), ("superseded", _FORMER), ("near", _NEAR), ("different", _always)),
)

_OTHER_ID = Reference(
    "other identifier",
    ("ids", "schemes"),
    _meet("schemes"),
    (("same", _meet("ids")), ("different", _always)),
)
