"""What is written as FHIR: valid R4 Patients, read back as they were."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import Source, read
from connectors.writers.fhir import Form, Verification, write_patients
from schemas.codes import ETHNIC_CATEGORY, NHS_NUMBER_STATUS

AS_AT = date(2026, 11, 22)
NUMBERS = ["9434765919", "9434765870", "9876543210"]
Row = dict[str, Any]

_PERIOD = [("from_date", pa.date32()), ("to_date", pa.date32())]


def _listed(*fields: tuple[str, pa.DataType]) -> pa.DataType:
    return pa.list_(pa.struct([*fields, *_PERIOD]))


_TEXT = pa.string()
_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("patient_id", "custodian", "nhs_number", "nhs_number_status", "family_name")),
        *((name, _TEXT) for name in ("given_name", "middle_names", "previous_family_name")),
        ("birth_date", pa.date32()),
        *((name, _TEXT) for name in ("birth_date_precision", "gender")),
        ("death_date", pa.date32()),
        *((name, _TEXT) for name in ("gp_practice_code", "phone", "email", "ethnicity")),
        ("restricted", pa.bool_()),
        ("names", _listed(("kind", _TEXT), ("family", _TEXT), ("given", _TEXT))),
        (
            "addresses",
            _listed(("kind", _TEXT), ("lines", pa.list_(_TEXT)), ("postcode", _TEXT), ("uprn", _TEXT)),
        ),
        ("identifiers", _listed(("scheme", _TEXT), ("value", _TEXT))),
    ]
)
PLAIN: Row = {
    "patient_id": "p1",
    "custodian": "bromley",
    "nhs_number": NUMBERS[0],
    "nhs_number_status": "02",
    "family_name": 'O"Neill \\ Smith',
    "given_name": "Zoë",
    "middle_names": "Ann May",
    "birth_date": date(1950, 2, 1),
    "birth_date_precision": "YM",
    "gender": "2",
    "restricted": True,
    "names": [{"kind": "maiden", "family": "Oak", "given": None, "from_date": None, "to_date": date(1975, 6, 1)}],
    "addresses": [],
    "identifiers": [{"scheme": "superseded NHS number", "value": NUMBERS[1], "from_date": None, "to_date": None}],
}


def write(path: Path, rows: list[Row], **form: Any) -> int:
    with duckdb.connect() as connection:
        connection.register("patients", pa.Table.from_pylist(rows, schema=_SCHEMA))
        return write_patients(connection, "patients", path, **form)


def test_a_patient_by_the_uk_core_profile(tmp_path: Path) -> None:
    """Element by element, and nothing that has no value."""
    assert write(tmp_path / "p.ndjson", [PLAIN], verification=Verification.BOTH) == 1
    codings = [
        {"system": f"https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus{end}", "code": "02",
         "display": "Number present but not traced"}
        for end in ("England", "")
    ]  # fmt: skip
    assert json.loads((tmp_path / "p.ndjson").read_text(encoding="utf-8")) == {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {
            "profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"],
            "security": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                    "code": "R",
                    "display": "restricted",
                }
            ],
        },
        "identifier": [
            {
                "extension": [
                    {
                        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                        "valueCodeableConcept": {"coding": codings},
                    }
                ],
                "system": "https://fhir.nhs.uk/Id/nhs-number",
                "value": NUMBERS[0],
            },
            {"use": "old", "system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBERS[1]},
        ],
        "active": True,
        "name": [
            {"use": "official", "family": 'O"Neill \\ Smith', "given": ["Zoë", "Ann", "May"]},
            {"use": "maiden", "family": "Oak", "period": {"end": "1975-06-01"}},
        ],
        "gender": "female",
        "birthDate": "1950-02",
        "managingOrganization": {"type": "Organization", "identifier": {"value": "bromley"}},
    }


def test_nobody_makes_an_empty_file_and_an_empty_bundle(tmp_path: Path) -> None:
    assert write(tmp_path / "n.ndjson", []) == 0
    assert (tmp_path / "n.ndjson").read_bytes() == b""
    write(tmp_path / "n.json", [], form=Form.BUNDLE)
    bundle = json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))
    assert bundle == {"resourceType": "Bundle", "type": "collection", "entry": []}


# Words without space around them; control characters are none that FHIR allows in a string.
_WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=10)
_MAYBE = st.none() | _WORD
_DAYS = st.none() | st.dates(date(1900, 1, 2), date(2026, 1, 1))
_OPEN = {"from_date": st.none(), "to_date": st.none()}
_ENDED = {"from_date": st.none(), "to_date": st.dates(date(1990, 1, 1), date(2020, 1, 1))}
_LINES = st.lists(_WORD, min_size=1, max_size=5)
_PLACE = {"lines": _LINES, "postcode": st.sampled_from([None, "BR1 1AA"]), "uprn": st.sampled_from([None, "100012"])}
_HOME = st.fixed_dictionaries({"kind": st.just("home"), **_PLACE, **_OPEN})
_ELSEWHERE = st.fixed_dictionaries(
    {"kind": st.sampled_from(["temporary", "correspondence", "home"]), **_PLACE, **_ENDED}
)
_PERSON = st.fixed_dictionaries(
    {
        "patient_id": st.from_regex("[A-Za-z0-9.-]{1,20}", fullmatch=True),
        "custodian": st.just("bromley"),
        "nhs_number": st.none() | st.sampled_from(NUMBERS),
        "nhs_number_status": st.sampled_from(sorted(NHS_NUMBER_STATUS)),
        "family_name": _WORD,
        "given_name": _MAYBE,
        "birth_date": st.dates(date(1912, 1, 1), date(2026, 1, 1)),
        "birth_date_precision": st.sampled_from(["Y", "YM", "YMD"]),
        "gender": st.sampled_from([None, "0", "1", "2", "9"]),
        "death_date": st.none() | st.dates(date(2020, 1, 1), date(2026, 1, 1)),
        "gp_practice_code": st.sampled_from([None, "A81001"]),
        "phone": st.sampled_from([None, "020 7946 0000"]),
        "email": st.sampled_from([None, "zoë@example.org"]),
        "ethnicity": st.none() | st.sampled_from(sorted(ETHNIC_CATEGORY)),
        "restricted": st.booleans(),
        "names": st.lists(
            st.fixed_dictionaries(
                {"kind": st.sampled_from(["previous", "maiden", "known as"]), "family": _WORD, "given": _MAYBE, **_OPEN}
            ),
            max_size=2,
        ),
        "addresses": st.tuples(st.lists(_HOME, max_size=1), st.lists(_ELSEWHERE, max_size=2)).map(
            lambda parts: [*parts[0], *parts[1]]
        ),
        "identifiers": st.lists(
            st.fixed_dictionaries(
                {"scheme": st.sampled_from(["carefirst", "https://x.nhs.uk/pas"]), "value": _WORD, **_OPEN}
            ),
            max_size=2,
        ),
    }
)


def _expected(row: Row) -> Row:
    """What PERSON holds of a row afterwards: a date begins its period, and a status needs a number."""
    born, precision = row["birth_date"], row["birth_date_precision"]
    home = next((each for each in row["addresses"] if each["kind"] == "home" and each["to_date"] is None), None)
    former = [each for each in row["names"] if each["kind"] in ("previous", "maiden")]
    former.sort(key=lambda each: each["kind"] == "maiden")
    lines = [*(home["lines"] if home else ()), *[None] * 5][:5]
    return {
        **{name: row[name] for name in ("family_name", "given_name", "gender", "death_date", "gp_practice_code")},
        **{name: row[name] for name in ("phone", "email", "ethnicity", "restricted", "nhs_number")},
        "nhs_number_status": row["nhs_number_status"] if row["nhs_number"] else None,
        "birth_date": born.replace(day=1, month=1)
        if precision == "Y"
        else born.replace(day=1)
        if precision == "YM"
        else born,
        "birth_date_precision": precision,
        "previous_family_name": former[0]["family"] if former else None,
        **{f"address_line_{n}": line for n, line in enumerate(lines, 1)},
        "postcode": home["postcode"] if home else None,
        "uprn": home["uprn"] if home else None,
    }


def _rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT record_id, {columns} FROM clients.{table}").fetchall()


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(_PERSON, min_size=1, max_size=15, unique_by=lambda row: row["patient_id"]),
    form=st.sampled_from(Form),
    verification=st.sampled_from(Verification),
)
def test_what_is_written_is_valid_and_read_back_equal(
    tmp_path: Path, rows: list[Row], form: Form, verification: Verification
) -> None:
    path = tmp_path / "p.json"
    assert write(path, rows, form=form, verification=verification) == len(rows)
    _validate(path, form, len(rows))
    with duckdb.connect() as connection:
        report = read(connection, [Source(path)], side="clients", as_at=AS_AT)
        assert (report.used, report.records) == (len(rows), len(rows))
        columns = list(_expected(rows[0]))
        people = {
            row[0]: dict(zip(columns, row[1:], strict=True)) for row in _rows(connection, "person", ", ".join(columns))
        }
        names = _rows(connection, "name", "name_type, family_name, given_name")
        places = _rows(
            connection,
            "address",
            f"address_type, list_filter([{', '.join(f'address_line_{n}' for n in range(1, 6))}],"
            " lambda l: l IS NOT NULL), postcode, uprn, to_date",
        )
        ids = _rows(connection, "identifier", "scheme, value")
    assert people == {row["patient_id"]: _expected(row) for row in rows}
    assert sorted(names, key=str) == sorted(
        ((r["patient_id"], n["kind"], n["family"], n["given"]) for r in rows for n in r["names"]), key=str
    )
    assert sorted(places, key=str) == sorted(
        (
            (r["patient_id"], a["kind"], a["lines"], a["postcode"], a["uprn"], a["to_date"])
            for r in rows
            for a in r["addresses"]
        ),
        key=str,
    )
    assert sorted(ids) == sorted((r["patient_id"], i["scheme"], i["value"]) for r in rows for i in r["identifiers"])


def _validate(path: Path, form: Form, count: int) -> None:
    """Held against the public shape of R4B, whose Patient is R4's."""
    patient = pytest.importorskip("fhir.resources.R4B.patient")
    bundle = pytest.importorskip("fhir.resources.R4B.bundle")
    text = path.read_text(encoding="utf-8")
    if form is Form.BUNDLE:
        made = bundle.Bundle.model_validate_json(text)
        assert len({entry.fullUrl for entry in made.entry}) == count
    else:
        for line in text.split("\n")[:-1]:
            patient.Patient.model_validate_json(line)
