"""What a mapping can name: the kinds of file a council system exports, and the fields of each, in plain words.

`caretrace map` writes these words beside a proposed mapping, and docs/connectors/mapping.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas import ASSESSMENT, CARE_REVIEW, REQUEST, SERVICE
from schemas.table import Table, Type

_PERSON_ID = {"person_id": "the system's own number of the person"}
_PERIOD = {"from_date": "first day it held", "to_date": "last day it held; empty while it still holds"}
_PLACE = {
    "address": "the whole address in one column, parted at commas and line breaks",
    **{f"address_line_{n}": f"line {n} of the address" for n in range(1, 6)},
    "room": "room, where the address comes in parts",
    "floor": "floor, in parts",
    "flat": "flat, in parts",
    "building": "name or number of the building, in parts",
    "house_number": "house number, in parts",
    "street": "street, in parts",
    "locality": "village or district, in parts",
    "town": "town or city, in parts",
    "county": "county, in parts",
    "postcode": "postcode",
    "uprn": "unique property reference number",
    "address_type": "what kind of address it is, in the words of address_types",
    "main_address": "yes where the system shows this address before the others",
}
PLACE = tuple(_PLACE)
_NAMES = {
    "family_name": "surname",
    "given_name": "first forename",
}

EVENTS: Mapping[str, Table] = {
    "service": SERVICE,
    "assessment": ASSESSMENT,
    "request": REQUEST,
    "care_review": CARE_REVIEW,
}
"""Kinds that hold what happened to people; their fields are the columns of the table they fill."""


def _event(table: Table) -> dict[str, str]:
    own = (c for c in table.columns if c.name not in _KEY_AND_PLACE)
    return {**_PERSON_ID, **{c.name: c.meaning.rstrip(".") for c in own}}


_KEY_AND_PLACE = {"source", "source_org", "record_id", "extract_file", "extract_record", "extract_line"}

KINDS: Mapping[str, Mapping[str, str]] = {
    "person": {
        **_PERSON_ID,
        "merged_into": "number of the person this record was merged into",
        "nhs_number": "NHS number",
        "nhs_number_status": "NHS number status indicator, 01 to 08",
        "full_name": "the whole name in one column; full_name_order says how",
        **_NAMES,
        "given_names": "all forenames in one column; the first word is the given name",
        "middle_names": "forenames but the first",
        "previous_family_name": "surname before the present one",
        "maiden_name": "surname at birth",
        "known_as": "forename used in daily life",
        "birth_date": "date of birth",
        "birth_date_estimated": "yes where the date of birth is estimated",
        "gender": "gender or sex",
        "ethnicity": "ethnic category",
        "death_date": "date of death",
        "deceased": "yes where the person is known to have died",
        "phone": "phone number",
        "email": "e-mail address",
        "gp_practice_code": "ODS code of the GP practice",
        "registration_type": "kind of registration at the practice, such as Regular",
        "registration_date": "first day of the registration at the practice",
        "deduction_date": "last day of the registration at the practice",
        "restricted": "anything but no where access to the record is restricted",
        "objection": "anything but no where the person objects to sharing",
        **_PLACE,
        **_PERIOD,
    },
    # Who is marked is known by the number; the names only help to tell the system that the list is of.
    "mark": {**_PERSON_ID, **_NAMES, "birth_date": "date of birth", "gender": "gender or sex"},
    "address": {**_PERSON_ID, **_PLACE, **_PERIOD},
    "identifier": {
        **_PERSON_ID,
        "scheme": "what kind of number it is, such as NHS Number",
        "value": "the number",
        **_PERIOD,
    },
    "name": {**_PERSON_ID, "name_type": "what kind of name it is, in the words of name_types", **_NAMES, **_PERIOD},
    "phone": {**_PERSON_ID, "phone": "phone number", "phone_type": "what kind of phone it is"},
    **{kind: _event(table) for kind, table in EVENTS.items()},
}
"""Kind of file to its fields, and what each holds. A header is held against the kinds in this order."""


def is_date(field: str) -> bool:
    """Whether a field of any kind holds days."""
    return field.endswith("_date")


def is_number(kind: str, field: str) -> bool:
    """Whether a field of an event is a number."""
    return EVENTS[kind][field].type in (Type.REAL, Type.INTEGER)
