"""What a column is called, held against every title that a shipped mapping knows for a field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from connectors.supplier import plain
from connectors.suppliers.mapped import GENERIC, PROFILES
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.mapped.settings import read_mapping

# Shortenings that reports use, by the words they stand for.
_LONG = {
    "dob": "date birth",
    "dod": "date death",
    "no": "number",
    "num": "number",
    "nr": "number",
    "ref": "reference",
    "addr": "address",
    "add": "address",
    "tel": "telephone",
    "mob": "mobile",
    "pcode": "postcode",
    "zip": "postcode",
    "fname": "forename",
    "sname": "surname",
    "lname": "surname",
    "firstname": "forename",
    "lastname": "surname",
    "desc": "description",
    "dt": "date",
    "dttm": "date",
    "eth": "ethnicity",
    "prev": "previous",
    "ind": "flag",
    "sex": "gender",
    "first": "forename",
    "last": "surname",
    "family": "surname",
    "given": "forename",
    "start": "from",
    "begin": "from",
    "end": "to",
    "birthdate": "date birth",
    "born": "date birth",
    "died": "date death",
    "phone": "telephone",
    "mail": "email",
    "client": "person",
    "customer": "person",
    "individual": "person",
    "people": "person",
    "id": "number",
    "identifier": "number",
}
_IDLE = {"of", "the", "s", "code", "current", "main", "primary", "name", "value", "dim", "cl", "p"}
# Titles of systems that have no profile, and words that say what a column holds whatever the system.
_MORE: Mapping[str, tuple[str, ...]] = {
    "person_id": (
        "Client ID",
        "Client Number",
        "Client Ref",
        "Customer ID",
        "Case Number",
        "Service User ID",
        "Record ID",
    ),
    "nhs_number": ("NHS", "NHSNO", "NHS ID"),
    "full_name": ("Full Name", "Client Name", "Name", "Person Name", "Service User", "Service User Name"),
    "given_names": ("Forenames", "Given Names", "First Names", "Christian Names"),
    "postcode": ("Post Code", "Postal Code"),
    "address": ("Address", "Full Address", "Home Address"),
    "town": ("Town", "City", "Town or City"),
    "street": ("Street", "Street Name", "Road"),
    "county": ("County",),
    "phone": ("Telephone", "Mobile", "Phone Number", "Contact Number", "Mobile Number", "Home Phone"),
    "gp_practice_code": ("Practice Code", "GP Code", "Surgery Code", "ODS Code"),
    "restricted": ("Restricted Record", "Sensitive", "Confidential", "Locked"),
    "objection": ("Opt Out", "Objection", "Do Not Share"),
    "from_date": ("From Date", "Start Date", "Valid From", "Date From"),
    "to_date": ("To Date", "End Date", "Valid To", "Date To"),
    "service_type": ("Service Type", "Service Name", "Service"),
}


@cache
def known_titles(kind: str, field: str) -> frozenset[str]:
    """Every title that a field has in any profile, and its own name."""
    titles = {field, *_MORE.get(field, ())}
    for profile in PROFILES:
        if profile != GENERIC:
            titles.update(read_mapping(profile).kinds[kind].columns.get(field, ()))
    return frozenset(titles)


def closeness(title: str, kind: str, field: str, favoured: Iterable[str] = ()) -> float:
    """From 0 (says nothing) to 1 (a title of the system itself): how well a title names a field."""
    if plain(title) in {plain(each) for each in favoured}:
        return 1.0
    return _closeness(title, kind, field)


@cache
def _closeness(title: str, kind: str, field: str) -> float:
    titles, words_of = _compared(kind, field)
    if plain(title) in titles:
        return 0.95
    words = _words(title)
    best = max((_overlap(words, each) for each in words_of), default=0.0)
    return 0.8 * best if best >= 0.5 else 0.0


@cache
def _compared(kind: str, field: str) -> tuple[frozenset[str], frozenset[frozenset[str]]]:
    known = known_titles(kind, field)
    return frozenset(map(plain, known)), frozenset(map(_words, known))


def is_known(title: str) -> bool:
    """Whether a title is one that some profile knows."""
    return plain(title) in _all()


@cache
def _all() -> frozenset[str]:
    return frozenset(
        plain(each) for kind, fields in KINDS.items() for field in fields for each in known_titles(kind, field)
    )


@cache
def _words(title: str) -> frozenset[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])", " ", title)
    words = re.findall(r"[a-z]+|[0-9]+", parted.lower())
    return frozenset(word for each in words for word in _LONG.get(each, each).split()) - _IDLE


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
