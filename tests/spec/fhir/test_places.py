"""Addresses and organisations of FHIR R4 resources."""

from __future__ import annotations

from datetime import date

import duckdb

from tests.spec.fhir.patients import ODS, UK, Load, Patient, cases, patient, rows


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
