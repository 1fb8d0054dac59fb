"""Addresses and organisations of FHIR R4 resources."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from tests.spec.fhir.patients import ODS, UK, Load, Patient, by_case, cases, patient, rows


def test_addresses(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """The home that is open and began last; lines beyond the fifth stand in it; empty lines close up."""
    key = {
        "url": f"{UK}/StructureDefinition/Extension-UKCore-AddressKey",
        "extension": [
            {"url": "type", "valueCoding": {"code": "UPRN"}},
            {"url": "value", "valueString": "100012345678"},
        ],
    }
    here = {
        "use": "home",
        "line": ["", "Flat 2", "The Elms", "1 High Street", "Penge"],
        "city": "Bromley",
        "district": "Kent",
        "postalCode": "BR1 1AB",
        "period": {"start": "2015-03"},
        "extension": [key],
    }
    load(
        patient(
            address=[
                {"use": "temp", "line": ["Hospital"], "postalCode": "SE5 9RS"},
                {"use": "home", "line": ["Before"], "postalCode": "BR1 1AA", "period": {"end": "2019"}},
                {"use": "home", "line": ["Earlier"], "period": {"start": "2001-01-01"}},
                here,
                {"type": "postal", "line": ["PO Box 1"]},
                {"use": "home", "line": ["Next year"], "period": {"start": "2027-01-01"}},
            ]
        )
    )
    five = "address_line_1, address_line_2, address_line_3, address_line_4, address_line_5"
    assert rows(connection, "person", f"{five}, postcode, uprn") == [
        ("Flat 2", "The Elms", "1 High Street", "Penge", "Kent, Bromley", "BR1 1AB", "100012345678")
    ]
    assert rows(connection, "address", "address_type, address_line_1, from_date, to_date") == [
        ("correspondence", "PO Box 1", None, None),
        ("home", "Before", None, date(2019, 12, 31)),
        ("home", "Earlier", date(2001, 1, 1), None),
        ("home", "Flat 2", date(2015, 3, 1), None),
        ("home", "Next year", date(2027, 1, 1), None),
        ("temporary", "Hospital", None, None),
    ]


_KEY = {"extension": [{"valueCoding": {"code": "UPRN"}}, {"valueString": " 100012345678 "}]}
_ALONE: list[dict[str, Any]] = [
    {"use": "home", "line": ["1 High Street", "", " Penge "], "city": "Bromley", "postalCode": "BR1 1AB"},
    {"use": "old", "line": [], "district": "Kent", "extension": [_KEY], "period": {"start": "2001-02", "end": "2003"}},
    {"use": "temp", "city": " ", "period": {"start": " 2001-02-03 "}, "extension": [{}, _KEY]},
    {"type": "postal", "line": ["PO Box 1"] * 7, "period": {}},
    {"use": "billing", "line": [None, "x"], "extension": None},
    {"postalCode": "\u00a0BR1 1AB"},
    {},
]


def test_an_address_alone_is_read_as_beside_another(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    other = {"use": "work", "line": ["~ elsewhere"]}
    load(*cases([{"address": each} for address in _ALONE for each in ([address], [address, other])]))
    columns = "* EXCLUDE (source, source_org, record_id, extract_file, extract_record, extract_line)"
    found = by_case(connection, "address", columns, 2 * len(_ALONE))
    assert all(len(alone) == 1 for alone in found[::2])
    for alone, beside in zip(found[::2], found[1::2], strict=True):
        assert [row for row in beside if "~ elsewhere" not in row] == alone


_PERIODS: list[tuple[dict[str, str], bool]] = [
    # What is known to the year or the month only lasts until its end, and begins on its first day.
    ({"end": "2025"}, False),
    ({"end": "2026"}, True),
    ({"end": "2026-10"}, False),
    ({"end": "2026-11"}, True),
    ({"end": "2026-11-21"}, False),
    ({"end": "2026-11-21T23:59:59Z"}, False),
    ({"end": "2026-11-22"}, True),
    ({"end": "2026-11-22T00:00:00Z"}, True),
    ({"start": "2026"}, True),
    ({"start": "2026-11-22"}, True),
    ({"start": "2026-11-22T23:59:59Z"}, True),
    ({"start": "2026-11-23"}, False),
    ({"start": "2026-12"}, False),
    ({"start": "2027"}, False),
    ({"start": "2020", "end": "2030"}, True),
    ({"start": "", "end": ""}, True),
    ({}, True),
]


def test_what_is_in_use_by_its_period(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """An address, a name beside another, and a practice, on the day of reading (22 November 2026)."""
    load(
        *cases(
            [
                {
                    "address": [{"use": "home", "line": ["Here"], "period": period}],
                    "name": [
                        {"use": "official", "family": "Now", "period": period},
                        {"use": "usual", "family": "Else"},
                    ],
                    "generalPractitioner": [{"identifier": {"value": "A81001", "period": period}}],
                }
                for period, _ in _PERIODS
            ]
        )
    )
    columns = "address_line_1 IS NOT NULL, family_name = 'Now'"
    found = by_case(connection, "person", columns, len(_PERIODS))
    assert [row for (row,) in found] == [(live, live) for _, live in _PERIODS]
    practices = by_case(connection, "person", "gp_practice_code", len(_PERIODS))
    over = [("end" in period and not live) for period, live in _PERIODS]
    assert [row is None for ((row,),) in practices] == over


def organisation(resource_id: str, code: str) -> Patient:
    identifiers = [{"system": "https://x", "value": "1"}, {"system": ODS, "value": code}]
    return {"resourceType": "Organization", "id": resource_id, "identifier": identifiers}


def test_organisations(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """A reference says the code itself, or points at an Organization in the file or within the resource."""
    said = {
        "generalPractitioner": [{"identifier": {"system": ODS, "value": "A81001"}}],
        "managingOrganization": {"identifier": {"system": ODS, "value": "RYJ"}},
    }
    pointed = {
        "generalPractitioner": [
            {"identifier": {"system": ODS, "value": "A81009", "period": {"end": "2011"}}},
            {"reference": "Organization/o1"},
        ],
        "managingOrganization": {"reference": "https://example.org/fhir/Organization/o2"},
    }
    within = {
        "contained": [{"resourceType": "Organization", "id": "gp", "identifier": [{"system": ODS, "value": "A81002"}]}],
        "generalPractitioner": [{"reference": "#gp"}],
        "managingOrganization": {"reference": "Organization/missing"},
    }
    report = load(organisation("o1", "A81001"), organisation("o2", "RYJ"), *cases([said, pointed, within]))
    assert rows(connection, "person", "record_id, gp_practice_code, source_org") == [
        ("c00", "A81001", "RYJ"),
        ("c01", "A81001", "RYJ"),
        ("c02", "A81002", "p"),
    ]
    assert (report.used, report.excluded) == (3, 2)
