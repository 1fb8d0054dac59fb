"""The levels of agreement in Python: for every level of `linkage.comparison` a function over a client's candidates.

Each gives, for all candidates at once, whether the level's condition holds; the first level that holds is the one
reached. The functions are found by the names of comparison and level, and importing this module fails where a declared
level has none. That both forms say the same is tested on one table and on made-up pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from linkage.comparison import COMPARISONS, Comparison
from linkage.lookup.columns import Array
from linkage.lookup.names import are_nicknames, root
from linkage.lookup.pairs import Mask, Pairs, is_any
from linkage.lookup.register import NO_TEXT
from linkage.lookup.texts import pack

Test: TypeAlias = Callable[[Pairs], Mask]

_LEVELS: dict[tuple[str, str], Test] = {}
_UNKNOWN: dict[str, Test] = {}


def _level(comparison: str, *names: str) -> Callable[[Test], Test]:
    def keep(test: Test) -> Test:
        for name in names:
            _LEVELS[comparison, name] = test
        return test

    return keep


def _unknown(comparison: str) -> Callable[[Test], Test]:
    def keep(test: Test) -> Test:
        _UNKNOWN[comparison] = test
        return test

    return keep


def reached(comparison: Comparison, pairs: Pairs) -> Array:
    """The index of the level that each candidate reaches, -1 where the comparison says nothing."""
    open_ = ~_UNKNOWN[comparison.name](pairs)
    found = np.full(len(pairs), -1, np.int8)
    for index, level in enumerate(comparison.levels):
        if not open_.any():
            break
        holds = _LEVELS[comparison.name, level.name](pairs) & open_
        found[holds] = index
        open_ &= ~holds
    return found


# DuckDB and jellyfish may differ in the last bit of a similarity, which matters where it is a threshold exactly.
_LAST_BIT = 1e-9


def similar(a: str, b: str, threshold: float) -> bool:
    """Whether the Jaro-Winkler similarity of two names reaches `threshold`."""
    import jellyfish

    return jellyfish.jaro_winkler_similarity(a, b) >= threshold - _LAST_BIT


def one_slip(a: str, b: str) -> bool:
    """One letter or a transposition apart; `a` is the client's, whose length counts."""
    import jellyfish

    if len(a) <= 2 or len(b) <= 2:
        return False
    if similar(a, b, 0.93):
        return True
    letters = jellyfish.levenshtein_distance(a, b)
    if len(a) > 3 and letters == 1:
        return True
    transposed = len(a) == len(b) < 7 and a[0] == b[0] and letters == 2
    return transposed and jellyfish.damerau_levenshtein_distance(a, b) == 1


def alike(a: str, b: str) -> bool:
    """Alike, more than one slip apart."""
    import jellyfish

    if similar(a, b, 0.82):
        return True
    most = 2 if max(len(a), len(b)) > 4 else 1
    return len(a) > 2 and len(b) > 2 and jellyfish.levenshtein_distance(a, b) <= most


def _everyone(p: Pairs) -> Mask:
    return np.ones(len(p), bool)


for _each in COMPARISONS:
    if _each.levels[-1].condition == "true":
        _LEVELS[_each.name, _each.levels[-1].name] = _everyone


def _is(column: Array, value: object) -> Mask:
    same: Mask = column == value
    return same


def _is_known(column: Array) -> Mask:
    """Of columns that are not texts."""
    known: Mask = column > 0
    return known


# --- given name -------------------------------------------------------------------------------------------------------


@_unknown("given name")
def _no_given(p: Pairs) -> Mask:
    return _is(p["given"], NO_TEXT) | (p.client.given is None)


@_level("given name", "exact")
def _same_given(p: Pairs) -> Mask:
    return _is(p["given"], p.given_code)


@_level("given name", "nickname")
def _nickname(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, are_nicknames)


@_level("given name", "one slip")
def _given_slip(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, one_slip)


@_level("given name", "swapped")
@_level("family name", "swapped")
def _swapped(p: Pairs) -> Mask:
    given, family = p.client.given, p.client.family
    there = _is(p["family"], p.given_code) & p.each_with(p["given"], family, alike)
    here = _is(p["given"], p.family_code) & p.each_with(p["family"], given, alike)
    return there | here | p.each_with(p["family"], given, _crossed) & p.each_with(p["given"], family, _crossed)


def _crossed(a: str, b: str) -> bool:
    return similar(a, b, 0.88)


@_level("given name", "half swapped")
@_level("family name", "half swapped")
def _half_swapped(p: Pairs) -> Mask:
    there = _is(p["family"], p.given_code) & (len(p.client.given or "") > 3)
    return there | _is(p["given"], p.family_code) & p.each(p["given"], lambda name: len(name) > 3)


@_level("given name", "other name")
def _other_given(p: Pairs) -> Mask:
    given, others = p.client.given, frozenset(p.client.other_givens)
    values, owner = p.listed("other_givens")
    ours = p.codes([given, p.client.given_root])
    near = p.each_with(values, given if given and len(given) > 3 else None, _near)
    theirs = p.each(p["given"], lambda name: name in others or root(name) in others or _any_near(name, others))
    return theirs | p.of_owners(owner[is_any(values, ours) | near])


def _near(a: str, b: str) -> bool:
    return similar(a, b, 0.93)


def _any_near(name: str, others: Iterable[str]) -> bool:
    return len(name) > 3 and any(_near(name, other) for other in others)


@_level("given name", "initial")
def _initial(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, lambda a, b: a.startswith(b) or b.startswith(a))


@_level("given name", "alike")
def _given_alike(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, alike)


# --- family name ------------------------------------------------------------------------------------------------------


@_unknown("family name")
def _no_family(p: Pairs) -> Mask:
    return _is(p["family"], NO_TEXT) | (p.client.family is None)


@_level("family name", "exact")
def _same_family(p: Pairs) -> Mask:
    return _is(p["family"], p.family_code)


@_level("family name", "other name")
def _other_family(p: Pairs) -> Mask:
    others = p.codes(p.client.other_families)
    return p.any_listed("other_families", [p.family_code, *others]) | is_any(p["family"], others)


@_level("family name", "one slip")
def _family_slip(p: Pairs) -> Mask:
    return p.each_with(p["family"], p.client.family, one_slip)


@_level("family name", "alike")
def _family_alike(p: Pairs) -> Mask:
    return p.each_with(p["family"], p.client.family, alike)


# --- date of birth ----------------------------------------------------------------------------------------------------
# 0 stands for a part that is not known. The comparison is unknown without a year on either side.


@_unknown("date of birth")
def _no_year(p: Pairs) -> Mask:
    return _is(p["birth_year"], 0) | (p.client.birth_year is None)


def _full(p: Pairs) -> Mask:
    return _is_known(p["birth_day"]) & (p.client.birth_day is not None)


def _same_year(p: Pairs) -> Mask:
    return _is(p["birth_year"], p.client.birth_year)


def _same_month(p: Pairs) -> Mask:
    return _is(p["birth_month"], p.client.birth_month or -1)


def _same_day(p: Pairs) -> Mask:
    return _is(p["birth_day"], p.client.birth_day or -1)


@_level("date of birth", "exact")
def _same_date(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_month(p) & _same_day(p)


@_level("date of birth", "swapped")
def _day_for_month(p: Pairs) -> Mask:
    crossed = _is(p["birth_month"], p.client.birth_day or -1) & _is(p["birth_day"], p.client.birth_month or -1)
    return _full(p) & _same_year(p) & crossed


@_level("date of birth", "day differs")
def _day_differs(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_month(p)


@_level("date of birth", "month differs")
def _month_differs(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_day(p)


@_level("date of birth", "year slip")
def _year_slip(p: Pairs) -> Mask:
    slips = {year: _is_year_slip(p.client.birth_year or 0, year) for year in set(p["birth_year"].tolist())}
    slipped: Mask = np.array([slips[year] for year in p["birth_year"].tolist()], bool)
    return _full(p) & _same_month(p) & _same_day(p) & slipped


def _is_year_slip(a: int, b: int) -> bool:
    """One, ten or a hundred years off, one digit wrong, or the last two swapped."""
    import jellyfish

    if abs(a - b) in (1, 10, 100) or jellyfish.levenshtein_distance(str(a), str(b)) == 1:
        return True
    return a // 100 == b // 100 and a % 10 == b // 10 % 10 and a // 10 % 10 == b % 10


@_level("date of birth", "year and month")
def _year_and_month(p: Pairs) -> Mask:
    return ~_full(p) & _same_year(p) & _same_month(p)


@_level("date of birth", "year only")
def _year_only(p: Pairs) -> Mask:
    client = p.client.birth_month is None or (p.client.birth_month == 1 and p.client.birth_day == 1)
    theirs = _is(p["birth_month"], 0) | (_is(p["birth_month"], 1) & _is(p["birth_day"], 1))
    return _same_year(p) & (theirs | client)


_level("date of birth", "year agrees")(_same_year)


# --- address ----------------------------------------------------------------------------------------------------------


@_unknown("address")
def _no_place(p: Pairs) -> Mask:
    return ~_both_units(p) & (_is(p["street"], NO_TEXT) | (p.client.street is None))


def _both_units(p: Pairs) -> Mask:
    return _is_known(p["unit"]) & (p.unit_packed > 0)


@_level("address", "same house")
def _same_house(p: Pairs) -> Mask:
    return _same_unit(p) & _same_house_number(p)


def _same_house_number(p: Pairs) -> Mask:
    return _is(p["house"], p.house_number) & _is_known(p["house"])


@_level("address", "same postcode")
def _same_unit(p: Pairs) -> Mask:
    return _is(p["unit"], p.unit_packed) & _is_known(p["unit"])


@_level("address", "earlier postcode")
def _earlier_unit(p: Pairs) -> Mask:
    others = [pack(unit) for unit in p.client.other_units]
    ours = [p.unit_packed, *others] if p.unit_packed else others
    return p.any_listed("other_units", ours) | is_any(p["unit"], others)


@_level("address", "same street and house")
def _same_street_and_house(p: Pairs) -> Mask:
    return _same_house_number(p) & _same_street_text(p) & (_same_district(p) | ~_both_units(p))


def _same_street_text(p: Pairs) -> Mask:
    return p.each_with(p["street"], p.client.street, lambda a, b: a == b or similar(a, b, 0.92))


@_level("address", "postcode slip")
def _unit_slip(p: Pairs) -> Mask:
    ours, theirs = _characters(np.array([p.unit_packed], np.uint64)), _characters(p["unit"])
    as_long = ((ours == 0) == (theirs == 0)).all(axis=1)
    return _both_units(p) & as_long & _is((ours != theirs).sum(axis=1), 1)


def _characters(packed: Array) -> Array:
    return packed.astype(">u8").view(np.uint8).reshape(-1, 8)


@_level("address", "same sector")
def _same_sector(p: Pairs) -> Mask:
    return _both_units(p) & _is(p["unit"] >> np.uint64(16), p.unit_packed >> 16)


@_level("address", "same street")
def _same_street(p: Pairs) -> Mask:
    return ~_both_units(p) & _same_street_text(p)


@_level("address", "same district")
def _same_district(p: Pairs) -> Mask:
    return _is(p["district"], p.district_number) & _is_known(p["district"])


# --- gender and number ------------------------------------------------------------------------------------------------


@_unknown("gender")
def _no_gender(p: Pairs) -> Mask:
    return _is(p["gender"], 0) | (p.client.gender is None)


@_level("gender", "same")
def _same_gender(p: Pairs) -> Mask:
    return _is(p["gender"], p.client.gender or -1)


@_unknown("NHS number")
def _no_number(p: Pairs) -> Mask:
    both = _is_known(p["nhs"]) & (p.client.nhs is not None)
    return ~(both | _superseded(p) | _near_number(p))


@_level("NHS number", "same")
def _same_number(p: Pairs) -> Mask:
    return _is(p["nhs"], p.client.nhs or -1)


@_level("NHS number", "superseded")
def _superseded(p: Pairs) -> Mask:
    ours = p.any_listed("former_nhs", [p.client.nhs]) if p.client.nhs else np.zeros(len(p), bool)
    return ours | is_any(p["nhs"], p.client.former_nhs)


@_level("NHS number", "near")
def _near_number(p: Pairs) -> Mask:
    """A number as entered, on the side that has no valid one, is one slip from the other's."""
    entered = p.client.nhs_entered
    if p.client.nhs is not None:
        number = f"{p.client.nhs:010}"
        return _is(p["nhs"], 0) & p.each(p["nhs_entered"], lambda theirs: _one_edit(theirs, number))
    if entered is None:
        return np.zeros(len(p), bool)
    return np.array([number > 0 and _one_edit(entered, f"{number:010}") for number in p["nhs"].tolist()], bool)


def _one_edit(a: str, b: str) -> bool:
    import jellyfish

    return jellyfish.damerau_levenshtein_distance(a, b) == 1


# --- other identifier -------------------------------------------------------------------------------------------------


@_unknown("other identifier")
def _no_scheme(p: Pairs) -> Mask:
    return ~p.any_listed("schemes", p.client.schemes)


@_level("other identifier", "same")
def _same_id(p: Pairs) -> Mask:
    return p.any_listed("ids", p.client.ids)


def _check() -> None:
    """Every level that is declared has a function, and every function a level."""
    declared = {(each.name, level.name) for each in COMPARISONS for level in each.levels}
    declared |= {(each.name, "unknown") for each in COMPARISONS}
    written = set(_LEVELS) | {(name, "unknown") for name in _UNKNOWN}
    if declared != written:
        raise ImportError(f"linkage.lookup.levels and linkage.comparison differ: {sorted(declared ^ written)}")


_check()
