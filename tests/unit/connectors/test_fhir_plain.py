"""Plain FHIR Patients read the short way are those of the exact way, whatever stands where in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.raw import create_raw, insert
from connectors.suppliers.fhir import FHIR
from connectors.suppliers.fhir_plain import PLAIN
from schemas.sql import install_macros

_KIND = FHIR.kinds[0]
_EXACT = replace(_KIND, taken=_KIND.taken[-1:])
_NHS = "https://fhir.nhs.uk/Id/nhs-number"
_CODED = {"system": "https://x/NHSNumberVerificationStatusEngland", "code": "01"}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=date(2026, 11, 22))
        made.execute("CREATE TEMP MACRO reading_day() AS DATE '2026-11-22'")
        yield made


def plain() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "3", "lastUpdated": "2024-01-02T00:00:00Z"},
        "active": True,
        "identifier": [
            {
                "system": _NHS,
                "value": "9434765919",
                "extension": [
                    {"url": "https://x/NHSNumberVerificationStatus", "valueCodeableConcept": {"coding": [dict(_CODED)]}}
                ],
            }
        ],
        "name": [{"use": "official", "family": "Oak", "given": ["Zoë", " ", "Ann"]}],
        "gender": "female",
        "birthDate": "1950-02-01",
        "deceasedDateTime": "2020-05-04T23:30:00+01:00",
        "telecom": [
            {"system": "email", "value": "mailto:z@example.org"},
            {"system": "phone", "value": "tel:020 7946 0000", "use": "home"},
        ],
        "address": [
            {"use": "home", "line": ["1 High Street", "", "Penge"], "city": "Bromley", "postalCode": "BR1 1AB"}
        ],
        "extension": [{"url": "https://x/EthnicCategory", "valueCodeableConcept": {"coding": [{"code": "A"}]}}],
        "generalPractitioner": [{"identifier": {"value": "A81001"}}],
        "managingOrganization": {"identifier": {"value": "RYJ"}},
    }


def taken(connection: duckdb.DuckDBPyConnection, texts: list[str], kind: Any) -> list[tuple[Any, ...]]:
    types = [json.loads(text).get("resourceType") for text in texts]
    count = range(1, len(texts) + 1)
    table = pa.table(
        {
            "file": pa.array([1 for _ in texts], pa.int32()),
            "record": pa.array(count, pa.int64()),
            "line": pa.array(count, pa.int64()),
            "resource_type": pa.array(types, pa.string()),
            "json": pa.array(texts, pa.large_string()),
        }
    )
    create_raw(connection, "made", kind)
    try:
        assert insert(connection, "made", table, kind) == len(texts)
        columns = "* REPLACE (CAST(last_updated AS VARCHAR) AS last_updated)"
        found = connection.execute(f"SELECT {columns} FROM made ORDER BY record").fetchall()
    finally:
        connection.execute("DROP TABLE made")
    return [tuple(map(filling, row)) for row in found]


def filling(value: Any) -> Any:
    """What fills anything of it: no list and an empty one fill as much, and neither differs from nothing."""
    if isinstance(value, dict):
        return {name: filling(held) for name, held in value.items()}
    return None if value is False or value == [] else [*map(filling, value)] if isinstance(value, list) else value


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of everything in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(each for key, held in pairs for each in paths(held, (*at, key)))]


_PLACES = [place for place in paths(plain()) if place and place[0] != "resourceType"]
_PERIODS = [{"start": "2001"}, {"start": "2030-01"}, {"end": "2019-02-01"}, {"end": "2040"}, {}, None]
_USES = ["old", "temp", "maiden", "billing", "work", "postal", "mobile", "usual", "official", None]
_INSTEAD: list[Any] = [
    *(None, True, False, 0, -1.50, 12345678901234567890, "", " ", "\u00a0", "x", "\\", '"', "é\u2028", "\u0000"),
    *([], {}, [None], [{}], ["x"], {"a": [1]}, [[1]], "[12,-3,-4]", [12, -3, -4], 19500201, "1950", "true", "{}"),
    *("old", "temp", "maiden", "billing", "work", "postal", "sms", "fax", "phone", "email", "usual", "123", "NaN1"),
    *("https://fhir.nhs.net/Id/nhs-number", "https://other", "0b6ad4b2-9d7c-4f5e-8a43-112233445566"),
]
_BESIDE = {
    "period": st.sampled_from(_PERIODS),
    "use": st.sampled_from(_USES),
    "rank": st.sampled_from([1, "2", None]),
    "type": st.sampled_from(["postal", "both", None, {"text": "x"}]),
    "text": st.sampled_from(["Zoë Oak", None, 1]),
    "reference": st.sampled_from(["Organization/o1", "#o1", None]),
    "district": st.sampled_from(["Kent", " ", None]),
    "link": st.sampled_from([[{"type": "replaces", "other": {"reference": "Patient/7"}}], {}, None, []]),
    "security": st.sampled_from([[{"code": "HTEST"}], [{"code": "R"}], [{"code": "U"}], {}]),
    "contained": st.sampled_from([[{"resourceType": "Organization", "id": "o1", "identifier": [{"value": "A"}]}], []]),
    "deceasedBoolean": st.booleans(),
}


@st.composite
def patients(draw: st.DrawFn) -> str:
    """A plain one with up to three elements taken out, changed, said twice or added to."""
    made: Any = plain()
    for place in draw(st.lists(st.sampled_from(_PLACES), max_size=3)):
        holder = _holder(made, place)
        if holder is None:
            continue
        how, key = draw(st.sampled_from(["out", "instead", "twice", "beside"])), place[-1]
        if how == "out":
            del holder[key]
        elif how == "instead":
            holder[key] = draw(st.sampled_from(_INSTEAD))
        elif how == "twice" and isinstance(holder, list):
            holder.append(holder[key])
        elif how == "beside" and isinstance(holder, dict):
            name = draw(st.sampled_from(sorted(_BESIDE)))
            holder[name] = draw(_BESIDE[name])
    items = list(made.items())
    text = json.dumps(dict(reversed(items)) if draw(st.booleans()) else made, ensure_ascii=draw(st.booleans()))
    # A name that stands twice: both ways take the same of the two.
    return text[:-1] + draw(st.sampled_from(["", "", ',"gender":"male"', ',"name":[]', ',"id":7'])) + "}"


def _holder(made: Any, place: tuple[Any, ...]) -> Any:
    """What holds that place; None where it is gone."""
    for key in place[:-1]:
        try:
            made = made[key]
        except (KeyError, IndexError, TypeError):
            return None
    there = isinstance(made, dict) and place[-1] in made
    return made if there or (isinstance(made, list) and isinstance(place[-1], int) and place[-1] < len(made)) else None


def test_plain_ones_go_the_short_way(connection: duckdb.DuckDBPyConnection) -> None:
    texts = [json.dumps(plain())]
    short = taken(connection, texts, _KIND)
    assert short == taken(connection, texts, _EXACT)
    other = replace(_KIND, taken=(PLAIN, _KIND.taken[-1] + " LIMIT 0"))
    assert taken(connection, texts, other) == short


def test_anything_anywhere(connection: duckdb.DuckDBPyConnection) -> None:
    """Each value in each place, and a period or a use of each kind beside each."""
    texts = []
    for place in _PLACES:
        for value in _INSTEAD:
            made = plain()
            _holder(made, place)[place[-1]] = value
            texts.append(json.dumps(made))
        for name, value in [*(("period", each) for each in _PERIODS), *(("use", each) for each in _USES)]:
            made = plain()
            holder = _holder(made, place)
            if isinstance(holder, dict):
                holder[name] = value
                texts.append(json.dumps(made))
    short, exact = taken(connection, texts, _KIND), taken(connection, texts, _EXACT)
    assert [(text, a, b) for text, a, b in zip(texts, short, exact, strict=True) if a != b] == []


@settings(max_examples=15, deadline=None)
@given(st.lists(patients(), min_size=1, max_size=40))
def test_both_ways_give_the_same(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    assert taken(connection, texts, _KIND) == taken(connection, texts, _EXACT)
