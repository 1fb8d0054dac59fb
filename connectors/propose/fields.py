"""What the contents of a column say about the field it may be: how likely, and why in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeAlias

from connectors.propose.contents import Evidence

Told: TypeAlias = tuple[float, str] | None
"""From 0 (it is something else) to 1, with the reason; None where contents cannot tell."""

DAYS = ("from_date", "to_date", "start_date", "end_date", "death_date", "registration_date", "deduction_date")
"""Dates that only their title and their order tell apart."""
_PARTS = (*(f"address_line_{n}" for n in range(2, 6)), "town", "locality", "county", "building", "street")
_FLAGS = ("restricted", "objection", "deceased", "birth_date_estimated", "main_address")

ALONE: Mapping[str, float] = {
    **{"nhs_number": 1.0, "postcode": 0.95, "email": 0.95, "phone": 0.85, "gender": 0.9, "ethnicity": 0.9},
    **{"birth_date": 0.85, "family_name": 0.8, "given_name": 0.8, "given_names": 0.8, "full_name": 0.8},
    **{"person_id": 0.75, "gp_practice_code": 0.85, "address": 0.85, "address_line_1": 0.75, "address_type": 0.85},
    **{"scheme": 0.9, "value": 0.9, "middle_names": 0.6, "uprn": 0.65},
}
"""How far contents are believed without a title that agrees; a field not named here needs a title."""


def contents(field: str, e: Evidence, as_at: date) -> Told:
    """What the contents of a column with the evidence `e` say about `field`."""
    if e.filled == 0:
        return None
    if field in DAYS:
        return e.date, f"{_share(e.date)} of its values are dates"
    if field in _PARTS:
        likely = 1.0 if e.date < 0.2 and e.numbers < 0.2 and e.postcodes < 0.2 and e.emails < 0.2 else 0.0
        return (likely, "it holds words") if likely == 0 else None
    if field in _FLAGS:
        return e.flags, f"{_share(e.flags)} of its values say yes or no"
    rule = _RULES.get(field)
    return rule(e, as_at) if rule else None


_HOLDS = {"flags": "yes or no", "date": "dates", "genders": "genders", "postcodes": "postcodes"}
_HOLDS |= {"phones": "phone numbers", "emails": "e-mail addresses", "digits": "digits", "coded": "codes"}


def holds(e: Evidence) -> str:
    """What stands in a column, in a few words."""
    what = next((words for name, words in _HOLDS.items() if getattr(e, name) > 0.8), "words")
    many = "one value throughout" if e.values == 1 else f"{e.values:,} different values"
    return "empty" if e.filled == 0 else f"{what}, {many}, {_share(e.filled)} filled"


def _share(share: float) -> str:
    return "all" if share > 0.995 else "none" if share < 0.005 else f"{share:.0%}"


def _number(e: Evidence, _: date) -> Told:
    return e.numbers, f"{_share(e.numbers)} of its values pass the check digit of an NHS number"


def _birth(e: Evidence, as_at: date) -> Told:
    said = f"{_share(e.date)} of its values are dates"
    if e.years is None or e.date < 0.2:
        return e.date, said
    early, middle, late = e.years
    # Decades, for in a short file a percentile is somebody's year.
    span = f"of the {early // 10 * 10}s to the {late // 10 * 10}s for the most part"
    if e.future > 0.02 or middle > as_at.year - 15 or late - early < 12:
        return 0.3 * e.date, f"{said}, but {span}"
    return e.date, f"{said}, {span}"


def _postcode(e: Evidence, _: date) -> Told:
    return e.postcodes, f"{_share(e.postcodes)} of its values are postcodes"


def _gender(e: Evidence, _: date) -> Told:
    share = e.genders if e.values <= 12 and e.flags < 0.99 else 0.0
    return share, f"{_share(e.genders)} of its values are words or codes for a gender"


def _ethnicity(e: Evidence, _: date) -> Told:
    if e.values < 3:
        return None
    share = e.ethnicities if e.ethnic_only > 0.1 else 0.0
    return share, f"{_share(e.ethnicities)} of its values are ethnic categories"


def _family(e: Evidence, _: date) -> Told:
    return _a_name(e, e.family, e.given, "family")


def _given(e: Evidence, _: date) -> Told:
    return _a_name(e, e.given, e.family, "given")


def _a_name(e: Evidence, of_it: float, of_other: float, what: str) -> Told:
    """A quarter of the names of a list are in ours; that the others are words as names are is then believed."""
    if e.values < 4:
        return None
    if e.letters < 0.8 or e.distinct < 0.02 or e.words > 2.5:
        return 0.0, "its values are not written as names are"
    likely = min(1.0, 3 * of_it) if of_it > 1.3 * of_other else 0.15 if of_other > 1.3 * of_it else 0.4
    if what == "family" and e.values < min(0.4 * e.filled * e.records, 200):
        # Towns end as family names do, but there are few of them.
        likely *= 0.5
    # Nearly everybody has the name itself; the other names of their kind are seldom there.
    likely *= 1.0 if e.filled > 0.8 else 0.7
    return likely, f"{_share(of_it)} of its values are common {what} names"


def _givens(e: Evidence, as_at: date) -> Told:
    told = _given(e, as_at)
    # One forename a person is given_name; several make all forenames of one column.
    return told and (told[0] if e.words > 1.2 else 0.6 * told[0], told[1])


def _full(e: Evidence, _: date) -> Told:
    if e.words < 1.7 or e.letters + e.commas < 0.8 or e.roads > 0.3:
        return 0.0, "its values are not written as whole names are"
    return min(1.0, 3 * e.full), f"{_share(e.full)} of its values have a common given and a common family name"


def _person_id(e: Evidence, _: date) -> Told:
    if e.filled < 0.99:
        return 0.1, f"{_share(1 - e.filled)} of the records have none"
    if e.coded < 0.95 or e.date > 0.5 or e.numbers > 0.5 or not 1 <= e.length <= 20 or e.postcodes + e.phones > 0.3:
        return 0.0, "its values are not written as numbers of persons are"
    if e.values < 2 or e.distinct < 0.3:
        return 0.1, "many records share one"
    alike = (
        "no two records share one" if e.distinct == 1 else "several records share one, as with a row for each address"
    )
    return 0.7 + 0.3 * e.distinct, f"every record has one, and {alike}"


def _uprn(e: Evidence, _: date) -> Told:
    likely = e.digits if 8 <= e.length <= 12 and e.numbers < 0.5 and e.date < 0.5 and e.distinct > 0.2 else 0.0
    return likely * 0.9, f"{_share(e.digits)} of its values are digits, about {e.length:.0f} of them"


def _line_1(e: Evidence, _: date) -> Told:
    likely = 0.0 if e.commas > 0.6 and e.ends_in_postcode > 0.3 else e.roads
    return likely, f"{_share(e.roads)} of its values begin with a number or name a road or house"


def _address(e: Evidence, _: date) -> Told:
    likely = e.roads * min(1.0, 1.2 * max(e.commas, e.ends_in_postcode)) if e.words > 3 else 0.0
    return likely, f"{_share(e.commas)} of its values have commas, and {_share(e.ends_in_postcode)} end in a postcode"


def _plainly(attribute: str, what: str) -> Callable[[Evidence, date], Told]:
    def rule(e: Evidence, _: date) -> Told:
        share = getattr(e, attribute)
        return share, f"{_share(share)} of its values are {what}"

    return rule


def _scheme(e: Evidence, _: date) -> Told:
    return min(1.0, 3 * e.schemes) if e.values < 60 else 0.0, f"{_share(e.schemes)} of its values name the NHS number"


def _value(e: Evidence, _: date) -> Told:
    return min(1.0, 2.5 * e.numbers), f"{_share(e.numbers)} of its values pass the check digit of an NHS number"


_RULES: Mapping[str, Callable[[Evidence, date], Told]] = {
    **{"nhs_number": _number, "birth_date": _birth, "postcode": _postcode, "gender": _gender, "ethnicity": _ethnicity},
    **{"family_name": _family, "previous_family_name": _family, "maiden_name": _family, "given_name": _given},
    **{"known_as": _given, "middle_names": _given, "given_names": _givens, "full_name": _full, "uprn": _uprn},
    **{"person_id": _person_id, "address_line_1": _line_1, "address": _address, "scheme": _scheme, "value": _value},
    "email": _plainly("emails", "e-mail addresses"),
    "phone": _plainly("phones", "phone numbers"),
    "gp_practice_code": _plainly("practices", "codes as GP practices have"),
    "address_type": _plainly("addresses", "kinds of address"),
    "unit_cost": _plainly("money", "amounts"),
}
