"""Records of which parts are kept as they are loaded (`Kind.taken`): in blocks of any size, all of them, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import Source, read
from connectors.files import load
from connectors.files.header import NO_HEADER
from connectors.files.layouts import NOT_JSON, Rows, resources
from connectors.files.raw import create_raw
from connectors.files.records import Rejected
from connectors.suppliers import fhir_shape
from connectors.suppliers.fhir import FHIR
from schemas.errors import InputError
from schemas.sql import install_macros

KIND = FHIR.kinds[0]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=date(2026, 11, 22))
        made.execute("CREATE TEMP MACRO reading_day() AS DATE '2026-11-22'")
        create_raw(made, "made", KIND)
        yield made


def block(first: int, count: int, *rejected: Rejected) -> Rows:
    number = pa.array(range(first, first + count), pa.int64())
    texts = [f'{{"resourceType":"Patient","id":"p{n}"}}' for n in range(first, first + count)]
    types = pa.array(["Patient"] * count, pa.string())
    made = {"resource_type": types, "json": pa.array(texts, pa.large_string()), "record": number, "line": number}
    return Rows(pa.table(made), rejected)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_blocks_of_any_size(connection: duckdb.DuckDBPyConnection, counts: list[int]) -> None:
    """One of which all is rejected among them: every record is there in order, and every rejected one is told."""
    connection.execute("DELETE FROM made")
    rejected = [Rejected(1000 + n, 1000 + n, "not valid JSON") for n in range(len(counts))]
    blocks = [block(1 + sum(counts[:at]), count, rejected[at]) for at, count in enumerate(counts)]
    found = load._taken(connection, "made", iter(blocks), 7, KIND)
    assert found == (sum(counts), rejected)
    kept = connection.execute("SELECT file, record, id FROM made").fetchall()
    assert kept == [(7, n, f"p{n}") for n in range(1, sum(counts) + 1)]


def test_nothing_at_all(connection: duckdb.DuckDBPyConnection) -> None:
    assert load._taken(connection, "made", iter(()), 1, KIND) == (0, [])


def test_an_error_in_a_later_block_is_told_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    """With its own sentence and path, and not within one of the store's; nothing of the file is kept."""
    connection.execute("DELETE FROM made")

    def blocks() -> Iterator[Rows]:
        yield block(1, 3)
        raise InputError("cannot be read (gone)", path=Path("x.ndjson"))

    with pytest.raises(InputError, match="gone") as caught:
        load._taken(connection, "made", blocks(), 1, KIND)
    assert caught.value.path == Path("x.ndjson")
    assert connection.execute("SELECT count(*) FROM made").fetchall() == [(0,)]
    assert load._taken(connection, "made", iter([block(1, 2)]), 1, KIND) == (2, [])


def test_more_than_one_share_keeps_its_order(tmp_path: Path) -> None:
    count = 2 * load._SHARE + 1
    path = tmp_path / "p.ndjson"
    path.write_text("\n".join(f'{{"resourceType":"Patient","id":"p{n}"}}' for n in range(count)), encoding="utf-8")
    with duckdb.connect() as store:
        read(store, [Source(path)], side="clients", as_at=date(2026, 11, 22))
        found = store.execute("SELECT record_id, extract_record, extract_line FROM clients.person").fetchall()
    assert found == [(f"p{n}", n + 1, n + 1) for n in range(count)]


_TEXT = (
    '{"resourceType":"Patient","id":"p1","name":[{"family":"O\\u0027Neil"}],"gender":"male","x":[1.5,-2e-3,null,{}]}'
)


def _broken(at: int, cut: int, put: str) -> str:
    return _TEXT[:at] + put + _TEXT[at + cut :].rstrip("}") + "}"


_PUT = st.sampled_from(["", '"', "\\", "}", ",", "\0", "\\ud800", "é"])
_BROKEN = st.builds(_broken, st.integers(26, len(_TEXT) - 1), st.integers(0, 3), _PUT)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.one_of(_BROKEN, st.just(_TEXT)), min_size=1, max_size=40))
def test_a_line_that_begins_and_ends_as_a_patient_may_be_no_json(
    connection: duckdb.DuckDBPyConnection, lines: list[str]
) -> None:
    """It is rejected as it is parsed, the others are kept, and the layout's long way says the same of each."""
    connection.execute("DELETE FROM made")
    lines = [_TEXT, *lines]
    blocks = resources.read(iter(["\n".join(lines).encode()]), KIND, NO_HEADER)
    loaded, rejected = load._taken(connection, "made", blocks, 1, KIND)
    with duckdb.connect() as parser:
        long = resources._exploded(parser, pa.array(lines, pa.large_string()), np.arange(1, len(lines) + 1))
    aside = {row["line"]: row["rule"] for row in long.to_pylist() if row["rule"]}
    assert {each.line: each.rule for each in rejected} == aside
    assert loaded == len(lines) - len(aside)
    kept = connection.execute("SELECT record, line FROM made").fetchall()
    assert kept == [(n, n) for n in range(1, len(lines) + 1) if n not in aside]


def test_a_last_line_that_is_broken_is_told_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    path.write_text(f'{_TEXT}\n{{"resourceType":"Patient","id":"p2","name":}}\n', encoding="utf-8")
    with duckdb.connect() as store:
        report = read(store, [Source(path)], side="clients", as_at=date(2026, 11, 22))
        found = store.execute("SELECT kind, extract_record, extract_line, rule FROM clients.set_aside").fetchall()
    assert (report.records, report.used, report.rejected) == (2, 1, 1)
    assert found == [("rejected", 2, 2, NOT_JSON)]
    assert report.files[0].note and "its last record is broken" in report.files[0].note


_LISTS = ("identifier", "name", "telecom", "address", "extension", "generalPractitioner", "link", "contained")
_ANY = (
    *("null", "[]", "[{}]", "{}", '{"a":["1-"]}', '["a"]', '["1"]', "true", "1", "0", "12345678", "1234567E-3"),
    *("1.23456e-55", "2e-55", "12345678901234567890123", '""', '"null"', '"true"', '"[]"', '"{}"', '"1"', '"9-8"'),
    *('"1e-5"', '"p1"', '"P1"', '"2000"', '"2000-01-01"', '"1234567e-3"', '"Male"', '"male"', '" "'),
    *('"0f1a2b3c-0000-4000-8000-000000000000"', '["a1-b"]', '["012345-"]'),
)
_LIKELY = {
    **dict.fromkeys(_LISTS, "[{}]"),
    **{"link": "null", "id": '"R1"', "gender": '"male"', "birthDate": '"2000-01-01"', "deceasedDateTime": "null"},
}


def test_sound_by_its_elements_is_sound_by_its_text(connection: duckdb.DuckDBPyConnection) -> None:
    """With anything at all in the place of any element."""
    patients = [{**_LIKELY, name: value} for name in _LIKELY for value in _ANY]
    texts = ["{" + ",".join(f'"{name}":{value}' for name, value in each.items()) + "}" for each in patients]
    found = connection.execute(
        f"SELECT {fhir_shape.SOUND}, {fhir_shape._EXACTLY}"
        f" FROM (SELECT json, from_json(json, '{fhir_shape.PATIENT}') AS p FROM unnest(?) t(json))",
        [texts],
    ).fetchall()
    assert [short for short, _ in found] == [long for _, long in found]
    assert {long for _, long in found} == {True, False}
