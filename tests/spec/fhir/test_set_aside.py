"""Which FHIR R4 resources are set aside, and which of several versions of one id is used."""

from __future__ import annotations

import json

import duckdb

from tests.spec.fhir.patients import ELSE, Load, Patient, by_case, cases, patient, rows

SHAPE = "not shaped as FHIR R4 has it: a list, object or text stands where another is due"
REPLACED = "replaced by another record (link.type = replaced-by)"
# A resource; whether it is excluded or rejected; the rule.
SET_ASIDE: list[tuple[Patient, str, str]] = [
    ({"resourceType": "Observation", "id": "p1"}, "excluded", ELSE),
    ({"resourceType": "OperationOutcome"}, "excluded", ELSE),
    ({"resourceType": "patient", "id": "p2"}, "excluded", ELSE),
    (patient(id=None), "rejected", "no id"),
    (patient(id="p3", active=False), "excluded", "not in use (active = false)"),
    (patient(id="p4", link=[{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]), "excluded", REPLACED),
    (patient(id="p5", meta={"security": [{"code": "HTEST"}]}), "excluded", "marked as test data (HTEST)"),
    (patient(id="p6", name={"family": "Smith"}), "excluded", SHAPE),
    (patient(id="p7", identifier="9434765919"), "excluded", SHAPE),
    (patient(id="p8", birthDate=19500201), "excluded", SHAPE),
    ({"id": "p9", "name": []}, "rejected", "no FHIR resource: it has no resourceType"),
]


def test_set_aside(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    cut = json.dumps(patient(id="p10"))[:-9]
    lines = [json.dumps(patient()), *(json.dumps(each) for each, _, _ in SET_ASIDE), cut]
    load(text="\n".join(lines))
    expected = [(n, kind, rule) for n, (_, kind, rule) in enumerate(SET_ASIDE, 2)]
    expected.append((len(lines), "rejected", "not valid JSON"))
    assert rows(connection, "set_aside", "extract_line, kind, rule") == expected
    assert rows(connection, "person", "record_id") == [("p1",)]


def test_links_to_records_that_were_merged(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """The one that stands for another keeps its id; refer and seealso say nothing of who they are."""
    links = [{"type": kind, "other": {"reference": f"Patient/{kind}"}} for kind in ("replaces", "refer", "seealso")]
    load(patient(link=links))
    assert rows(connection, "identifier", "scheme, value") == [("replaced record", "replaces")]


# Meta of the first and second version of one id; which is used.
VERSIONS: list[tuple[Patient, Patient, str]] = [
    ({"lastUpdated": "2024-01-02T00:00:00Z"}, {"lastUpdated": "2024-01-01T00:00:00Z"}, "First"),
    # 00:30 in Paris is the evening before in Greenwich.
    ({"lastUpdated": "2024-01-02T00:30:00+01:00"}, {"lastUpdated": "2024-01-01T23:45:00Z"}, "Second"),
    ({"versionId": "9"}, {"versionId": "10"}, "Second"),
    ({"versionId": "10"}, {"versionId": "9"}, "First"),
    ({}, {}, "Second"),
]


def test_of_one_id_the_latest_version_is_used(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    firsts = cases([{"meta": first, "name": [{"family": "First"}]} for first, _, _ in VERSIONS])
    seconds = cases([{"meta": second, "name": [{"family": "Second"}]} for _, second, _ in VERSIONS])
    report = load(*firsts, *seconds)
    assert by_case(connection, "person", "family_name", len(VERSIONS)) == [[(kept,)] for *_, kept in VERSIONS]
    assert (report.used, report.excluded) == (len(VERSIONS), len(VERSIONS))
