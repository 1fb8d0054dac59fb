"""FHIR R4 resources as bundles, arrays and lines, whole and cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import Source, read
from schemas.errors import InputError
from tests.spec.fhir.patients import AS_AT, ELSE, NUMBER, Load, Patient, patient, rows


def test_the_entries_of_a_bundle_are_records(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    people = [patient(id=f"p{n}") for n in range(3)]
    entries: list[Patient] = [{"fullUrl": f"urn:uuid:{n}", "resource": each} for n, each in enumerate(people)]
    entries.append({"search": {"mode": "include"}, "resource": {"resourceType": "Organization", "id": "o"}})
    load(text=json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}, indent=2), name="b.json")
    assert rows(connection, "person", "record_id") == [("p0",), ("p1",), ("p2",)]
    assert rows(connection, "set_aside", "extract_record, rule") == [(4, ELSE)]


def test_an_array_of_resources(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    load(text=json.dumps([patient(), patient(id="p2")]), name="one.json")
    assert rows(connection, "person", "record_id, nhs_number") == [("p1", NUMBER), ("p2", NUMBER)]


def test_a_cut_document_is_refused_in_one_sentence(load: Load) -> None:
    whole = json.dumps({"resourceType": "Bundle", "entry": [{"resource": patient()}]}, indent=2)
    with pytest.raises(InputError, match="not valid JSON, or was cut short") as caught:
        load(text=whole[:-20], name="b.json")
    assert NUMBER not in str(caught.value)


_PATIENTS = [{"resource": patient(id=f"p{n}")} for n in range(100)]


@pytest.mark.parametrize(
    ("document", "is_part"),
    [
        ({"link": [{"relation": "next", "url": "?page=2"}], "entry": _PATIENTS[:1]}, True),
        ({"link": [{"relation": "self"}, {"relation": "next"}], "entry": _PATIENTS}, True),
        ({"entry": _PATIENTS, "link": [{"relation": "next", "url": "?page=2"}]}, True),
        ({"entry": [{"fullUrl": "urn:1"}, *_PATIENTS], "link": [{"relation": "next"}]}, True),
        ({"link": [{"relation": "self"}], "entry": _PATIENTS}, False),
        ({"link": {"relation": "next"}, "entry": _PATIENTS[:1]}, False),
        ({"entry": [{"resource": patient(language="next")}]}, False),
    ],
    ids=["before", "the second link", "behind", "entry without a resource", "itself", "no list", "another next"],
)
@pytest.mark.parametrize("name", ["b.json", "b.ndjson"])
def test_one_page_of_several_says_so(load: Load, document: dict[str, Any], is_part: bool, name: str) -> None:
    text = json.dumps({"resourceType": "Bundle"} | document, indent=2 if name == "b.json" else None)
    said = "perhaps only a part: a page of a search that has further pages: give them all, in one folder"
    assert load(text=text + "\n", name=name).files[0].note == (said if is_part else None)


# The oracle: what the plain json module sees of resources whose elements are there or not, in any order.
_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8
)
_PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"id": st.from_regex("[A-Za-z0-9.-]{1,20}", fullmatch=True)},
        optional={
            "gender": st.sampled_from(["male", "female", "other", "unknown"]),
            "birthDate": st.sampled_from(["1950", "1950-02", "1950-02-28"]),
            "name": st.lists(st.fixed_dictionaries({"use": st.just("official"), "family": _TEXTS}), max_size=1),
            "active": st.just(True),
            "multipleBirthInteger": st.integers(1, 3),
            "photo": st.just([{"data": "AA=="}]),
        },
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda each: each["id"],
)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=_PEOPLE, as_bundle=st.booleans(), turned=st.booleans())
def test_what_is_read_is_what_json_says(tmp_path: Path, people: list[Patient], as_bundle: bool, turned: bool) -> None:
    resources = [{"resourceType": "Patient", **each} for each in people]
    if turned:
        resources = [dict(reversed(each.items())) for each in resources]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    path = tmp_path / "x.json"
    text = json.dumps(bundle) if as_bundle else "\n".join(json.dumps(each, ensure_ascii=False) for each in resources)
    path.write_text(text, encoding="utf-8")
    genders = {"male": "1", "female": "2", "other": "9", "unknown": "0"}
    precision = {4: "Y", 7: "YM", 10: "YMD"}
    with duckdb.connect() as connection:
        read(connection, [Source(path)], side="clients", as_at=AS_AT)
        found = connection.execute(
            "SELECT record_id, gender, birth_date_precision, family_name FROM clients.person"
        ).fetchall()
    assert sorted(found, key=str) == sorted(
        (
            (
                each["id"],
                genders.get(each.get("gender", "")),
                precision.get(len(each.get("birthDate", ""))),
                (each.get("name") or [{}])[0].get("family"),
            )
            for each in people
        ),
        key=str,
    )
