"""The levels of date of birth, address, gender, NHS number and other identifiers; in columns 0 is not known."""

from __future__ import annotations

import numpy as np

from linkage.lookup.columns import Array
from linkage.lookup.declared import UNKNOWN, Tests, is_, is_known
from linkage.lookup.pairs import Mask, Pairs, is_any
from linkage.lookup.register import NO_TEXT
from linkage.lookup.similarity import similar
from linkage.lookup.texts import pack

OTHER_LEVELS = level = Tests()

# --- date of birth ----------------------------------------------------------------------------------------------------
# 0 stands for a part that is not known. The comparison is unknown without a year on either side.


@level("date of birth", UNKNOWN)
def _no_year(p: Pairs) -> Mask:
    return is_(p["birth_year"], 0) | (p.client.birth_year is None)


def _full(p: Pairs) -> Mask:
    return is_known(p["birth_day"]) & (p.client.birth_day is not None)


def _same_year(p: Pairs) -> Mask:
    return is_(p["birth_year"], p.client.birth_year)


def _same_month(p: Pairs) -> Mask:
    return is_(p["birth_month"], p.client.birth_month or -1)


def _same_day(p: Pairs) -> Mask:
    return is_(p["birth_day"], p.client.birth_day or -1)


@level("date of birth", "exact")
def _same_date(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_month(p) & _same_day(p)


@level("date of birth", "swapped")
def _day_for_month(p: Pairs) -> Mask:
    crossed = is_(p["birth_month"], p.client.birth_day or -1) & is_(p["birth_day"], p.client.birth_month or -1)
    return _full(p) & _same_year(p) & crossed


@level("date of birth", "day differs")
def _day_differs(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_month(p)


@level("date of birth", "month differs")
def _month_differs(p: Pairs) -> Mask:
    return _full(p) & _same_year(p) & _same_day(p)


@level("date of birth", "year slip")
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


@level("date of birth", "year and month")
def _year_and_month(p: Pairs) -> Mask:
    return ~_full(p) & _same_year(p) & _same_month(p)


@level("date of birth", "year only")
def _year_only(p: Pairs) -> Mask:
    client = p.client.birth_month is None or (p.client.birth_month == 1 and p.client.birth_day == 1)
    theirs = is_(p["birth_month"], 0) | (is_(p["birth_month"], 1) & is_(p["birth_day"], 1))
    return _same_year(p) & (theirs | client)


level("date of birth", "year agrees")(_same_year)


# --- address ----------------------------------------------------------------------------------------------------------


@level("address", UNKNOWN)
def _no_place(p: Pairs) -> Mask:
    return ~_both_units(p) & (is_(p["street"], NO_TEXT) | (p.client.street is None))


def _both_units(p: Pairs) -> Mask:
    return is_known(p["unit"]) & (p.unit_packed > 0)


@level("address", "same house")
def _same_house(p: Pairs) -> Mask:
    return _same_unit(p) & _same_house_number(p)


def _same_house_number(p: Pairs) -> Mask:
    return is_(p["house"], p.house_number) & is_known(p["house"])


@level("address", "same postcode")
def _same_unit(p: Pairs) -> Mask:
    return is_(p["unit"], p.unit_packed) & is_known(p["unit"])


@level("address", "earlier postcode")
def _earlier_unit(p: Pairs) -> Mask:
    others = [pack(unit) for unit in p.client.other_units]
    ours = [p.unit_packed, *others] if p.unit_packed else others
    return p.any_listed("other_units", ours) | is_any(p["unit"], others)


@level("address", "same street and house")
def _same_street_and_house(p: Pairs) -> Mask:
    return _same_house_number(p) & _same_street_text(p) & (_same_district_text(p) | ~_both_units(p))


def _same_street_text(p: Pairs) -> Mask:
    return p.each_with(p["street"], p.client.street, _like)


@level("address", "postcode slip")
def _unit_slip(p: Pairs) -> Mask:
    ours, theirs = _characters(np.array([p.unit_packed], np.uint64)), _characters(p["unit"])
    as_long: Mask = ((ours == 0) == (theirs == 0)).all(axis=1)
    return _both_units(p) & as_long & is_((ours != theirs).sum(axis=1), 1)


def _characters(packed: Array) -> Array:
    return packed.astype(">u8").view(np.uint8).reshape(-1, 8)


@level("address", "same sector")
def _same_sector(p: Pairs) -> Mask:
    return _both_units(p) & is_(p["unit"] >> np.uint64(16), p.unit_packed >> 16)


@level("address", "same street")
def _same_street(p: Pairs) -> Mask:
    return ~_both_units(p) & _same_street_text(p)


@level("address", "same district")
def _same_district(p: Pairs) -> Mask:
    return _same_district_text(p) | ~_both_units(p) & p.each_with(p["town"], p.client.town, _like)


def _same_district_text(p: Pairs) -> Mask:
    return is_(p["district"], p.district_number) & is_known(p["district"])


def _like(a: str, b: str) -> bool:
    return similar(a, b, 0.92)


# --- gender and number ------------------------------------------------------------------------------------------------


@level("gender", UNKNOWN)
def _no_gender(p: Pairs) -> Mask:
    return is_(p["gender"], 0) | (p.client.gender is None)


@level("gender", "same")
def _same_gender(p: Pairs) -> Mask:
    return is_(p["gender"], p.client.gender or -1)


@level("NHS number", UNKNOWN)
def _no_number(p: Pairs) -> Mask:
    both = is_known(p["nhs"]) & (p.client.nhs is not None)
    return ~(both | _superseded(p) | _near_number(p))


@level("NHS number", "same")
def _same_number(p: Pairs) -> Mask:
    return is_(p["nhs"], p.client.nhs or -1)


@level("NHS number", "superseded")
def _superseded(p: Pairs) -> Mask:
    ours = p.any_listed("former_nhs", [p.client.nhs]) if p.client.nhs else np.zeros(len(p), bool)
    return ours | is_any(p["nhs"], p.client.former_nhs)


@level("NHS number", "near")
def _near_number(p: Pairs) -> Mask:
    """A number as entered, on the side that has no valid one, is one slip from the other's."""
    entered = p.client.nhs_entered
    if p.client.nhs is not None:
        number = f"{p.client.nhs:010}"
        return is_(p["nhs"], 0) & p.each(p["nhs_entered"], lambda theirs: _one_edit(theirs, number))
    if entered is None:
        return np.zeros(len(p), bool)
    return np.array([number > 0 and _one_edit(entered, f"{number:010}") for number in p["nhs"].tolist()], bool)


def _one_edit(a: str, b: str) -> bool:
    import jellyfish

    return jellyfish.damerau_levenshtein_distance(a, b) == 1


# --- other identifier -------------------------------------------------------------------------------------------------


@level("other identifier", UNKNOWN)
def _no_scheme(p: Pairs) -> Mask:
    return ~p.any_listed("schemes", p.client.schemes)


@level("other identifier", "same")
def _same_id(p: Pairs) -> Mask:
    return p.any_listed("ids", p.client.ids)
