"""FHIR R4 Patient resources for the tests, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import duckdb

from connectors import ReadReport

AS_AT = date(2026, 11, 22)
NUMBER, OTHER, SLIP = "9434765919", "9434765870", "9434765918"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
UK = "https://fhir.hl7.org.uk"
ENGLAND = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
RETIRED = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatus"
WALES = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatusWales"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"

Patient = dict[str, Any]
Load = Callable[..., ReadReport]


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY ALL").fetchall()


def verified(code: str, system: str = ENGLAND, url: str = f"{UK}/StructureDefinition/Extension-UKCore") -> Patient:
    return {
        "url": f"{url}-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"system": system, "code": code}]},
    }


def number(value: str = NUMBER, *extensions: Patient, **more: Any) -> Patient:
    return {"system": NHS, "value": value, **({"extension": list(extensions)} if extensions else {}), **more}


def patient(**changes: Any) -> Patient:
    """A plain Patient with changes; None takes an element away."""
    plain = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [number(NUMBER, verified("01"))],
        "name": [{"use": "official", "family": "Smith", "given": ["Zoë", "Ann", "May"]}],
        "gender": "female",
        "birthDate": "1950-02-01",
        "address": [{"use": "home", "line": ["1 High Street", "Penge"], "city": "Bromley", "postalCode": "br11aa"}],
        **changes,
    }
    return {name: value for name, value in plain.items() if value is not None}


def name(use: str | None, family: str | None = None, *given: str, **period: str) -> Patient:
    made = {"use": use, "family": family, "given": list(given) or None, "period": period or None}
    return {key: value for key, value in made.items() if value is not None}


def cases(elements: Sequence[Patient]) -> list[Patient]:
    """A patient for each case, with the ids c00, c01, ...: one reading for a whole table."""
    return [patient(id=f"c{n:02}", **each) for n, each in enumerate(elements)]


def by_case(connection: duckdb.DuckDBPyConnection, table: str, columns: str, count: int) -> list[list[tuple[Any, ...]]]:
    """The rows of a table for each case, in order."""
    found: list[list[tuple[Any, ...]]] = [[] for _ in range(count)]
    for record_id, *row in rows(connection, table, f"record_id, {columns}"):
        found[int(record_id[1:])].append(tuple(row))
    return found


ELSE = "another type of resource than Patient"
